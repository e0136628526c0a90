"""What goes into a valuation over arrays, and what comes out of it."""

from dataclasses import dataclass
from typing import Final

from margin.assessment import Band
from margin.columnar.arithmetic import Flags, Ints
from margin.market import Kind
from margin.portfolio import AccountType

UNKNOWN: Final = -1
ACCOUNT_TYPES: Final = tuple(AccountType)
KINDS: Final = tuple(Kind)
BANDS: Final = tuple(Band)
# An index is never held itself.
INDEX_CODES: Final = (KINDS.index(Kind.INDEX), KINDS.index(Kind.BROAD_INDEX))


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """Accounts, their positions and the market; money in 1e-4 USD, the rest in 1e-4, times in ms.

    Positions are sorted by account, none is 0, and an account holds a symbol once. Codes are
    places in ACCOUNT_TYPES and KINDS, or UNKNOWN; a price of 0 is none.
    """

    as_of_ms: int
    account_type: Ints
    cash_usd_e4: Ints
    overflown: Flags
    account: Ints
    symbol: Ints
    quantity_e4: Ints
    price_usd_e4: Ints
    price_at_ms: Ints
    beta_e4: Ints
    beta_known: Flags
    kind: Ints
    leverage_e4: Ints
    class_group: Ints


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """What is wrong, by symbol; any of them makes the accounts that hold it UNPRICED."""

    price_missing: Flags
    price_stale: Flags
    instrument_missing: Flags
    option: Flags
    index: Flags
    any: Flags


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupRisks:
    """Ten points and requirement by (account, class group), sorted by both, in 1e-4 USD."""

    account: Ints
    class_group: Ints
    points_usd_e4: Ints
    requirement_usd_e4: Ints


@dataclass(frozen=True, slots=True, kw_only=True)
class Valuation:
    """The figures of `Assessment` by account, in 1e-4 USD; 0 where the account is unpriced."""

    band: Ints
    unpriced: Flags
    too_large: Flags
    long_market_value_usd_e4: Ints
    short_market_value_usd_e4: Ints
    equity_usd_e4: Ints
    maintenance_requirement_usd_e4: Ints
    concentration_addon_usd_e4: Ints
    portfolio_margin_usd_e4: Ints
    reg_t_requirement_usd_e4: Ints
    requirement_usd_e4: Ints
    excess_usd_e4: Ints
    warning_threshold_usd_e4: Ints
    beta_weighted_exposure_usd_e4: Ints
    pnl_usd_e4: Ints
    worst_severe_excess_usd_e4: Ints
    faults: Faults
