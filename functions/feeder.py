"""Feeds events into the input channels from inside the network: a class has no other way in.

`{"messages": [{"channel": "prices.v1", "key": "NVDA", "value": "{..}"}, ..]}`. Only input channels
are fed, and nothing is interpreted: the stream sets aside what it cannot read.
"""

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from functions.adapters.transport import Sender, sender_of
from functions.errors import PublishError
from functions.settings import read_settings
from margin.topics import INPUTS

MOST_MESSAGES = 500


def feed(event: Mapping[str, Any], sender: Sender) -> dict[str, int]:
    """Send all of an event's messages, or none where one cannot be sent; how many they were."""
    messages = event.get("messages")
    if not isinstance(messages, list) or len(messages) > MOST_MESSAGES:
        raise PublishError(f"expected a list of at most {MOST_MESSAGES} messages, found another")
    sender.send(*_checked(messages))
    return {"fed": len(messages)}


def _checked(messages: Iterable[Any]) -> list[tuple[str, str, bytes]]:
    found = []
    for message in messages:
        match message:
            case {"channel": str(channel), "key": str(key), "value": str(value)} if (
                channel in INPUTS and key
            ):
                found.append((channel, key, value.encode()))
            case _:
                raise PublishError(
                    f"expected channel, key and value of one of {', '.join(INPUTS)}, found another"
                )
    return found


@cache
def _sender() -> Sender:
    return sender_of(read_settings())


def handler(event: dict[str, Any], _context: Any) -> dict[str, int]:
    return feed(event, _sender())
