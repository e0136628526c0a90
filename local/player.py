"""Plays a scenario into Kafka: the market, the customers and the feeds' mistakes."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Protocol

from local.errors import TimedOutError
from local.scenario import Scenario, Step, minutes
from margin import topics
from margin.wire import at_text, canonical_json

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


def opening_messages(scenario: Scenario, now_ms: int) -> list[Message]:
    """Reference data: instruments, betas and accounts."""
    messages = []
    for symbol in scenario.symbols:
        messages.append(
            _message(
                topics.INSTRUMENTS,
                symbol.name,
                f"I-{symbol.name}",
                now_ms,
                type="instrument",
                symbol=symbol.name,
                kind=symbol.kind,
                leverage=symbol.leverage,
            )
        )
        messages.append(
            _message(
                topics.BETAS,
                symbol.name,
                f"B-{symbol.name}",
                now_ms,
                type="beta",
                symbol=symbol.name,
                beta=symbol.beta,
                sequence=1,
            )
        )
    for account in scenario.accounts:
        messages.append(
            _message(
                topics.ACCOUNTS,
                account.account_id,
                f"A-{account.account_id}",
                now_ms,
                type="account",
                account_id=account.account_id,
                account_type=account.account_type,
                stress_mode=account.stress_mode,
            )
        )
    return messages


def step_messages(step: Step, number: int, now_ms: int) -> list[Message]:
    """The events of one step. `number` (1, 2, ...) orders its prices."""
    messages = [_price(s, p, number * 10, now_ms) for s, p in step.prices.items()]
    messages += [
        _price(s, p, number * 10 - 5, now_ms - LATE_BY_MS) for s, p in step.late_prices.items()
    ]
    for index, entry in enumerate(step.cash):
        amount = entry["amount"]
        kind = entry.get("kind", "withdrawal" if amount.startswith("-") else "deposit")
        messages.append(
            _message(
                topics.CASH,
                entry["account"],
                f"C-{number}-{index}",
                now_ms,
                type="cash",
                account_id=entry["account"],
                amount=amount,
                kind=kind,
            )
        )
    for entry in step.fills:
        messages.append(
            _message(
                topics.FILLS,
                entry["account"],
                entry["id"],
                now_ms,
                type="fill",
                fill_id=entry["id"],
                account_id=entry["account"],
                symbol=entry["symbol"],
                quantity=entry["quantity"],
                price=entry["price"],
                fee=entry.get("fee", "0"),
            )
        )
    messages += [Message(r["topic"], r["key"], r["value"].encode()) for r in step.raw]
    return messages


def _price(symbol: str, price: str, sequence: int, at_ms: int) -> Message:
    return _message(
        topics.PRICES,
        symbol,
        f"P-{symbol}-{sequence}",
        at_ms,
        type="price",
        symbol=symbol,
        price=price,
        sequence=sequence,
    )


def _message(topic: str, key: str, event_id: str, at_ms: int, **fields: Any) -> Message:
    envelope = {
        "schema": 1,
        "event_id": event_id,
        "at": at_text(at_ms),
        "correlation_id": event_id,
    }
    return Message(topic, key, canonical_json(envelope | fields))


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

    def play(self) -> None:
        """Returns after the last step has settled; a step that never settles is played past,
        and the verdict says what was missing."""
        self._send(opening_messages(self._scenario, _now_ms()))
        for number, step in enumerate(self._scenario.steps, start=1):
            if number > 1:
                self._settle(step.at)
            self._wait_for_clock(step)
            self._announce(step)
            self._send(step_messages(step, number, _now_ms()))
        self._settle("24:00")

    def _send(self, messages: list[Message]) -> None:
        if messages:
            self._covered |= self._sender.send(messages)

    def _settle(self, before: str) -> None:
        """Until the stream has used all that was sent, and what was due before was seen."""
        if not self._until(lambda: self._view.covers(self._covered), SETTLE_TIMEOUT_S * 2):
            raise TimedOutError(
                "the stream did not use the events sent to it within "
                f"{SETTLE_TIMEOUT_S * 2:g} s; its log is .marginwatch/logs/spark.log"
            )
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
