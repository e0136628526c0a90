"""The accounts of the shipped scenario, played through the scalar rules without a stream."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal

from local.scenario import Movement, Trade, find, load, minutes
from margin.assessment import Assessment, assess
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

SCENARIO = load(find("nvda-selloff"))
DEMO, LONGSHORT = "ACC_DEMO_001", "ACC_LONGSHORT_007"
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
    market = Market(
        quotes=quotes,
        betas={s.name: s.beta for s in SCENARIO.symbols},
        instruments={
            s.name: Instrument(symbol=s.name, kind=s.kind, leverage=s.leverage)
            for s in SCENARIO.symbols
        },
    )
    account_type = next(a.account_type for a in SCENARIO.accounts if a.account_id == account_id)
    return Account(book, account_type, market, now_ms)


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
