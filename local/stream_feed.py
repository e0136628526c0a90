"""Kinesis clients of the commands: send and be sure, read from the beginning."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from local.errors import NotRunningError
from local.player import Message
from local.shard_consumer import ShardConsumer
from local.streams import StreamProducer, place_name
from margin.ordered_put import Entry, StillRefusedError


class StreamSender:
    """Sends messages and returns once the streams have them."""

    def __init__(self, endpoint: str, prefix: str) -> None:
        self._producer = StreamProducer(endpoint, prefix)

    def send(self, messages: list[Message]) -> dict[str, int]:
        """The next offset of each place written to. Raises NotRunningError."""
        by_channel: dict[str, list[Message]] = {}
        for message in messages:
            by_channel.setdefault(message.topic, []).append(message)
        written: dict[str, int] = {}
        try:
            for channel, given in by_channel.items():
                entries = [Entry(key=m.key, value=m.value) for m in given]
                for message, placed in zip(
                    given, self._producer.put(channel, entries), strict=True
                ):
                    place = place_name(channel, message.key)
                    written[place] = max(written.get(place, 0), placed.sequence_number + 1)
        except (BotoCoreError, ClientError, StillRefusedError) as error:
            raise NotRunningError(f"the streams did not take the events: {error}") from error
        return written

    def close(self) -> None:
        self._producer.close()


def read(
    endpoint: str,
    prefix: str,
    channels: Sequence[str],
    *,
    from_beginning: bool,
    poll_ms: int = 100,
) -> Iterator[Any]:
    """Records of the channels, for ever; None where a poll brought nothing."""
    consumer = ShardConsumer(endpoint, prefix, channels)
    if not from_beginning:
        consumer.seek_to_end()
    while True:
        polled = consumer.poll(timeout_ms=poll_ms, max_records=2000)
        for records in polled.values():
            yield from records
        if not polled:
            yield None
