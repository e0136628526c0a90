"""The same day of trades under the old rules and the new ones."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

import pytest

from margin.day_trading import (
    TradingDay,
    count_day_trades,
    highest_opened,
    is_pattern,
    outcome,
)
from margin.intraday import Event, IntradayBook, Trade
from margin.intraday_regime import Regime
from margin.rulebook import REFERENCE

D = Decimal
TODAY = date(2026, 6, 3)


def trade(shares: int, price: int = 100, symbol: str = "X") -> Trade:
    return Trade(symbol, D(shares), D(price))


@pytest.mark.parametrize(
    ("events", "found"),
    [
        ([trade(10), trade(-10)], 1),
        ([trade(-10), trade(10)], 1),
        ([trade(10), trade(-4), trade(-6)], 1),
        ([trade(10), trade(-4), trade(10), trade(-6)], 2),
        ([trade(10), trade(-10, symbol="Y")], 0),
        ([trade(-10)], 0),
    ],
)
def test_day_trades_are_openings_closed_on_the_day(events: Sequence[Event], found: int) -> None:
    assert count_day_trades(events) == found


@pytest.mark.parametrize(
    ("earlier", "today", "pattern"),
    [("2026-05-28", 1, True), ("2026-05-27", 1, False), ("2026-05-28", 0, False)],
)
def test_four_within_five_business_days_are_a_pattern(
    earlier: str, today: int, pattern: bool
) -> None:
    before = {date.fromisoformat(earlier): 3}
    assert is_pattern(TODAY, today, before, REFERENCE) is pattern


def test_highest_opened_follows_what_is_held_at_one_time() -> None:
    assert highest_opened([trade(10), trade(-10), trade(10)]) == 1000
    assert highest_opened([trade(10), trade(10), trade(-20)]) == 2000
    assert highest_opened([trade(10), trade(-30), trade(20)]) == 2000


def day_of(cash: int, *events: Event) -> TradingDay:
    return TradingDay(
        on=TODAY,
        book=IntradayBook(cash_usd=D(cash)),
        events=events,
        prior_excess_usd=D(cash),
        day_trades_before={date(2026, 6, 2): 3},
    )


def test_one_day_means_different_things_under_each_regime() -> None:
    day = day_of(20000, trade(1000), trade(-1000))
    legacy = outcome(day, Regime.LEGACY_PDT, REFERENCE)
    new = outcome(day, Regime.INTRADAY_MARGIN, REFERENCE)
    assert legacy.pattern
    assert legacy.minimum_equity_shortfall_usd == 5000
    # 100,000 opened, 80,000 allowed: a quarter of the rest.
    assert legacy.day_trade_call_usd == 5000
    assert not new.pattern
    assert new.minimum_equity_shortfall_usd == new.day_trade_call_usd == 0
    assert new.counts
    assert new.intraday_deficit_usd == 5000
    assert legacy.intraday_deficit_usd == 0


def test_day_that_only_the_old_rules_object_to() -> None:
    day = day_of(20000, trade(700), trade(-700))
    assert outcome(day, Regime.LEGACY_PDT_PERMITTED, REFERENCE).counts
    assert not outcome(day, Regime.INTRADAY_MARGIN, REFERENCE).counts


@pytest.mark.parametrize(("cash", "short"), [(24999, 1), (25000, 0), (25001, 0)])
def test_minimum_equity_of_a_pattern_day_trader(cash: int, short: int) -> None:
    found = outcome(day_of(cash, trade(1), trade(-1)), Regime.LEGACY_PDT, REFERENCE)
    assert found.minimum_equity_shortfall_usd == short
    assert (found.due_on is None) is (short == 0)
