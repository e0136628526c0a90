"""A channel on either transport: its name there, and where in it a record stands."""

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from margin.fields import LARGEST_WHOLE
from margin.topics import CATALOGUE, topic

HASH_BITS: Final = 32  # of MD5, as many as say which share of a stream a key belongs to


class Transport(StrEnum):
    """What carries the channels."""

    KAFKA = "kafka"
    KINESIS = "kinesis"


@dataclass(frozen=True, slots=True, order=True, kw_only=True)
class SourcePosition:
    """Where a record stands. Offsets compare within one partition only.

    On Kinesis a partition is a shard's number and an offset its sequence number: whole numbers
    both, though of 56 digits.
    """

    transport: Transport
    channel: str
    partition: int
    offset: int

    @property
    def place(self) -> str:
        """Channel and partition in one text.

        >>> SourcePosition(transport=Transport.KAFKA, channel="fills.v1", partition=2,
        ...                offset=7).place
        'fills.v1-2'
        """
        return f"{self.channel}-{self.partition}"


def stream_name(prefix: str, channel: str) -> str:
    """The Kinesis stream of a channel.

    >>> stream_name("marginwatch-demo", "margin.calc.v1")
    'marginwatch-demo-margin-calc-v1'
    """
    return f"{prefix}-{_dashed(channel)}"


def channel_of(stream: str) -> str:
    """The channel of a stream's name or ARN; ValueError for a stream of another kind.

    >>> channel_of("arn:aws:kinesis:us-east-1:123456789012:stream/marginwatch-demo-margin-calc-v1")
    'margin.calc.v1'
    """
    for name in _LONGEST_FIRST:
        if stream.endswith(f"-{_dashed(name)}"):
            return name
    raise ValueError(f"expected the stream of a channel, was {stream!r}")


def shard_number(shard_id: str) -> int:
    """Kinesis numbers the shards of a stream.

    >>> shard_number("shardId-000000000003")
    3
    """
    return int(shard_id.rpartition("-")[2])


def partition_of(channel: str, key: str) -> int:
    """The shard that a key is in as long as a stream has the catalogue's shards.

    It stays the key's share of the stream afterwards, so its sequence numbers always grow.

    >>> partition_of("fills.v1", "ACC_DEMO_001")
    1
    """
    digest = hashlib.md5(key.encode(), usedforsecurity=False).hexdigest()
    return int(digest[: HASH_BITS // 4], 16) * topic(channel).partitions >> HASH_BITS


def wire_number(number: int) -> int | str:
    """An offset as it is written in JSON: one that is too large for a number is text.

    >>> wire_number(7), wire_number(49590338271490256608559692538361571095921575989136588898)
    (7, '49590338271490256608559692538361571095921575989136588898')
    """
    return number if number <= LARGEST_WHOLE else str(number)


def _dashed(channel: str) -> str:
    return channel.replace(".", "-")


_LONGEST_FIRST: Final = sorted((entry.name for entry in CATALOGUE), key=len, reverse=True)
