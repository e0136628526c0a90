"""What the strategy rules for options take and give: the legs of one class and its margin."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from margin.market import Kind, OptionTerms, Right
from margin.money import CENT_PLACES, VALUE_PLACES, ZERO, half_up


@dataclass(frozen=True, slots=True)
class Underlying:
    """What the options of a class are on: price USD per share, kind, leverage factor >= 1."""

    symbol: str
    price_usd: Decimal
    kind: Kind = Kind.STOCK
    leverage: Decimal = Decimal(1)


@dataclass(frozen=True, slots=True)
class Holding:
    """Shares of the underlying (short negative), and the 4210(c) maintenance of all, USD >= 0."""

    symbol: str
    shares: Decimal
    price_usd: Decimal
    maintenance_usd: Decimal


@dataclass(frozen=True, slots=True)
class OptionLeg:
    """Whole contracts of one series (short negative, never 0) and its price, USD per share."""

    symbol: str
    terms: OptionTerms
    contracts: Decimal
    price_usd: Decimal


@dataclass(frozen=True, slots=True)
class StrategyMargin:
    """Margin of one strategy. Its legs are symbols with signed contracts, or shares of stock.

    Requirements are USD with options at market in equity; `premium_usd` is the signed market
    value of its options. `inputs` are the named numbers of `formula`, as text.
    """

    name: str
    legs: tuple[tuple[str, Decimal], ...]
    maintenance_usd: Decimal
    initial_usd: Decimal
    premium_usd: Decimal
    formula: str
    inputs: tuple[tuple[str, str], ...]
    source: str

    @property
    def elv_maintenance_usd(self) -> Decimal:
        """Maintenance, USD, where equity leaves options out; a short option's value is in it."""
        return self.maintenance_usd - self.premium_usd


@dataclass(frozen=True, slots=True)
class ClassMargin:
    """Cheapest pairing found for one class, its margin and the least that any could cost, USD."""

    strategies: tuple[StrategyMargin, ...]
    maintenance_usd: Decimal
    initial_usd: Decimal
    lower_bound_usd: Decimal
    proven: bool


def in_the_money(right: Right, strike_usd: Decimal, price_usd: Decimal) -> Decimal:
    """What exercise would bring at a price of the underlying, USD per share, never negative.

    Source: FINRA Rule 4210(f)(2)(A), "in-the-money".

    >>> in_the_money(Right.CALL, Decimal(90), Decimal(95))
    Decimal('5')
    >>> in_the_money(Right.PUT, Decimal(90), Decimal(95))
    Decimal('0')
    """
    gain_usd = price_usd - strike_usd if right is Right.CALL else strike_usd - price_usd
    return max(ZERO, gain_usd)


def out_of_the_money(right: Right, strike_usd: Decimal, price_usd: Decimal) -> Decimal:
    """How far the underlying is from the strike, USD per share, 0 where exercise would pay.

    Source: FINRA Rule 4210(f)(2)(A), "out-of-the-money".

    >>> out_of_the_money(Right.PUT, Decimal(90), Decimal(95))
    Decimal('5')
    """
    other = Right.PUT if right is Right.CALL else Right.CALL
    return in_the_money(other, strike_usd, price_usd)


def position_usd(per_share_usd: Decimal, shares: Decimal) -> Decimal:
    """Amount per share times shares, USD, half up to cents on the total, never per share.

    Source: docs/01-finra-4210.md, "Rounding".

    >>> position_usd(Decimal("159.545"), Decimal(100))
    Decimal('15954.50')
    """
    return half_up(per_share_usd * shares, CENT_PLACES)


def premium(leg: OptionLeg) -> Decimal:
    """Market value of a leg, USD, negative for a short one, to 0.0001.

    Source: FINRA Rule 4210(a), "current market value".

    >>> from datetime import date
    >>> terms = OptionTerms(underlying="XYZ", right=Right.PUT, strike_usd=Decimal(80),
    ...                     expires_on=date(2026, 6, 19))
    >>> premium(OptionLeg("XYZ-P80", terms, Decimal(-1), Decimal("2.00")))
    Decimal('-200.0000')
    """
    return half_up(leg.contracts * leg.terms.multiplier * leg.price_usd, VALUE_PLACES)


def net_premium(legs: Iterable[OptionLeg]) -> Decimal:
    """Market value of all legs, USD: positive where they cost, negative where they bring money.

    Source: FINRA Rule 4210(f)(2)(F).

    >>> net_premium([])
    Decimal('0')
    """
    return sum((premium(leg) for leg in legs), ZERO)
