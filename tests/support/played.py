"""The accounts of the shipped scenario, played through the scalar rules without a stream."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from functools import cache

from local.scenario import Movement, Trade, find, load, minutes
from margin.assessment import Assessment, assess
from margin.columnar.theoretical import theoretical_values
from margin.ladder import LadderState, decide, reading_of
from margin.market import Instrument, Market, Quote
from margin.portfolio import (
    AccountType,
    CashMovement,
    Fill,
    Portfolio,
    apply_cash,
    apply_fill,
)
from margin.rulebook import REFERENCE, StressMode, ladder_policy
from margin.valuation import as_of_date

SCENARIO = load(find("nvda-selloff"))
DEMO, LONGSHORT = "ACC_DEMO_001", "ACC_LONGSHORT_007"
HEDGED, PM = "ACC_HEDGED_004", "ACC_PM_008"
MINUTE_MS = 60_000


@dataclass(frozen=True, slots=True)
class Account:
    portfolio: Portfolio
    account_type: AccountType
    market: Market
    now_ms: int

    def assessed(self) -> Assessment:
        found = assess(
            self.portfolio, self.account_type, self.market, REFERENCE, as_of_ms=self.now_ms
        )
        assert isinstance(found, Assessment), found
        return found

    def price(self, symbol: str) -> Decimal:
        return self.market.quotes[symbol].price_usd

    def repriced(self, symbol: str, price_usd: Decimal) -> Account:
        quotes = {**self.market.quotes, symbol: Quote(price_usd, self.now_ms)}
        return replace(self, market=replace(self.market, quotes=quotes))


def played(account_id: str, at: str) -> Account:
    """One account after every step of the demo up to a time; a fill id counts once."""
    book = Portfolio(account_id=account_id)
    quotes: dict[str, Quote] = {}
    fills: set[str] = set()
    now_ms = minutes(at) * MINUTE_MS
    for step in (step for step in SCENARIO.steps if minutes(step.at) <= minutes(at)):
        for symbol, price_usd in step.prices.items():
            quotes[symbol] = Quote(price_usd, minutes(step.at) * MINUTE_MS)
        for paid in (c for c in step.cash if c.account_id == account_id):
            book = apply_cash(book, _movement(paid))
        for sent in (f for f in step.fills if f.account_id == account_id):
            book = book if sent.fill_id in fills else apply_fill(book, _fill(sent))
            fills.add(sent.fill_id)
    market = _market(quotes, as_of_date(now_ms))
    account_type = next(a.account_type for a in SCENARIO.accounts if a.account_id == account_id)
    return Account(book, account_type, market, now_ms)


def _market(quotes: dict[str, Quote], on: date) -> Market:
    instruments = {
        s.name: Instrument(
            symbol=s.name,
            kind=s.kind,
            leverage=s.leverage,
            option=None if s.series is None else s.series.terms(on),
        )
        for s in SCENARIO.symbols
    }
    prices_usd = {symbol: quote.price_usd for symbol, quote in quotes.items()}
    return Market(
        quotes=quotes,
        betas={s.name: s.beta for s in SCENARIO.symbols if s.beta is not None},
        instruments=instruments,
        theoretical_usd=_theoretical(frozenset(prices_usd.items()), on),
    )


@cache
def _theoretical(
    prices_usd: frozenset[tuple[str, Decimal]], on: date
) -> dict[str, tuple[Decimal, ...]]:
    """Cached: a tree for each series and each moment that is played would take minutes."""
    instruments = _market({}, on).instruments if prices_usd else {}
    return theoretical_values(instruments, dict(prices_usd), REFERENCE, on)


def _movement(paid: Movement) -> CashMovement:
    return CashMovement(
        movement_id="c", account_id=paid.account_id, amount_usd=paid.amount_usd, kind=paid.kind
    )


def _fill(sent: Trade) -> Fill:
    return Fill(
        fill_id=sent.fill_id,
        account_id=sent.account_id,
        symbol=sent.symbol,
        quantity_shares=sent.quantity_shares,
        price_usd=sent.price_usd,
        multiplier=sent.multiplier,
    )


def ladder_steps(account_id: str) -> dict[tuple[str, str], Decimal | None]:
    """(time, action) -> amount of every step of one account, decided at each time of the demo."""
    policy = ladder_policy(REFERENCE, StressMode.LADDER)
    found: dict[tuple[str, str], Decimal | None] = {}
    state = LadderState.EMPTY
    for now in range(minutes("09:00"), minutes("13:30") + 1):
        at = f"{now // 60:02}:{now % 60:02}"
        reading = reading_of(played(account_id, at).assessed())
        decision = decide(state, reading, policy, now * MINUTE_MS, "CASE")
        state = decision.state
        found |= {(at, step.action.value): step.amount_usd for step in decision.steps}
    return found
