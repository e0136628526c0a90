"""What the writer of the audit chain made, held against the check that shares no code with it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from local.audit_verify import canonical, chain_problem
from margin.audit import Head


def objects_of(records: Iterable[Mapping[str, Any]], account_id: str) -> list[tuple[str, bytes]]:
    """The stored objects of records, named by their places."""
    return [(name_of(n, account_id), canonical(r)) for n, r in enumerate(records, start=1)]


def name_of(sequence: int, account_id: str) -> str:
    return f"{account_id}/{sequence:010d}.json"


def problem_of(
    records: Iterable[Mapping[str, Any]], head: Head, account_id: str = "A"
) -> str | None:
    return chain_problem(account_id, objects_of(records, account_id), (head.sequence, head.hash))
