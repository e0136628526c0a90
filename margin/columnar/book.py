"""What goes into a valuation over arrays, and what comes out of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from margin.assessment import Band
from margin.columnar.arithmetic import E4, Flags, Ints
from margin.market import Kind
from margin.portfolio import AccountType

UNKNOWN: Final = -1
ACCOUNT_TYPES: Final = tuple(AccountType)
KINDS: Final = tuple(Kind)
BANDS: Final = tuple(Band)
# An index is never held itself.
INDEX_CODES: Final = (KINDS.index(Kind.INDEX), KINDS.index(Kind.BROAD_INDEX))
OPTION_CODE: Final = KINDS.index(Kind.OPTION)
# What a book without options need not say, and what it then says of every symbol.
NOT_SAID: Final[Mapping[str, int]] = {
    "underlying": UNKNOWN,
    "is_call": False,
    "is_american": False,
    "strike_usd_e4": 0,
    "expires_day": 0,
    "multiplier_e4": E4,
    "product_group": UNKNOWN,
    "dividend_yield_e4": 0,
}

OPTION_FAULTS: Final = (
    "option_expired",
    "multiplier_not_whole",
    "underlying_missing",
    "underlying_price_missing",
    "underlying_price_stale",
    "theoretical_missing",
    "product_group_unknown",
)


def _unsaid() -> Ints:
    return np.zeros(0, np.int64)


def _no_flags() -> Flags:
    return np.zeros(0, np.bool_)


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """Accounts, their positions and the market; money in 1e-4 USD, the rest in 1e-4, times in ms.

    Positions are sorted by account, none is 0, and an account holds a symbol once. Codes are
    places in ACCOUNT_TYPES and KINDS, or UNKNOWN; a price of 0 is none.

    An option with terms has the symbol it is on, its strike in 1e-4 USD, its day of expiry in days
    since 1970 and its shares per contract in 1e-4; quantities of options are contracts. A product
    group is a place in `product_groups`, their names, or UNKNOWN.
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
    underlying: Ints = field(default_factory=_unsaid)
    is_call: Flags = field(default_factory=_no_flags)
    is_american: Flags = field(default_factory=_no_flags)
    strike_usd_e4: Ints = field(default_factory=_unsaid)
    expires_day: Ints = field(default_factory=_unsaid)
    multiplier_e4: Ints = field(default_factory=_unsaid)
    product_group: Ints = field(default_factory=_unsaid)
    dividend_yield_e4: Ints = field(default_factory=_unsaid)
    product_groups: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name, value in NOT_SAID.items():
            given = getattr(self, name)
            if not len(given):
                object.__setattr__(self, name, np.full(len(self.kind), value, given.dtype))

    @property
    def is_option(self) -> Flags:
        """Options with terms, by symbol; an option without is not supported."""
        found: Flags = (self.kind == OPTION_CODE) & (self.underlying != UNKNOWN)
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """What is wrong, by symbol; any of them makes the accounts that hold it UNPRICED.

    `option` is an option without terms. Contracts that are not whole are a fault of a position.
    """

    price_missing: Flags
    price_stale: Flags
    instrument_missing: Flags
    option: Flags
    index: Flags
    any: Flags
    option_expired: Flags = field(default_factory=_no_flags)
    multiplier_not_whole: Flags = field(default_factory=_no_flags)
    underlying_missing: Flags = field(default_factory=_no_flags)
    underlying_price_missing: Flags = field(default_factory=_no_flags)
    underlying_price_stale: Flags = field(default_factory=_no_flags)
    theoretical_missing: Flags = field(default_factory=_no_flags)
    product_group_unknown: Flags = field(default_factory=_no_flags)

    def __post_init__(self) -> None:
        for name in OPTION_FAULTS:
            if not len(getattr(self, name)):
                object.__setattr__(self, name, np.zeros(len(self.any), np.bool_))


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupRisks:
    """Ten points and requirement by (account, class group), sorted by both, in 1e-4 USD.

    `minimum_usd_e4` is the charge of the options of a group, not rounded; 0 without.
    """

    account: Ints
    class_group: Ints
    points_usd_e4: Ints
    requirement_usd_e4: Ints
    minimum_usd_e4: Ints = field(default_factory=_unsaid)

    def __post_init__(self) -> None:
        if not len(self.minimum_usd_e4):
            object.__setattr__(self, "minimum_usd_e4", np.zeros_like(self.requirement_usd_e4))


@dataclass(frozen=True, slots=True, kw_only=True)
class Valuation:
    """The figures of `Assessment` by account, in 1e-4 USD; 0 where the account is unpriced.

    `theoretical_usd_e4` has the values of an option at its points, 1e-4 USD per share, by symbol.
    """

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
    theoretical_usd_e4: Mapping[int, Ints] = field(default_factory=dict)
