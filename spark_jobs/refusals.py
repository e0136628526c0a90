"""What a shard does not take, and why: read well or not, it goes to the dead-letter topic."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from margin.columnar import E4, LARGEST_USD, Flags, Ints
from margin.topics import CASH, DAY_MS, FILLS, INSTRUMENTS, WEEK_MS
from spark_jobs.parsing import Parsed
from spark_jobs.places import offset_of
from spark_jobs.schemas import ACCOUNT_TOPICS

DEDUP_WINDOW_MS: Final = WEEK_MS
LARGEST_LEAD_MS: Final = 60 * 60 * 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """One record that was set aside, where it came from and why."""

    topic: str
    partition: int
    offset: int
    logged_ms: int
    raw: bytes
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejection:
    """Which rows of a topic the book cannot take, and why."""

    rows: Flags
    reason: Callable[[int], str]


def acceptable(
    topic: str, given: pa.Table, parsed: Parsed, oldest_ms: int
) -> tuple[pa.Table, dict[int, str]]:
    """The rows the book can take, and place and reason of the others."""
    kept, refused = np.ones(len(parsed.rows), np.bool_), {}
    for rejection in _rejections(topic, given, parsed, oldest_ms):
        for row in np.flatnonzero(rejection.rows & kept).tolist():
            refused[int(parsed.place[row])] = rejection.reason(row)
        kept &= ~rejection.rows
    return parsed.rows.filter(pa.array(kept)), refused


def set_aside(given: pa.Table, refused: Mapping[int, str]) -> list[DeadLetter]:
    """The refused records that this shard answers for: market data is read by every shard."""
    letters = []
    for place in sorted(refused):
        record = given.slice(place, 1).to_pylist()[0]
        if record["mine"]:
            letters.append(
                DeadLetter(
                    topic=record["topic"],
                    partition=record["partition"],
                    offset=offset_of(record),
                    logged_ms=record["logged_ms"],
                    raw=record["value"] or b"",
                    reason=refused[place],
                )
            )
    return letters


def ints(column: pa.ChunkedArray) -> Ints:
    numbers: Ints = column.to_numpy().astype(np.int64)
    return numbers


def one_array(column: pa.ChunkedArray) -> pa.Array:
    return pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)


def _rejections(
    topic: str, given: pa.Table, parsed: Parsed, oldest_ms: int
) -> tuple[Rejection, ...]:
    """What no event may be here although it can be read."""
    rows, found = parsed.rows, []
    logged_ms = ints(given["logged_ms"])[parsed.place]
    ahead = ints(rows["at_ms"]) > logged_ms + LARGEST_LEAD_MS
    # Such a clock would make every price of the shard stale, and old fills refused.
    found.append(Rejection(rows=ahead, reason=lambda _row: "at is over an hour ahead of its log"))
    if topic in ACCOUNT_TOPICS:
        key = one_array(given["key"]).take(pa.array(parsed.place))
        account_id = one_array(rows["account_id"])
        same = pc.equal(key, account_id.cast(pa.binary())).fill_null(False)
        found.append(
            Rejection(
                rows=~same.to_numpy(zero_copy_only=False).astype(np.bool_),
                reason=lambda row: f"key must be the account_id {account_id[row]}",
            )
        )
    if topic in (FILLS, CASH):
        old = ints(rows["at_ms"]) < oldest_ms
        days = DEDUP_WINDOW_MS // DAY_MS
        reason = f"older than the dedup window of {days} days"
        found.append(Rejection(rows=old, reason=lambda _row: reason))
    if topic == FILLS:
        units = np.abs(ints(rows["quantity"])) / E4 * (ints(rows["multiplier"]) / E4)
        usd = units * (ints(rows["price"]) / E4)
        limit = f"value of a fill must be at most {LARGEST_USD:.0f} USD"
        found.append(Rejection(rows=usd > LARGEST_USD, reason=lambda _row: limit))
    if topic == INSTRUMENTS:
        small = ints(rows["leverage"]) < E4
        found.append(Rejection(rows=small, reason=lambda _row: "leverage must be >= 1"))
    return tuple(found)
