"""The audit chain of one account: each record carries the hash of the one before it.

Its check, local/audit_verify.py, shares no code with this on purpose.
"""

import hashlib
from dataclasses import dataclass
from typing import Final

from margin.canonical import JsonObject, canonical_json

GENESIS: Final = "0" * 64


@dataclass(frozen=True, slots=True)
class Head:
    """The newest record of a chain: its sequence (1 is the first, 0 none yet) and its hash."""

    sequence: int = 0
    hash: str = GENESIS


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
