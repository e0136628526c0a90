"""Plays a scenario into Kafka: the market, the customers and the feeds' mistakes."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Protocol, TypedDict, assert_never

from local.errors import TimedOutError
from local.scenario import Scenario, Step, Symbol, minutes
from margin import topics
from margin.events import (
    AccountEvent,
    BetaEvent,
    CashEvent,
    FillEvent,
    InputEvent,
    InstrumentEvent,
    PriceEvent,
)
from margin.money import ZERO
from margin.valuation import as_of_date
from margin.wire import encode

SETTLE_TIMEOUT_S = 25.0
LATE_BY_MS = 60_000


@dataclass(frozen=True, slots=True)
class Message:
    topic: str
    key: str
    value: bytes


class Sender(Protocol):
    def send(self, messages: list[Message]) -> dict[str, int]:
        """Send and wait for the broker; the next offset of each topic-partition written to."""


class View(Protocol):
    """What the player needs to know of the outcome so far."""

    def covers(self, offsets: Mapping[str, int]) -> bool: ...
    def has_seen_until(self, at: str) -> bool: ...
    def settled(self, at: str) -> None: ...


def opening_messages(scenario: Scenario, now_ms: int) -> list[Message]:
    """Reference data: instruments, betas and accounts."""
    events: list[InputEvent] = []
    for symbol in scenario.symbols:
        events.append(_instrument(symbol, now_ms))
        if symbol.beta is not None:
            beta = BetaEvent(
                **_envelope(f"B-{symbol.name}", now_ms),
                symbol=symbol.name,
                beta=symbol.beta,
                sequence=1,
            )
            events.append(beta)
    events += [
        AccountEvent(
            **_envelope(f"A-{account.account_id}", now_ms),
            account_id=account.account_id,
            account_type=account.account_type,
            stress_mode=account.stress_mode,
        )
        for account in scenario.accounts
    ]
    return [_message(event) for event in events]


def _instrument(symbol: Symbol, now_ms: int) -> InstrumentEvent:
    series = symbol.series
    return InstrumentEvent(
        **_envelope(f"I-{symbol.name}", now_ms),
        symbol=symbol.name,
        kind=symbol.kind,
        leverage=symbol.leverage,
        class_group=symbol.name if series is None else series.underlying,
        option=None if series is None else series.terms(as_of_date(now_ms)),
    )


def step_messages(step: Step, number: int, now_ms: int) -> list[Message]:
    """The events of one step. `number` (1, 2, ...) orders its prices."""
    events: list[InputEvent] = [_price(s, p, number * 10, now_ms) for s, p in step.prices.items()]
    events += [
        _price(s, p, number * 10 - 5, now_ms - LATE_BY_MS) for s, p in step.late_prices.items()
    ]
    events += [
        CashEvent(
            **_envelope(f"C-{number}-{index}", now_ms),
            account_id=movement.account_id,
            amount_usd=movement.amount_usd,
            kind=movement.kind,
        )
        for index, movement in enumerate(step.cash)
    ]
    events += [
        FillEvent(
            **_envelope(trade.fill_id, now_ms),
            account_id=trade.account_id,
            symbol=trade.symbol,
            quantity_shares=trade.quantity_shares,
            price_usd=trade.price_usd,
            fee_usd=ZERO,
            multiplier=trade.multiplier,
        )
        for trade in step.fills
    ]
    raw = [Message(r["topic"], r["key"], r["value"].encode()) for r in step.raw]
    return [*map(_message, events), *raw]


def _price(symbol: str, price_usd: Decimal, sequence: int, at_ms: int) -> PriceEvent:
    return PriceEvent(
        **_envelope(f"P-{symbol}-{sequence}", at_ms),
        symbol=symbol,
        price_usd=price_usd,
        sequence=sequence,
    )


class _Envelope(TypedDict):
    event_id: str
    at_ms: int
    correlation_id: str


def _envelope(event_id: str, at_ms: int) -> _Envelope:
    return {"event_id": event_id, "at_ms": at_ms, "correlation_id": event_id}


def _message(event: InputEvent) -> Message:
    match event:
        case FillEvent():
            topic, key = topics.FILLS, event.account_id
        case CashEvent():
            topic, key = topics.CASH, event.account_id
        case AccountEvent():
            topic, key = topics.ACCOUNTS, event.account_id
        case PriceEvent():
            topic, key = topics.PRICES, event.symbol
        case BetaEvent():
            topic, key = topics.BETAS, event.symbol
        case InstrumentEvent():
            topic, key = topics.INSTRUMENTS, event.symbol
        case _:
            assert_never(event)
    return Message(topic, key, encode(event))


class Player:
    """Sends each step once the one before has settled and its time on the clock has come."""

    def __init__(
        self,
        scenario: Scenario,
        speed: Decimal,
        sender: Sender,
        view: View,
        *,
        check: Callable[[], None],
        announce: Callable[[Step], None],
    ) -> None:
        self._scenario, self._speed = scenario, speed
        self._sender, self._view = sender, view
        self._check, self._announce = check, announce
        self._clock: tuple[float, str] | None = None
        self._covered: dict[str, int] = {}
        self._day = date.min

    def play(self) -> None:
        """Returns after the last step has settled; a step that never settles is played past,
        and the verdict says what was missing."""
        self._send(self._reference_data(_now_ms()))
        played = ""
        for number, step in enumerate(self._scenario.steps, start=1):
            if number > 1:
                self._settle(step.at, played)
            self._wait_for_clock(step)
            self._announce(step)
            now_ms = _now_ms()
            self._send(self._reference_data(now_ms) + step_messages(step, number, now_ms))
            played = step.at
        self._settle("24:00", played)

    def _reference_data(self, now_ms: int) -> list[Message]:
        """Once a day: options expire so many days after the day on which they are played."""
        if as_of_date(now_ms) == self._day:
            return []
        self._day = as_of_date(now_ms)
        return opening_messages(self._scenario, now_ms)

    def _send(self, messages: list[Message]) -> None:
        if messages:
            self._covered |= self._sender.send(messages)

    def _settle(self, before: str, played: str) -> None:
        """Until the stream has used all that was sent, and what was due before was seen."""
        if not self._until(lambda: self._view.covers(self._covered), SETTLE_TIMEOUT_S * 2):
            raise TimedOutError(
                "the stream did not use the events sent to it within "
                f"{SETTLE_TIMEOUT_S * 2:g} s; its log is .marginwatch/logs/spark.log"
            )
        self._view.settled(played)
        allowed = SETTLE_TIMEOUT_S
        if self._clock is not None:
            allowed += float(1800 / self._speed)
        self._until(lambda: self._view.has_seen_until(before), allowed)

    def _wait_for_clock(self, step: Step) -> None:
        if self._clock is not None:
            began, start_at = self._clock
            passed_s = (minutes(step.at) - minutes(start_at)) * 60 / self._speed
            due = began + float(passed_s)
            self._until(lambda: time.monotonic() >= due, float(passed_s) + 1)
        elif step.starts_clock:
            self._clock = (time.monotonic(), step.at)

    def _until(self, condition: Callable[[], bool], timeout_s: float) -> bool:
        deadline = time.monotonic() + timeout_s
        while not condition():
            self._check()
            if time.monotonic() > deadline:
                return False
            time.sleep(0.02)
        return True


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
