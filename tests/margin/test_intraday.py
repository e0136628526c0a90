"""The deficit of a day: only after transactions that lower the level, whatever prices do later."""

from decimal import Decimal
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from margin.errors import MarginError
from margin.intraday import (
    CashMove,
    Event,
    IntradayBook,
    Mark,
    Trade,
    deficit_left,
    intraday_margin_deficit,
    intraday_margin_level,
    minor_threshold,
    reduces_level,
)
from margin.intraday_worst_order import worst_order_deficit
from margin.rulebook import REFERENCE

D = Decimal
EMPTY = IntradayBook(cash_usd=D(20000))


def trade(shares: int, price: int = 100) -> Trade:
    return Trade("X", D(shares), D(price))


def mark(price: int) -> Mark:
    return Mark("X", D(price))


def deficit(*events: Event, book: IntradayBook = EMPTY) -> Decimal:
    return intraday_margin_deficit(book, events, REFERENCE)


@pytest.mark.parametrize(("shares", "found"), [(799, 0), (800, 0), (801, 25)])
def test_purchase_makes_a_deficit_beyond_the_level(shares: int, found: int) -> None:
    assert deficit(trade(shares)) == found


def test_fall_and_sale_add_none_but_the_next_purchase_does() -> None:
    day: list[Event] = [trade(700), mark(80), trade(-100, 80)]
    assert deficit(*day) == 0
    # Then 601 shares at 80: equity 6,000, requirement 12,020.
    assert deficit(*day, trade(1, 80)) == 6020


def test_short_sale_and_withdrawal_lower_the_level() -> None:
    # A short of 667 shares at 100 needs 20,010.
    assert deficit(trade(-667)) == 10
    assert deficit(trade(800), CashMove(D(-5))) == 5
    assert deficit(trade(800), CashMove(D(5))) == 0


def test_covering_adds_none_and_turning_over_does() -> None:
    short = IntradayBook(cash_usd=D(60000), shares={"X": D(-500)}, prices_usd={"X": D(100)})
    assert intraday_margin_level(short, REFERENCE) < 0
    assert deficit(trade(400), book=short) == 0
    assert deficit(trade(900), book=short) == 0
    assert deficit(trade(941), book=short) == D(1025)


def test_highest_deficit_of_the_day_counts_though_it_is_sold_off() -> None:
    assert deficit(trade(1000), trade(-1000), trade(900)) == 5000


@pytest.mark.parametrize(
    ("equity", "threshold"),
    [
        ("19999.99", "1000.00"),
        ("20000", "1000"),
        ("20000.01", "1000"),
        ("12000", "600"),
        ("-5", "0"),
    ],
)
def test_minor_threshold(equity: str, threshold: str) -> None:
    assert minor_threshold(D(equity), REFERENCE) == D(threshold)


def test_rise_of_the_level_satisfies_a_deficit() -> None:
    left = [deficit_left(D(5000), D(-2000), D(level)) for level in (-2500, -2000, 2999, 3000)]
    assert left == [5000, 5000, 1, 0]


def test_price_of_zero_is_refused() -> None:
    with pytest.raises(MarginError, match="price of X must be > 0, was 0"):
        deficit(trade(1, 0))


SIZES = st.integers(-900, 900).filter(bool)
TRADES = st.lists(st.builds(trade, SIZES, st.integers(80, 120)), min_size=1, max_size=4)


@given(TRADES)
def test_no_order_of_trades_at_their_prices_exceeds_the_worst(trades: list[Trade]) -> None:
    closes = {"X": D(100)}
    at_close = [Trade(t.symbol, t.shares, D(100)) for t in trades]
    worst = worst_order_deficit(EMPTY, at_close, closes, REFERENCE)
    assert worst == max(deficit(*order) for order in permutations(at_close))


def worst_of(order: tuple[Trade, ...], close: Decimal) -> Decimal:
    """Highest deficiency right after a level-reducing trade of an order, at the close."""
    book, worst = EMPTY, D(0)
    for one in order:
        counts, book = reduces_level(book, one), book.after(one).after(Mark("X", close))
        worst = max(worst, -intraday_margin_level(book, REFERENCE)) if counts else worst
    return worst


@given(TRADES)
def test_no_order_at_the_close_exceeds_the_worst(trades: list[Trade]) -> None:
    worst = worst_order_deficit(EMPTY, trades, {"X": D(100)}, REFERENCE)
    assert worst >= max(worst_of(order, D(100)) for order in permutations(trades))


def test_trade_far_from_the_close_hurts_on_either_side() -> None:
    # Bought at 300 against a close of 100, sold again before: both lose against the close.
    day = [trade(100, 300), trade(-100, 20)]
    assert worst_order_deficit(EMPTY, day, {"X": D(100)}, REFERENCE) == 8000
    assert worst_order_deficit(EMPTY, [CashMove(D(5))], {}, REFERENCE) == 0
    assert worst_order_deficit(EMPTY, [CashMove(D(-20001))], {}, REFERENCE) == 1


def test_purchase_far_below_the_close_is_left_out() -> None:
    # Bought at 73, worth 100: the gain of 27 is more than the requirement of 25.
    day = [trade(1000), trade(500, 73)]
    assert worst_order_deficit(EMPTY, day, {"X": D(100)}, REFERENCE) == 5000
