"""The player sends well-formed events, in order, and waits for what they should cause."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

import pytest

from local import scenario
from local.errors import TimedOutError
from local.player import Message, Player, opening_messages, step_messages
from local.scenario import Step
from margin.errors import EventError
from margin.events import PriceEvent
from margin.wire import parse_event

NOW_MS = 1_780_000_000_000
SELLOFF = scenario.load(scenario.FOLDER / "nvda-selloff.toml")


def test_every_event_is_readable_but_the_two_that_are_meant_not_to_be() -> None:
    messages = opening_messages(SELLOFF, NOW_MS)
    for number, step in enumerate(SELLOFF.steps, start=1):
        messages += step_messages(step, number, NOW_MS)
    refused = []
    for message in messages:
        try:
            parse_event(message.topic, message.value)
        except EventError:
            refused.append(message.topic)
    assert refused == [source for source, _ in SELLOFF.dead_letters]


def test_a_late_price_is_older_than_every_price_sent_before() -> None:
    number = next(i for i, s in enumerate(SELLOFF.steps, start=1) if s.late_prices)
    sent = step_messages(SELLOFF.steps[number - 1], number, NOW_MS)
    prices = [m for m in sent if m.topic == "prices.v1" and m.key == "NVDA"]
    newest, late = (parse_event(m.topic, m.value) for m in prices)
    assert isinstance(newest, PriceEvent)
    assert isinstance(late, PriceEvent)
    assert late.at_ms < newest.at_ms
    assert late.sequence < newest.sequence


class Broker:
    """Takes every message; its offsets count them."""

    def __init__(self) -> None:
        self.sent: list[Message] = []

    def send(self, messages: list[Message]) -> dict[str, int]:
        self.sent += messages
        return {"all-0": len(self.sent)}


class Stream:
    """A view in which everything has happened, or nothing."""

    def __init__(self, covered: bool) -> None:
        self.covered, self.asked = covered, list[str]()

    def covers(self, offsets: Mapping[str, int]) -> bool:
        return self.covered and bool(offsets)

    def has_seen_until(self, at: str) -> bool:
        self.asked.append(at)
        return True


def test_each_step_waits_for_what_was_due_before_it() -> None:
    stream, announced = Stream(covered=True), list[str]()

    def announce(step: Step) -> None:
        announced.append(step.at)

    Player(SELLOFF, Decimal(600), Broker(), stream, check=lambda: None, announce=announce).play()
    times = [step.at for step in SELLOFF.steps]
    assert announced == times
    assert list(dict.fromkeys(stream.asked)) == [*times[1:], "24:00"]


def test_a_stream_that_uses_nothing_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("local.player.SETTLE_TIMEOUT_S", 0.01)
    player = Player(
        SELLOFF,
        Decimal(600),
        Broker(),
        Stream(covered=False),
        check=lambda: None,
        announce=lambda _: None,
    )
    with pytest.raises(TimedOutError, match="did not use the events"):
        player.play()
