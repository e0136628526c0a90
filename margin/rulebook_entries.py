"""What a rulebook consists of: every rate and threshold of the rules, by name and type."""

from dataclasses import dataclass, fields
from datetime import date
from decimal import Decimal
from typing import Generic, TypeVar

from margin.errors import RulebookError
from margin.market import Kind

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Entry(Generic[T]):
    """One value of the rulebook, what it is measured in, and where it comes from."""

    value: T
    unit: str
    source: str


Rates = tuple[Decimal, ...]
Kinds = tuple[Kind, ...]
# Up to this (None: any more) and the rate that applies.
Tiers = tuple[tuple[Decimal | None, Decimal], ...]
# Product group, its offset, the portfolio group it is in.
Offsets = tuple[tuple[str, Decimal, str], ...]
GroupRates = tuple[tuple[str, Decimal], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rulebook:
    """The rates and thresholds that every rule takes as an argument.

    Rates are fractions (0.25 is 25 %), never negative; moves are signed fractions.
    """

    # Maintenance margin
    long_rate: Entry[Decimal]
    short_rate: Entry[Decimal]
    short_floor: Entry[Decimal]
    low_priced_below: Entry[Decimal]
    low_priced_short_rate: Entry[Decimal]
    low_priced_short_floor: Entry[Decimal]
    leveraged_rate_cap: Entry[Decimal]
    box_rate: Entry[Decimal]

    # House add-ons
    concentration_above: Entry[Decimal]
    concentration_rate: Entry[Decimal]
    concentration_exempt: Entry[Kinds]
    volatility_above: Entry[Decimal]
    volatility_rate: Entry[Decimal]
    high_volatility_above: Entry[Decimal]
    high_volatility_rate: Entry[Decimal]

    # Market stress
    stress_moves: Entry[Rates]
    severe_at_least: Entry[Decimal]
    missing_beta: Entry[Decimal]

    # Portfolio margin
    tims_points_per_side: Entry[int]
    tims_stock_up: Entry[Decimal]
    tims_stock_down: Entry[Decimal]
    tims_etf_up: Entry[Decimal]
    tims_etf_down: Entry[Decimal]
    tims_broad_etf_up: Entry[Decimal]
    tims_broad_etf_down: Entry[Decimal]

    # Regulation T and new accounts
    reg_t_rate: Entry[Decimal]
    minimum_equity: Entry[Decimal]
    reg_t_waived_up_to: Entry[Decimal]

    # Ladder
    warning_rate: Entry[Decimal]
    clear_warning_rate: Entry[Decimal]
    restrict_after: Entry[Decimal]
    liquidate_after: Entry[Decimal]
    stress_confirm: Entry[Decimal]
    restrict_to_liquidate_gap: Entry[Decimal]
    liquidation_buffer_rate: Entry[Decimal]

    # Prices
    stale_price_after_ms: Entry[int]

    # Listed options
    option_main_rate: Entry[Decimal]
    option_index_rate: Entry[Decimal]
    option_minimum_rate: Entry[Decimal]
    option_minimum_leveraged: Entry[int]
    long_option_rate: Entry[Decimal]
    long_term_option_rate: Entry[Decimal]
    long_term_months: Entry[int]
    protective_strike_rate: Entry[Decimal]
    protective_stock_rate: Entry[Decimal]
    collar_call_rate: Entry[Decimal]
    conversion_strike_rate: Entry[Decimal]
    long_box_rate: Entry[Decimal]
    short_box_close_factor: Entry[Decimal]

    # Portfolio margin of options and groups
    option_minimum_charge: Entry[Decimal]
    tims_index_up: Entry[Decimal]
    tims_index_down: Entry[Decimal]
    tims_broad_index_up: Entry[Decimal]
    tims_broad_index_down: Entry[Decimal]
    tims_other_index_up: Entry[Decimal]
    tims_other_index_down: Entry[Decimal]
    product_group_offsets: Entry[Offsets]
    portfolio_group_offsets: Entry[GroupRates]
    risk_free_rate: Entry[Decimal]
    pm_equity_monitored: Entry[Decimal]
    pm_equity_unmonitored: Entry[Decimal]
    pm_equity_prime_broker: Entry[Decimal]
    pm_equity_unlisted: Entry[Decimal]
    pm_net_capital_multiple: Entry[Decimal]
    pm_net_capital_days: Entry[int]
    pm_stress_floor: Entry[Decimal]
    ibkr_iv_scan_stock: Entry[Decimal]
    ibkr_iv_scan_broad_index: Entry[Decimal]
    ibkr_iv_scan_other: Entry[Decimal]

    # Bonds and other securities
    treasury_rates: Entry[Tiers]
    investment_grade_rate: Entry[Decimal]
    listed_debt_rate: Entry[Decimal]
    listed_debt_principal_rate: Entry[Decimal]
    short_bond_principal_rate: Entry[Decimal]
    short_bond_rate: Entry[Decimal]
    non_marginable_rate: Entry[Decimal]
    convertible_offset_rate: Entry[Decimal]

    # Rules-based requirement
    rbr_base: Entry[Decimal]
    rbr_long_concentration: Entry[Tiers]
    rbr_short_concentration: Entry[Tiers]
    rbr_liquidity: Entry[Tiers]
    rbr_ownership: Entry[Tiers]
    rbr_industry: Entry[Tiers]
    rbr_industry_only_if_no_position_above: Entry[Decimal]

    # Strikes
    strike_higher_requirement: Entry[Tiers]
    strike_liquidations_only: Entry[Tiers]

    # Special memorandum account and day trading
    sma_check_from: Entry[str]
    sma_check_to: Entry[str]
    intraday_minor_rate: Entry[Decimal]
    intraday_minor_usd: Entry[Decimal]
    intraday_deadline_days: Entry[int]
    intraday_outer_days: Entry[int]
    intraday_freeze_days: Entry[int]
    intraday_practice_deficits: Entry[int]
    intraday_effective_on: Entry[date]
    intraday_phase_in_until: Entry[date]
    pdt_minimum_equity: Entry[Decimal]
    pdt_day_trades: Entry[int]
    pdt_window_days: Entry[int]
    pdt_buying_power_multiple: Entry[Decimal]

    # Deadlines
    due_reg_t_call: Entry[int]
    due_maintenance_call: Entry[int]
    due_finra_maintenance_outer_limit: Entry[int]
    due_cash_call: Entry[int]
    due_day_trade_call: Entry[int]
    due_pm_house_call: Entry[int]
    due_pm_minimum_equity_150k: Entry[int]
    due_portfolio_margin_deficiency: Entry[int]
    due_leverage_exposure: Entry[int]
    freeze_days: Entry[int]

    def __post_init__(self) -> None:
        for name, entry in self.entries():
            if isinstance(entry.value, Decimal | int) and entry.value < 0:
                raise RulebookError(f"{name} must be >= 0, was {entry.value}")
        if self.tims_points_per_side.value < 1:
            raise RulebookError("tims_points_per_side must be >= 1, was 0")
        if not any(abs(m) >= self.severe_at_least.value for m in self.stress_moves.value):
            raise RulebookError("stress_moves must contain a severe move, found none")

    def entries(self) -> tuple[tuple[str, Entry[object]], ...]:
        """Name and entry of every rate and threshold, in the order of this file."""
        return tuple((field.name, getattr(self, field.name)) for field in fields(self))
