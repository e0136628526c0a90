"""Records to a Kinesis stream, so that those of one key stay in order.

A call of PutRecords may refuse some of its records and take others, and keeps no order among them:
so no call holds two records of one key, and a refused one goes again before its successors do.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from margin.channels import shard_number
from margin.errors import MarginError

# Limits of one call, 5 MiB with its keys.
LARGEST_CALL: Final = 500
LARGEST_CALL_BYTES: Final = 5 * 1024 * 1024
FIRST_PAUSE_MS: Final = 50
TRIES: Final = 6  # in a row that leave something refused


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One record to put. Kinesis takes no empty key."""

    key: str
    value: bytes

    @property
    def size_bytes(self) -> int:
        """What it counts for in a call."""
        return len(self.key.encode()) + len(self.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """Where a record is now."""

    shard: int
    sequence_number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """Why a record was not taken: the error code that Kinesis gives."""

    code: str


class StillRefusedError(MarginError):
    """A stream went on refusing records; those before them in their keys are placed."""


def pause_ms(tries: int) -> int:
    """How long to wait before the n-th try of what was refused.

    >>> pause_ms(1), pause_ms(TRIES - 1)
    (50, 800)
    """
    return FIRST_PAUSE_MS << (tries - 1)


# One call: the answer to each record, in order.
Put = Callable[[Sequence[Entry]], Sequence[Placed | Refused]]


def outcome(found: Mapping[str, str]) -> Placed | Refused:
    """What PutRecords answers for one record.

    >>> outcome({"ErrorCode": "InternalFailure", "ErrorMessage": ""})
    Refused(code='InternalFailure')
    """
    if code := found.get("ErrorCode"):
        return Refused(code=code)
    return Placed(
        shard=shard_number(found["ShardId"]), sequence_number=int(found["SequenceNumber"])
    )


def put_in_order(
    entries: Sequence[Entry], put: Put, pause: Callable[[int], None]
) -> tuple[Placed, ...]:
    """Put them all; where each one is. `pause(n)` waits before the n-th try of what was refused.

    Raises StillRefusedError after TRIES calls in a row that left something refused.
    """
    placed: dict[int, Placed] = {}
    left, tries = list(range(len(entries))), 0
    while left:
        wave = _next_call(entries, left)
        refused = {}
        for i, answer in zip(wave, put([entries[i] for i in wave]), strict=True):
            if isinstance(answer, Placed):
                placed[i] = answer
            else:
                refused[i] = answer.code
        left = [i for i in left if i not in placed]
        tries = tries + 1 if refused else 0
        if tries >= TRIES:
            codes = ", ".join(sorted(set(refused.values())))
            raise StillRefusedError(f"{len(refused)} records refused {tries} times: {codes}")
        if refused:
            pause(tries)
    return tuple(placed[i] for i in range(len(entries)))


def _next_call(entries: Sequence[Entry], left: Sequence[int]) -> list[int]:
    """The first record of each key that is left, as many as fit; they are in order."""
    keys = set[str]()
    call: list[int] = []
    size_bytes = 0
    for i in left:
        entry = entries[i]
        if entry.key in keys:
            continue
        keys.add(entry.key)  # also where it does not fit: its successors must not pass it
        if call and size_bytes + entry.size_bytes > LARGEST_CALL_BYTES:
            continue
        size_bytes += entry.size_bytes
        call.append(i)
        if len(call) == LARGEST_CALL:
            break
    return call
