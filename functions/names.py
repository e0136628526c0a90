"""How things are named: keys of the table, cases, executions and audit objects."""

import hashlib
import re
from typing import Final

SHARDS: Final = 8
LONGEST_CASE: Final = 44  # leaves room for the ids of a call, its order and its fill (64 in all)
LONGEST_EXECUTION: Final = 80
_EXECUTION = re.compile(r"[A-Za-z0-9._-]+")  # of our own characters Step Functions refuses ":"


def shard_of(account_id: str) -> int:
    """The shard, 0 to 7, that an account's lock and outbox live in."""
    return int(hashlib.sha256(account_id.encode()).hexdigest()[:8], 16) % SHARDS


def account_key(account_id: str) -> str:
    return f"ACCT#{account_id}"


def locks_key(shard: int) -> str:
    return f"CASES#{shard}"


def outbox_key(shard: int) -> str:
    return f"OUT#{shard}"


def outbox_sort_key(account_id: str, sequence: int) -> str:
    return f"{account_id}#{sequence:010d}"


def audit_object_key(account_id: str, sequence: int) -> str:
    return f"audit/v1/{account_id}/{sequence:010d}.json"


def case_name(account_id: str, version: int) -> str:
    """The id of the case that the assessment of this version opens."""
    name = f"{account_id}-{version}"
    return name if len(name) <= LONGEST_CASE else f"{_short(account_id)}-{version}"


def execution_name(case_id: str, attempt: int) -> str:
    """Case and attempt: starting the same one twice is starting it once."""
    name = f"{case_id}-{attempt}"
    fits = len(name) <= LONGEST_EXECUTION and _EXECUTION.fullmatch(name)
    return name if fits else f"{_short(case_id)}-{attempt}"


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:24]
