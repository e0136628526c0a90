"""Intraday margin deficit: the highest deficiency right after a level-reducing transaction."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal

from margin.errors import MarginError
from margin.maintenance import maintenance_requirement
from margin.market import Instrument, Kind
from margin.money import CENT_PLACES, ZERO, half_up
from margin.portfolio import Position
from margin.rulebook import Rulebook


@dataclass(frozen=True, slots=True)
class Trade:
    """A fill: shares bought (+) or sold (-) at a price, USD per share."""

    symbol: str
    shares: Decimal
    price_usd: Decimal


@dataclass(frozen=True, slots=True)
class Mark:
    """A new price, USD per share."""

    symbol: str
    price_usd: Decimal


@dataclass(frozen=True, slots=True)
class CashMove:
    """A deposit (+) or withdrawal (-), USD."""

    amount_usd: Decimal


Event = Trade | Mark | CashMove


@dataclass(frozen=True, slots=True, kw_only=True)
class IntradayBook:
    """Cash (USD, signed), shares (signed) and prices (USD) by symbol; an unknown one is a stock."""

    cash_usd: Decimal
    shares: Mapping[str, Decimal] = field(default_factory=dict)
    prices_usd: Mapping[str, Decimal] = field(default_factory=dict)
    instruments: Mapping[str, Instrument] = field(default_factory=dict)

    @property
    def equity_usd(self) -> Decimal:
        """Cash and the signed value of all shares, USD."""
        return self.cash_usd + sum((q * self.price(s) for s, q in self.shares.items()), ZERO)

    def price(self, symbol: str) -> Decimal:
        """Price of a symbol, USD; MarginError if none is known."""
        if symbol not in self.prices_usd:
            raise MarginError(f"a price of {symbol} expected, found none")
        return self.prices_usd[symbol]

    def after(self, event: Event) -> "IntradayBook":
        """The book after an event; a price of 0 or less raises MarginError."""
        if isinstance(event, CashMove):
            return replace(self, cash_usd=self.cash_usd + event.amount_usd)
        if event.price_usd <= 0:
            raise MarginError(f"price of {event.symbol} must be > 0, was {event.price_usd}")
        marked = replace(self, prices_usd={**self.prices_usd, event.symbol: event.price_usd})
        if isinstance(event, Mark):
            return marked
        held = self.shares.get(event.symbol, ZERO) + event.shares
        return replace(
            marked,
            cash_usd=self.cash_usd - event.shares * event.price_usd,
            shares={**self.shares, event.symbol: held},
        )


def requirement(book: IntradayBook, rulebook: Rulebook) -> Decimal:
    """Maintenance requirement of a book, USD >= 0; a symbol without a price raises MarginError.

    Source: FINRA Rule 4210(c).

    >>> from margin.rulebook import REFERENCE
    >>> book = IntradayBook(cash_usd=Decimal(0)).after(Trade("X", Decimal(10), Decimal(100)))
    >>> requirement(book, REFERENCE)
    Decimal('250.00')
    """
    parts = (
        maintenance_requirement(
            Position(symbol, shares),
            book.price(symbol),
            book.instruments.get(symbol, Instrument(symbol=symbol, kind=Kind.STOCK)),
            rulebook,
        )
        for symbol, shares in book.shares.items()
        if shares
    )
    return sum(parts, ZERO)


def intraday_margin_level(book: IntradayBook, rulebook: Rulebook) -> Decimal:
    """What may be withdrawn while maintenance is still met, USD; below 0 it is a deficiency.

    Source: FINRA Rule 4210(a)(17).

    >>> from margin.rulebook import REFERENCE
    >>> intraday_margin_level(IntradayBook(cash_usd=Decimal(100)), REFERENCE)
    Decimal('100')
    """
    return book.equity_usd - requirement(book, rulebook)


def reduces_level(book: IntradayBook, event: Event) -> bool:
    """Whether an event is a transaction that lowers the level: a purchase, short sale, withdrawal.

    A purchase that covers, a sale of what is held, a deposit and a new price do not; an order that
    turns a position over does. Source: FINRA Rule 4210(a)(18).

    >>> buy = Trade("X", Decimal(10), Decimal(100))
    >>> book = IntradayBook(cash_usd=Decimal(0), shares={"X": Decimal(-10)})
    >>> reduces_level(book, buy), reduces_level(book, Trade("X", Decimal(11), Decimal(100)))
    (False, True)
    """
    if isinstance(event, CashMove):
        return event.amount_usd < 0
    if isinstance(event, Mark):
        return False
    before = book.shares.get(event.symbol, ZERO)
    after = before + event.shares
    return abs(after) > abs(before) or before * after < 0


def intraday_margin_deficit(
    book: IntradayBook, events: Iterable[Event], rulebook: Rulebook
) -> Decimal:
    """Highest deficiency right after a level-reducing transaction of the day, USD >= 0.

    A fall in price or a sale adds none. A price of 0 or less raises MarginError.
    Source: FINRA Rule 4210(a)(19).

    >>> from margin.rulebook import REFERENCE
    >>> buy = Trade("X", Decimal(1000), Decimal(100))
    >>> intraday_margin_deficit(IntradayBook(cash_usd=Decimal(20000)), [buy], REFERENCE)
    Decimal('5000.00')
    """
    highest_usd = ZERO
    for event in events:
        counts, book = reduces_level(book, event), book.after(event)
        if counts:
            highest_usd = max(highest_usd, -intraday_margin_level(book, rulebook))
    return highest_usd


def minor_threshold(equity_usd: Decimal, rulebook: Rulebook) -> Decimal:
    """Deficit up to which (inclusive) it does not count, USD >= 0: 5 % of equity, at most 1,000.

    Equity in USD, signed. Source: FINRA Rule 4210(d)(2).

    >>> from margin.rulebook import REFERENCE
    >>> minor_threshold(Decimal(12000), REFERENCE), minor_threshold(Decimal(30000), REFERENCE)
    (Decimal('600.00'), Decimal('1000.00'))
    """
    share_usd = max(ZERO, equity_usd) * rulebook.intraday_minor_rate.value
    return half_up(min(share_usd, rulebook.intraday_minor_usd.value), CENT_PLACES)


def deficit_left(deficit_usd: Decimal, level_usd: Decimal, later_level_usd: Decimal) -> Decimal:
    """Deficit that is not yet satisfied, USD >= 0: less any rise of the level since that day's end.

    Levels in USD, signed, at the end of the day of the deficit and of a later day; a deposit is a
    rise too. Source: FINRA Rule 4210(d)(2).

    >>> deficit_left(Decimal(5000), Decimal(-5000), Decimal(-1000))
    Decimal('1000')
    """
    return max(ZERO, deficit_usd - max(ZERO, later_level_usd - level_usd))
