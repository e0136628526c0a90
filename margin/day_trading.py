"""Day trading as it was until 4 June 2026, and what a day of trading means under each regime."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from margin.deadlines import Call, due_date
from margin.intraday import Event, IntradayBook, Trade, intraday_margin_deficit, minor_threshold
from margin.intraday_freeze import deficit_dates
from margin.intraday_regime import Regime
from margin.money import CENT_PLACES, ZERO, half_up
from margin.nyse_calendar import add_business_days
from margin.rulebook import Rulebook


@dataclass(frozen=True, slots=True, kw_only=True)
class TradingDay:
    """One day: the book at its start, its events in order, and what came before.

    `prior_excess_usd`: maintenance excess at the previous close; `day_trades_before`: number of
    day trades by earlier day.
    """

    on: date
    book: IntradayBook
    events: Sequence[Event]
    prior_excess_usd: Decimal
    day_trades_before: Mapping[date, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class DayOutcome:
    """What a day means: amounts in USD >= 0, whether they count, and when they are due."""

    regime: Regime
    day_trades: int
    pattern: bool
    minimum_equity_shortfall_usd: Decimal
    day_trade_call_usd: Decimal
    intraday_deficit_usd: Decimal
    counts: bool
    due_on: date | None


def count_day_trades(events: Sequence[Event]) -> int:
    """Day trades among a day's events: shares opened that day and closed again, per symbol.

    Several closing fills in a row are one; a sale of what was held overnight, before any purchase,
    is none. Source: FINRA Rule 4210(f)(8)(B), until 4 June 2026.

    >>> buy, sell = (Trade("X", Decimal(q), Decimal(9)) for q in (10, -10))
    >>> [count_day_trades(day) for day in ([buy, sell], [buy, sell, buy, sell], [buy])]
    [1, 2, 0]
    """
    opened: dict[str, Decimal] = {}
    closing: dict[str, bool] = {}
    found = 0
    for event in events:
        if not isinstance(event, Trade) or not event.shares:
            continue
        before = opened.get(event.symbol, ZERO)
        closes = before * event.shares < 0
        found += closes and not closing.get(event.symbol, False)
        closing[event.symbol] = closes
        opened[event.symbol] = before + event.shares
    return found


def is_pattern(
    on: date, day_trades: int, day_trades_before: Mapping[date, int], rulebook: Rulebook
) -> bool:
    """Whether a day's trades make a pattern day trader: four within five business days.

    A day outside the calendar raises MarginError.
    Source: FINRA Rule 4210(f)(8)(B), until 4 June 2026.

    >>> from margin.rulebook import REFERENCE
    >>> is_pattern(date(2026, 6, 3), 1, {date(2026, 5, 28): 3}, REFERENCE)
    True
    """
    reach = rulebook.pdt_window_days.value - 1
    within = (
        number
        for day, number in day_trades_before.items()
        if day < on and add_business_days(day, reach) >= on
    )
    return day_trades + sum(within) >= rulebook.pdt_day_trades.value


def day_trading_buying_power(prior_excess_usd: Decimal, rulebook: Rulebook) -> Decimal:
    """Market value a pattern day trader may open, USD >= 0: four times the excess (USD, signed).

    The excess over maintenance at the previous close.
    Source: FINRA Rule 4210(f)(8)(B), until 4 June 2026.

    >>> from margin.rulebook import REFERENCE
    >>> day_trading_buying_power(Decimal(10000), REFERENCE)
    Decimal('40000.00')
    """
    multiple = rulebook.pdt_buying_power_multiple.value
    return half_up(max(ZERO, prior_excess_usd) * multiple, CENT_PLACES)


def highest_opened(events: Sequence[Event]) -> Decimal:
    """Highest cost of what a day's trades held open at one time, USD >= 0, from no position.

    Source: FINRA Rule 4210(f)(8)(B), until 4 June 2026.

    >>> highest_opened([Trade("X", Decimal(10), Decimal(9)), Trade("X", Decimal(-10), Decimal(8))])
    Decimal('90')
    """
    opened: dict[str, Decimal] = {}
    highest_usd = ZERO
    cost_usd: dict[str, Decimal] = {}
    for event in events:
        if not isinstance(event, Trade):
            continue
        before = opened.get(event.symbol, ZERO)
        after = opened[event.symbol] = before + event.shares
        held_usd = cost_usd.get(event.symbol, ZERO)
        if before * event.shares >= 0:
            held_usd += abs(event.shares) * event.price_usd
        elif before * after < 0:
            held_usd = abs(after) * event.price_usd
        else:
            held_usd = held_usd * after / before
        cost_usd[event.symbol] = held_usd
        highest_usd = max(highest_usd, sum(cost_usd.values(), ZERO))
    return highest_usd


def outcome(day: TradingDay, regime: Regime, rulebook: Rulebook) -> DayOutcome:
    """What the same day of transactions means under a regime; USD.

    Legacy: a pattern day trader needs 25,000 USD and four times the prior excess as buying power;
    what is opened beyond it is called for at the maintenance rate. Intraday: the margin deficit,
    unless minor. Source: FINRA Rule 4210(f)(8)(B), until 4 June 2026; FINRA Rule 4210(d)(2).

    >>> from margin.rulebook import REFERENCE
    >>> day = TradingDay(on=date(2026, 6, 3), book=IntradayBook(cash_usd=Decimal(20000)),
    ...     events=[Trade("X", Decimal(q), Decimal(100)) for q in (700, -700)],
    ...     prior_excess_usd=Decimal(20000), day_trades_before={date(2026, 6, 2): 3})
    >>> [str(outcome(day, regime, REFERENCE).minimum_equity_shortfall_usd) for regime in Regime]
    ['5000', '5000', '0']
    """
    if regime is Regime.INTRADAY_MARGIN:
        return _intraday_outcome(day, rulebook)
    return _legacy_outcome(day, regime, rulebook)


def _intraday_outcome(day: TradingDay, rulebook: Rulebook) -> DayOutcome:
    deficit_usd = intraday_margin_deficit(day.book, day.events, rulebook)
    deficit_counts = deficit_usd > minor_threshold(day.book.equity_usd, rulebook)
    due_on = deficit_dates(day.on, rulebook).fifth_day if deficit_usd else None
    return DayOutcome(
        regime=Regime.INTRADAY_MARGIN,
        day_trades=count_day_trades(day.events),
        pattern=False,
        minimum_equity_shortfall_usd=ZERO,
        day_trade_call_usd=ZERO,
        intraday_deficit_usd=deficit_usd,
        counts=deficit_counts,
        due_on=due_on,
    )


def _legacy_outcome(day: TradingDay, regime: Regime, rulebook: Rulebook) -> DayOutcome:
    trades = count_day_trades(day.events)
    pattern = is_pattern(day.on, trades, day.day_trades_before, rulebook)
    short_usd = call_usd = ZERO
    if pattern:
        short_usd = max(ZERO, rulebook.pdt_minimum_equity.value - day.book.equity_usd)
        call_usd = _day_trade_call(day, rulebook)
    due_on = due_date(Call.DAY_TRADE_CALL, day.on, rulebook) if short_usd or call_usd else None
    return DayOutcome(
        regime=regime,
        day_trades=trades,
        pattern=pattern,
        minimum_equity_shortfall_usd=short_usd,
        day_trade_call_usd=call_usd,
        intraday_deficit_usd=ZERO,
        counts=due_on is not None,
        due_on=due_on,
    )


def _day_trade_call(day: TradingDay, rulebook: Rulebook) -> Decimal:
    beyond_usd = highest_opened(day.events) - day_trading_buying_power(
        day.prior_excess_usd, rulebook
    )
    return half_up(max(ZERO, beyond_usd) * rulebook.long_rate.value, CENT_PLACES)
