"""The audit chain of one account: each record carries the hash of the one before it."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from margin.canonical import Json, JsonObject, canonical_json

GENESIS: Final = "0" * 64


@dataclass(frozen=True, slots=True)
class Head:
    """The newest record of a chain: its sequence (1 is the first, 0 none yet) and its hash."""

    sequence: int = 0
    hash: str = GENESIS


class Kind(StrEnum):
    """What can be wrong with a chain."""

    ALTERED = "altered"
    MISSING = "missing"
    REORDERED = "reordered"
    FOREIGN = "foreign"


@dataclass(frozen=True, slots=True)
class Problem:
    """The first thing wrong with a chain, and the sequence it was found at."""

    kind: Kind
    sequence: int
    detail: str


def chained(head: Head, record: JsonObject) -> JsonObject:
    """The record as the next one of the chain: sequence, previous_hash and hash added.

    >>> first = chained(Head(), {"account_id": "A", "action": "WARNING_ISSUED"})
    >>> first["sequence"], first["previous_hash"] == GENESIS
    (1, True)
    """
    linked = record | {"sequence": head.sequence + 1, "previous_hash": head.hash}
    return linked | {"hash": record_hash(head.hash, linked)}


def head_of(record: JsonObject) -> Head:
    """The head that a chained record is."""
    sequence, digest = record["sequence"], record["hash"]
    if not isinstance(sequence, int) or not isinstance(digest, str):
        raise TypeError("a chained record has a whole sequence and a hash of text")
    return Head(sequence, digest)


def record_hash(previous_hash: str, record_without_hash: JsonObject) -> str:
    """SHA-256 in hex over the previous hash (ASCII) and the canonical JSON of the record.

    >>> record_hash(GENESIS, {"sequence": 1})[:8]
    '7c227689'
    """
    return hashlib.sha256(previous_hash.encode() + canonical_json(record_without_hash)).hexdigest()


def verify_chain(records: Sequence[JsonObject], head: Head) -> Problem | None:
    """The first problem of one account's chain, or None when every record is whole and in place.

    `records` are in the order they were stored. `head` is kept apart from them, in the table, so
    that a missing end is found too.

    >>> record = chained(Head(), {"account_id": "A"})
    >>> verify_chain([record], head_of(record))
    >>> verify_chain([record | {"account_id": "B"}], head_of(record)).kind
    <Kind.ALTERED: 'altered'>
    """
    sequences = [record.get("sequence") for record in records]
    previous = Head()
    for record in records:
        if problem := _problem_of(record, previous, sequences, records[0].get("account_id")):
            return problem
        previous = head_of(record)
    return _problem_of_end(previous, head)


def _problem_of(
    record: JsonObject, previous: Head, sequences: Sequence[Json], account_id: Json
) -> Problem | None:
    expected = previous.sequence + 1
    if record.get("sequence") != expected:
        return _out_of_place(record, expected, sequences)
    body = {name: value for name, value in record.items() if name != "hash"}
    if record.get("hash") != _hash_or_none(previous.hash, body):
        return Problem(Kind.ALTERED, expected, f"the content of record {expected} was changed")
    if record.get("previous_hash") != previous.hash:
        return Problem(Kind.ALTERED, expected, f"record {expected} does not follow its forerunner")
    if record.get("account_id") != account_id:
        return Problem(Kind.FOREIGN, expected, f"record {expected} is of another account")
    return None


def _hash_or_none(previous_hash: str, body: JsonObject) -> str | None:
    try:
        return record_hash(previous_hash, body)
    except (TypeError, ValueError):  # a planted float or broken text has no canonical form
        return None


def _out_of_place(record: JsonObject, expected: int, sequences: Sequence[Json]) -> Problem:
    found = record.get("sequence")
    if expected in sequences:
        detail = f"record {found} stands where record {expected} belongs"
        return Problem(Kind.REORDERED, expected, detail)
    return Problem(Kind.MISSING, expected, f"record {expected} is missing")


def _problem_of_end(last: Head, head: Head) -> Problem | None:
    if last.sequence < head.sequence:
        missing = last.sequence + 1
        return Problem(Kind.MISSING, missing, f"record {missing} is missing at the end")
    if last.sequence > head.sequence:
        extra = head.sequence + 1
        return Problem(Kind.FOREIGN, extra, f"record {extra} is beyond the head of the table")
    if last.hash != head.hash:
        detail = f"record {last.sequence} is not the one the table's head names"
        return Problem(Kind.ALTERED, last.sequence, detail)
    return None
