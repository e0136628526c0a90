"""The feeder sends what it is given to input channels, all of it or nothing."""

from typing import Any

import pytest
from support.enforcement_world import FakeTopic

from functions.errors import PublishError
from functions.feeder import MOST_MESSAGES, feed
from margin.topics import INPUTS


def message(channel: str = "prices.v1", **other: Any) -> dict[str, Any]:
    return {"channel": channel, "key": "NVDA", "value": '{"type":"price"}', **other}


def test_messages_go_to_their_channels_in_order() -> None:
    topic = FakeTopic()
    found = feed({"messages": [message(channel) for channel in INPUTS]}, topic)  # type: ignore[arg-type]
    assert found == {"fed": len(INPUTS)}
    assert topic.sent == [(channel, "NVDA", b'{"type":"price"}') for channel in INPUTS]


@pytest.mark.parametrize(
    "bad",
    [
        message("margin.calls.v1"),
        message("audit.v1"),
        message(key=""),
        message(value=None),
        "no message",
    ],
)
def test_one_message_that_cannot_be_sent_stops_all(bad: Any) -> None:
    topic = FakeTopic()
    with pytest.raises(PublishError, match="expected channel, key and value"):
        feed({"messages": [message(), bad]}, topic)  # type: ignore[arg-type]
    assert topic.sent == []


@pytest.mark.parametrize("event", [{}, {"messages": [message()] * (MOST_MESSAGES + 1)}])
def test_what_is_no_list_or_too_long_is_refused(event: dict[str, Any]) -> None:
    with pytest.raises(PublishError, match="at most 500"):
        feed(event, FakeTopic())  # type: ignore[arg-type]


def test_an_outage_is_an_error_of_the_call() -> None:
    with pytest.raises(PublishError, match="KafkaTimeoutError"):
        feed({"messages": [message()]}, FakeTopic(failures=1))  # type: ignore[arg-type]
