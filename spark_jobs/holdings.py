"""What a shard is made of: names, exact sums, newest values and ids once seen, all as arrays."""

from collections.abc import Iterable, Mapping
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from margin.columnar import Flags, Ints

Hashes: TypeAlias = npt.NDArray[np.uint64]
Parts: TypeAlias = dict[str, npt.NDArray[Any]]

# The largest decimal that a message can hold, 14 digits before the point, in 1e-4.
LARGEST_E4: Final = 10**18 - 1
LONG_AGO: Final = -(2**62)
SMALLEST_TAIL: Final = 4096
HASH_KEYS: Final = ("marginwatch seen", "marginwatch id 2")


class Names:
    """Append-only dictionary: name to dense number."""

    def __init__(self, values: Iterable[str] = ()) -> None:
        self.values = list(values)
        self._index = {name: i for i, name in enumerate(self.values)}

    def __len__(self) -> int:
        return len(self.values)

    def encode(self, column: pa.ChunkedArray) -> Ints:
        """The number of every name; a name not met before gets the next one."""
        coded = column.combine_chunks().dictionary_encode()
        if isinstance(coded, pa.ChunkedArray):
            coded = coded.combine_chunks()
        dense = np.array([self._number(name) for name in coded.dictionary.to_pylist()], np.int64)
        numbers: Ints = dense[coded.indices.to_numpy(zero_copy_only=False).astype(np.int64)]
        return numbers

    def _number(self, name: str) -> int:
        number = self._index.setdefault(name, len(self.values))
        if number == len(self.values):
            self.values.append(name)
        return number


class WideSums:
    """Sums of int64 that never wrap: high x 2**32 + low, in any order the same."""

    def __init__(self, high: Ints | None = None, low: Ints | None = None) -> None:
        self.high = np.zeros(0, np.int64) if high is None else high
        self.low = np.zeros(0, np.int64) if low is None else low

    def grow(self, length: int) -> None:
        self.high, self.low = grown(self.high, length), grown(self.low, length)

    def move(self, place: Ints, length: int) -> None:
        """Every sum to its new place among `length`; 0 at the places that are new."""
        high, low = np.zeros(length, np.int64), np.zeros(length, np.int64)
        high[place], low[place] = self.high, self.low
        self.high, self.low = high, low

    def add(self, index: Ints, amounts: Ints) -> None:
        np.add.at(self.high, index, amounts >> 32)
        np.add.at(self.low, index, amounts & 0xFFFFFFFF)
        self.high += self.low >> 32
        self.low &= 0xFFFFFFFF

    def values(self) -> tuple[Ints, Flags]:
        """The sums, and which are beyond LARGEST_E4 and stand here as that."""
        in_reach = (self.high > -(1 << 30)) & (self.high < 1 << 30)
        sums = np.where(in_reach, (self.high << 32) | self.low, np.sign(self.high) * (1 << 61))
        return np.clip(sums, -LARGEST_E4, LARGEST_E4), np.abs(sums) > LARGEST_E4

    def parts(self, name: str) -> Parts:
        return {f"{name}_high": self.high, f"{name}_low": self.low}

    @classmethod
    def of(cls, name: str, parts: Mapping[str, Ints]) -> "WideSums":
        return cls(parts[f"{name}_high"], parts[f"{name}_low"])


class Newest:
    """By subject, the values of its newest event; newest is by (at, sequence, event id)."""

    def __init__(self, columns: Mapping[str, int]) -> None:
        """Columns by name, each with its value for a subject without an event."""
        self._missing = dict(columns)
        self.at_ms = np.zeros(0, np.int64)
        self.sequence = np.zeros(0, np.int64)
        self.event_id: list[str] = []
        self.columns = {name: np.zeros(0, np.int64) for name in columns}

    def grow(self, length: int) -> None:
        self.at_ms = grown(self.at_ms, length, LONG_AGO)
        self.sequence = grown(self.sequence, length)
        self.event_id += [""] * (length - len(self.event_id))
        for name, missing in self._missing.items():
            self.columns[name] = grown(self.columns[name], length, missing)

    def offer(self, subject: Ints, rows: pa.Table, columns: Mapping[str, Ints]) -> None:
        """Take the rows that are newer than what is held. Equal ranks: the larger values."""
        sequence = rows["sequence"] if "sequence" in rows.column_names else pa.nulls(len(rows))
        offered = pa.table(
            {
                "subject": subject,
                "at_ms": rows["at_ms"],
                "sequence": sequence.cast(pa.int64()).fill_null(0),
                "event_id": rows["event_id"],
                **columns,
            }
        )
        ordered = offered.sort_by([(name, "ascending") for name in offered.column_names])
        names = ordered["subject"].to_numpy()
        last = np.append(names[1:] != names[:-1], True)[: len(names)]
        for row in ordered.filter(pa.array(last)).to_pylist():
            self._offer(row)

    def _offer(self, row: Mapping[str, int | str]) -> None:
        i = int(row["subject"])
        held = (self.at_ms[i], self.sequence[i], self.event_id[i])
        rank = (row["at_ms"], row["sequence"], row["event_id"])
        values = tuple(row[name] for name in self.columns)
        if (*rank, *values) <= (*held, *(self.columns[name][i] for name in self.columns)):
            return
        self.at_ms[i], self.sequence[i], self.event_id[i] = rank[0], rank[1], str(rank[2])
        for name in self.columns:
            self.columns[name][i] = row[name]

    def parts(self, name: str) -> Parts:
        own: Parts = {f"{name}_{column}": values for column, values in self.columns.items()}
        return own | {f"{name}_at_ms": self.at_ms, f"{name}_sequence": self.sequence}

    def load(self, name: str, parts: Mapping[str, Ints], event_id: list[str]) -> None:
        """Take what `parts` gave; a column that an older version did not have is as if not said."""
        self.at_ms, self.sequence = parts[f"{name}_at_ms"], parts[f"{name}_sequence"]
        unsaid = np.zeros(0, np.int64)
        self.columns = {
            column: grown(parts.get(f"{name}_{column}", unsaid), len(self.at_ms), missing)
            for column, missing in self._missing.items()
        }
        self.event_id = list(event_id)


