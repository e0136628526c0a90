"""assess(): every margin figure of one account at one moment, with its explanation."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import assert_never

from margin import explanation, explanation_options
from margin.explanation import Line, total_line
from margin.exposure import beta_weighted_exposure
from margin.flags import blocking_flags, information_flags
from margin.market import Market
from margin.money import VALUE_PLACES, ZERO, half_up
from margin.option_margin import StrategyMargin
from margin.portfolio import AccountType, Portfolio
from margin.portfolio_groups import GroupRelief
from margin.requirements import requirements_of
from margin.rulebook import Rulebook
from margin.stress import Scenario, stress_scenarios, worst_severe_excess
from margin.tims import ClassGroupRisk
from margin.valuation import PositionFigures, as_of_date, position_figures


class Band(StrEnum):
    """Where an account stands, worst last but for UNPRICED."""

    OK = "OK"
    STRESS = "STRESS"
    WARNING = "WARNING"
    DEFICIENCY = "DEFICIENCY"
    UNPRICED = "UNPRICED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unassessable:
    """An account that gets no figures, and why: no warning, call or liquidation comes of it."""

    account_id: str
    flags: tuple[str, ...]
    band: Band = Band.UNPRICED


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    """Every margin figure of one account, USD. Only cash, equity, excess and exposure are signed.

    `requirement_usd` follows the account type; `excess_usd` is equity less that requirement.
    """

    account_id: str
    account_type: AccountType
    as_of_ms: int
    band: Band
    cash_usd: Decimal
    long_market_value_usd: Decimal
    short_market_value_usd: Decimal
    equity_usd: Decimal
    maintenance_requirement_usd: Decimal
    concentration_addon_usd: Decimal
    portfolio_margin_usd: Decimal
    reg_t_requirement_usd: Decimal
    requirement_usd: Decimal
    excess_usd: Decimal
    warning_threshold_usd: Decimal
    beta_weighted_exposure_usd: Decimal
    scenarios: tuple[Scenario, ...]
    worst_severe_excess_usd: Decimal
    tims: tuple[ClassGroupRisk, ...]
    flags: tuple[str, ...]
    figures: tuple[PositionFigures, ...] = field(repr=False)
    rulebook: Rulebook = field(repr=False)
    strategies: tuple[StrategyMargin, ...] = ()
    reliefs: tuple[GroupRelief, ...] = ()

    @property
    def plain(self) -> tuple[PositionFigures, ...]:
        """Positions outside every class with options."""
        classes = {f.option.terms.underlying for f in self.figures if f.option is not None}
        return tuple(f for f in self.figures if f.option is None and f.symbol not in classes)

    @property
    def gross_market_value_usd(self) -> Decimal:
        """Long + short market value, USD, never negative."""
        return self.long_market_value_usd + self.short_market_value_usd

    @property
    def deficiency_usd(self) -> Decimal:
        """max(0, -excess), USD."""
        return max(ZERO, -self.excess_usd)

    @property
    def underwater(self) -> bool:
        """Whether the excess would be below 0 after a severe SPY move."""
        return self.worst_severe_excess_usd < 0

    def lines(self) -> tuple[Line, ...]:
        """The calculation in order; lines with `part_of` sum to the line of that term."""
        return tuple(_lines(self))


def assess(
    portfolio: Portfolio,
    account_type: AccountType | None,
    market: Market,
    rulebook: Rulebook,
    as_of_ms: int,
) -> Assessment | Unassessable:
    """Every margin figure of one account at one moment, USD, or why there is none.

    A missing or stale price, instrument, account type or theoretical value, and an option that has
    expired or no terms, give Unassessable. A missing beta counts as 1 and is flagged. Totals are
    sums of rounded parts. Options count at market in equity.
    Source: docs/01-finra-4210.md, "The figures of an account".

    >>> from margin.market import Instrument, Kind, Quote
    >>> from margin.portfolio import Position
    >>> from margin.rulebook import REFERENCE
    >>> book = Portfolio(account_id="ACC_DEMO_001", cash_usd=Decimal("-117000"),
    ...                  positions=(Position("NVDA", Decimal(500)),))
    >>> market = Market(quotes={"NVDA": Quote(Decimal("342.40"), 0)}, betas={"NVDA": Decimal(2)},
    ...                 instruments={"NVDA": Instrument(symbol="NVDA", kind=Kind.STOCK)})
    >>> assessed = assess(book, AccountType.MARGIN, market, REFERENCE, 0)
    >>> isinstance(assessed, Assessment) and assessed.excess_usd
    Decimal('-5720.0000')
    """
    blocking = blocking_flags(portfolio, market, rulebook, as_of_ms)
    if account_type is None:
        blocking = (*blocking, "ACCOUNT_TYPE_MISSING")
    flags = tuple(sorted((*blocking, *information_flags(portfolio, market))))
    if account_type is None or blocking:
        return Unassessable(account_id=portfolio.account_id, flags=flags)
    figures = position_figures(portfolio, market, rulebook)
    return _assessment(
        portfolio, account_type, figures=figures, flags=flags, rulebook=rulebook, as_of_ms=as_of_ms
    )


def band_of(
    account_type: AccountType,
    excess_usd: Decimal,
    gross_usd: Decimal,
    worst_severe_usd: Decimal,
    rulebook: Rulebook,
) -> Band:
    """Band of a priced account from its excess, gross value and worst severe excess, USD.

    Deficiency below 0; warning from 0 to below 5 % of gross; stress when underwater.
    A cash account owes nothing and is always OK. Source: docs/01-finra-4210.md, "Bands".

    >>> from margin.rulebook import REFERENCE
    >>> band_of(AccountType.MARGIN, Decimal(0), Decimal(100000), Decimal(0), REFERENCE).value
    'WARNING'
    """
    if account_type is AccountType.CASH:
        return Band.OK
    if excess_usd < 0:
        return Band.DEFICIENCY
    if excess_usd < rulebook.warning_rate.value * gross_usd:
        return Band.WARNING
    return Band.STRESS if worst_severe_usd < 0 else Band.OK


def _assessment(
    portfolio: Portfolio,
    account_type: AccountType,
    *,
    figures: tuple[PositionFigures, ...],
    flags: tuple[str, ...],
    rulebook: Rulebook,
    as_of_ms: int,
) -> Assessment:
    long_usd = sum((f.market_value_usd for f in figures if f.signed_value_usd > 0), ZERO)
    short_usd = sum((f.market_value_usd for f in figures if f.signed_value_usd < 0), ZERO)
    equity_usd = portfolio.cash_usd + long_usd - short_usd
    needed = requirements_of(figures, rulebook, as_of_date(as_of_ms))
    requirement_usd = requirement_of(
        account_type,
        needed.maintenance_usd + needed.concentration_usd,
        needed.portfolio_margin_usd,
    )
    excess_usd = equity_usd - requirement_usd
    exposure_usd = beta_weighted_exposure(f.beta_weighted_usd for f in figures)
    scenarios = stress_scenarios(excess_usd, exposure_usd, rulebook)
    worst_usd = worst_severe_excess(scenarios, rulebook)
    gross_usd = long_usd + short_usd
    return Assessment(
        account_id=portfolio.account_id,
        account_type=account_type,
        as_of_ms=as_of_ms,
        band=band_of(account_type, excess_usd, gross_usd, worst_usd, rulebook),
        cash_usd=portfolio.cash_usd,
        long_market_value_usd=long_usd,
        short_market_value_usd=short_usd,
        equity_usd=equity_usd,
        maintenance_requirement_usd=needed.maintenance_usd,
        concentration_addon_usd=needed.concentration_usd,
        portfolio_margin_usd=needed.portfolio_margin_usd,
        reg_t_requirement_usd=needed.reg_t_usd,
        requirement_usd=requirement_usd,
        excess_usd=excess_usd,
        warning_threshold_usd=half_up(gross_usd * rulebook.warning_rate.value, VALUE_PLACES),
        beta_weighted_exposure_usd=exposure_usd,
        scenarios=scenarios,
        worst_severe_excess_usd=worst_usd,
        tims=needed.risks,
        flags=flags,
        figures=figures,
        rulebook=rulebook,
        strategies=needed.strategies,
        reliefs=needed.reliefs,
    )


def requirement_of(
    account_type: AccountType, house_usd: Decimal, portfolio_margin_usd: Decimal
) -> Decimal:
    """The requirement that counts for an account type, USD, never negative.

    Portfolio margin for such an account, else maintenance and add-ons; a cash account's figure
    is for information. Source: FINRA Rule 4210(c), (d), (g).

    >>> requirement_of(AccountType.PORTFOLIO_MARGIN, Decimal(70000), Decimal(30000))
    Decimal('30000')
    """
    match account_type:
        case AccountType.PORTFOLIO_MARGIN:
            return portfolio_margin_usd
        case AccountType.MARGIN | AccountType.CASH:
            return house_usd
        case _:
            assert_never(account_type)


def _lines(a: Assessment) -> Iterator[Line]:
    yield from explanation.equity_lines(a.cash_usd, a.figures)
    yield total_line(
        explanation.EQUITY,
        "cash + long market value - short market value",
        a.equity_usd,
        rule="equity",
        source="FINRA Rule 4210(a)(5)",
    )
    yield from _requirement_lines(a)
    yield total_line(
        explanation.EXCESS,
        "equity - requirement",
        a.excess_usd,
        rule="a call is due below 0",
        source="FINRA Rule 4210(c)",
    )


def _requirement_lines(a: Assessment) -> Iterator[Line]:
    if a.account_type is AccountType.PORTFOLIO_MARGIN:
        yield from explanation.class_group_lines(a.tims, a.rulebook)
        yield from explanation_options.relief_lines(a.reliefs)
        yield _part(explanation.PORTFOLIO_MARGIN, a.portfolio_margin_usd, "FINRA Rule 4210(g)")
    else:
        yield from explanation.maintenance_lines(a.plain, a.rulebook)
        yield from explanation_options.strategy_lines(a.strategies)
        yield _part(explanation.MAINTENANCE, a.maintenance_requirement_usd, "FINRA Rule 4210(c)")
        yield from explanation.concentration_lines(a.figures, a.gross_market_value_usd, a.rulebook)
        yield _part(explanation.CONCENTRATION, a.concentration_addon_usd, "FINRA Rule 4210(d)")
    yield total_line(
        explanation.REQUIREMENT,
        "sum of its parts",
        a.requirement_usd,
        rule=f"requirement of a {a.account_type} account",
        source="FINRA Rule 4210",
    )


def _part(term: str, value_usd: Decimal, source: str) -> Line:
    return Line(
        term=term,
        formula="sum of its parts",
        inputs=(),
        value_usd=value_usd,
        rule=term,
        source=source,
        part_of=explanation.REQUIREMENT,
    )
