"""Checks an audit trail with nothing but SHA-256 and JSON: it shares no code with its writer.

Each record's hash covers the previous record's hash and the record's own canonical JSON, so a
changed, missing, added or moved record shows at the first place where the chain does not fit.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.audit_files import HEADS
from local.errors import UsageError

GENESIS = "0" * 64


@dataclass(frozen=True, slots=True)
class Verification:
    """`problem` names the first bad record and what is wrong with it; None where all is well."""

    accounts: int
    records: int
    problem: str | None


def verify(folder: Path) -> Verification:
    """Check every account's chain in the folder, to the end that heads.json names."""
    if not (folder / HEADS).is_file():
        raise UsageError(
            f"expected an audit trail with {HEADS} in {folder}, found none; "
            "`marginwatch demo` writes one to .marginwatch/audit"
        )
    try:
        heads = json.loads((folder / HEADS).read_bytes())
        ends = {str(a): (int(h["sequence"]), str(h["hash"])) for a, h in heads.items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        return Verification(0, 0, f"{HEADS} has been altered: {error}")
    records, problem = 0, None
    for account in sorted({*ends, *(p.name for p in folder.iterdir() if p.is_dir())}):
        files = sorted((folder / account).glob("*.json"))
        objects = [(f"{account}/{path.name}", path.read_bytes()) for path in files]
        records += len(objects)
        problem = problem or chain_problem(account, objects, ends.get(account))
    return Verification(len(ends), records, problem)


def chain_problem(
    account: str, objects: Sequence[tuple[str, bytes]], end: tuple[int, str] | None
) -> str | None:
    """The first problem of one account's records, or None.

    `objects`: name and bytes of each, in the order of their names; `end`: sequence and hash of the
    head, which is kept apart from them so that a missing end is found too.
    """
    if end is None:
        return f"{account} has records, but no head in {HEADS}"
    previous = GENESIS
    for sequence, (name, raw) in enumerate(objects, start=1):
        expected = f"{account}/{sequence:010d}.json"
        if name != expected:
            return f"{expected} is missing; the next record found is {name}"
        problem, previous = _record_problem(raw, account, sequence, previous)
        if problem:
            return f"{name} {problem}"
    if len(objects) < end[0]:
        return f"{account}/{len(objects) + 1:010d}.json is missing; the trail ends at {end[0]}"
    if len(objects) > end[0]:
        return f"{account}/{end[0] + 1:010d}.json is one too many; the trail ends at {end[0]}"
    if previous != end[1]:
        return f"{account}/{end[0]:010d}.json does not have the hash of its head in {HEADS}"
    return None


def _record_problem(
    raw: bytes, account: str, sequence: int, previous: str
) -> tuple[str | None, str]:
    """What is wrong with one record, and its hash."""
    try:
        record: Any = json.loads(raw)
        found = (record["account_id"], int(record["sequence"]), str(record["previous_hash"]))
        stated = str(record.pop("hash"))
    except (ValueError, KeyError, TypeError, AttributeError):
        return "has been altered: it is no longer a record", ""
    if raw != canonical(record | {"hash": stated}):
        return "has been altered: its bytes are not the canonical form", ""
    if found[:2] != (account, sequence):
        return f"is out of its place: it says it is {found[0]} record {found[1]}", ""
    if found[2] != previous:
        return "does not follow the record before it: its previous hash is another", ""
    computed = hashlib.sha256(previous.encode() + canonical(record)).hexdigest()
    if computed != stated:
        return "has been altered: its content does not give its hash", ""
    return None, stated


def canonical(value: object) -> bytes:
    """JSON with sorted keys, no spaces, UTF-8."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