class SeenIds:
    """Ids by two independent 64-bit hashes, with their event time, for the dedup window.

    A small sorted tail beside a big sorted run: a batch never sorts all ids again.
    """

    def __init__(self) -> None:
        self._run, self._tail = _no_ids(), _no_ids()

    def __len__(self) -> int:
        return len(self._run["at_ms"]) + len(self._tail["at_ms"])

    def first_seen(self, ids: Iterable[str], at_ms: Ints) -> Ints:
        """Places of the ids not seen before, each id once, and from now on they are seen."""
        texts = np.array(list(ids), dtype=object)
        high, low = (pd.util.hash_array(texts, hash_key=key, categorize=False) for key in HASH_KEYS)
        order = np.lexsort((np.arange(len(high)), low, high))
        same = (high[order][1:] == high[order][:-1]) & (low[order][1:] == low[order][:-1])
        first = order[np.append(True, ~same)] if len(order) else order
        new = first[~(_holds(self._run, high[first], low[first]))]
        new = new[~(_holds(self._tail, high[new], low[new]))]
        self._tail = _merged(
            self._tail, {"high": high[new], "low": low[new], "at_ms": at_ms[new].astype(np.int64)}
        )
        return np.sort(new)

    def forget(self, before_ms: int) -> None:
        """Drop what is older, once the tail is large enough to be worth a merge."""
        if len(self._tail["at_ms"]) > max(SMALLEST_TAIL, len(self._run["at_ms"]) // 4):
            merged = _merged(self._run, self._tail)
            kept = merged["at_ms"] >= before_ms
            self._run = {name: values[kept] for name, values in merged.items()}
            self._tail = _no_ids()

    def parts(self, name: str) -> Parts:
        both = _merged(self._run, self._tail)
        return {f"{name}_{column}": values for column, values in both.items()}

    def load(self, name: str, parts: Mapping[str, Ints]) -> None:
        self._run = {column: parts[f"{name}_{column}"] for column in ("high", "low", "at_ms")}
        self._tail = _no_ids()


def grown(array: Ints, length: int, fill: int = 0) -> Ints:
    """The array with `fill` behind it up to a length; itself where it is long enough.

    >>> grown(np.array([1]), 3, 9).tolist()
    [1, 9, 9]
    """
    if len(array) >= length:
        return array
    return np.concatenate([array, np.full(length - len(array), fill, np.int64)])


def _no_ids() -> Parts:
    return {
        "high": np.zeros(0, np.uint64),
        "low": np.zeros(0, np.uint64),
        "at_ms": np.zeros(0, np.int64),
    }


def _merged(one: Parts, other: Parts) -> Parts:
    if not len(other["at_ms"]):
        return one
    both = {name: np.concatenate([one[name], other[name]]) for name in one}
    order = np.lexsort((both["low"], both["high"]))
    return {name: values[order] for name, values in both.items()}


def _holds(ids: Parts, high: Hashes, low: Hashes) -> Flags:
    """Which ids are held; ids of an equal first hash stand together, in order of the second."""
    held = np.zeros(len(high), np.bool_)
    length = len(ids["high"])
    place = np.searchsorted(ids["high"], high)
    while True:
        inside = place < length
        at = np.minimum(place, max(length - 1, 0))
        if not length or not inside.any():
            return held
        same = inside & (ids["high"][at] == high)
        held |= same & (ids["low"][at] == low)
        if not (same & (ids["low"][at] < low)).any():
            return held
        place = np.where(same, place + 1, place)
