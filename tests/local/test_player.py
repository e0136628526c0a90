"""The player sends well-formed events, in order, and waits for what they should cause."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal

import pytest

from local import scenario
from local.errors import TimedOutError
from local.player import Message, Player, opening_messages, step_messages
from local.scenario import Step
from margin.errors import EventError
from margin.events import BetaEvent, FillEvent, InstrumentEvent, PriceEvent
from margin.valuation import DAY_MS, as_of_date
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


def test_options_are_sent_with_their_terms_and_their_fills_with_the_multiplier() -> None:
    on = as_of_date(NOW_MS)
    sent = [parse_event(m.topic, m.value) for m in opening_messages(SELLOFF, NOW_MS)]
    options = {e.symbol: e for e in sent if isinstance(e, InstrumentEvent) and e.option}
    assert len(options) == 3
    for event in options.values():
        assert event.option is not None
        assert (event.option.expires_on - on).days == 60
        assert event.class_group == event.option.underlying == "NVDA"
    assert not {e.symbol for e in sent if isinstance(e, BetaEvent)} & options.keys()
    opening = next(s for s in SELLOFF.steps if s.at == "09:00")
    fills = [parse_event(m.topic, m.value) for m in step_messages(opening, 3, NOW_MS)]
    for fill in fills:
        assert isinstance(fill, FillEvent)
        assert fill.multiplier == (100 if fill.symbol in options else 1)


def test_terms_are_sent_again_on_a_new_day(monkeypatch: pytest.MonkeyPatch) -> None:
    broker, now_ms = Broker(), [NOW_MS]
    monkeypatch.setattr("local.player._now_ms", lambda: now_ms[0])

    def announce(step: Step) -> None:
        now_ms[0] = NOW_MS + (DAY_MS if step.at >= "13:00" else 0)

    stream = Stream(covered=True)
    Player(SELLOFF, Decimal(600), broker, stream, check=lambda: None, announce=announce).play()
    put = [m for m in broker.sent if m.key == "NVDA-P380-60D" and m.topic == "instruments.v1"]
    events = [parse_event(m.topic, m.value) for m in put]
    expiries = [e.option.expires_on for e in events if isinstance(e, InstrumentEvent) and e.option]
    first = as_of_date(NOW_MS) + timedelta(days=60)
    assert expiries == [first, first + timedelta(days=1)]


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
        self.covered, self.asked, self.steps = covered, list[str](), list[str]()

    def covers(self, offsets: Mapping[str, int]) -> bool:
        return self.covered and bool(offsets)

    def has_seen_until(self, at: str) -> bool:
        self.asked.append(at)
        return True

    def settled(self, at: str) -> None:
        self.steps.append(at)


def test_each_step_waits_for_what_was_due_before_it() -> None:
    stream, announced = Stream(covered=True), list[str]()

    def announce(step: Step) -> None:
        announced.append(step.at)

    Player(SELLOFF, Decimal(600), Broker(), stream, check=lambda: None, announce=announce).play()
    times = [step.at for step in SELLOFF.steps]
    assert announced == times
    assert list(dict.fromkeys(stream.asked)) == [*times[1:], "24:00"]
    assert stream.steps == times


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
