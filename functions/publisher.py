"""Tells the world what was decided: the audit object, then the channels, then out of the outbox."""

import logging
from collections.abc import Iterable
from functools import cache
from typing import Any

from functions.adapters.accounts_table import AccountsTable
from functions.adapters.audit_trail import AuditTrail
from functions.adapters.transport import Sender, sender_of
from functions.errors import AuditConflictError, PublishError
from functions.metrics import OUTBOX_LEFT, gauge
from functions.settings import read_settings
from functions.stored import OutboxItem
from margin.canonical import Json, canonical_json
from margin.topics import AUDIT

_OUTBOX = "OUT#"

log = logging.getLogger(__name__)


class Publisher:
    """Drains the outbox. An item leaves it only when S3 and the transport have confirmed it."""

    def __init__(self, table: AccountsTable, trail: AuditTrail, sender: Sender) -> None:
        self._table = table
        self._trail = trail
        self._sender = sender

    def drain(self, account_id: str) -> int:
        """Tell all that waits for one account, in order; PublishError leaves the rest in place."""
        return self._tell_all(self._table.outbox_of(account_id))

    def drain_all(self, accounts: Iterable[str]) -> tuple[int, tuple[str, ...]]:
        """Drain each account; how many items were told, and which accounts have some left.

        A record that stands in its own way stops its account only. Where S3, the transport or the
        table do not answer, the others would wait for the same time-out: they are left for later.
        """
        told, left = 0, list(dict.fromkeys(accounts))
        stuck = []
        while left:
            try:
                told += self.drain(left[0])
            except AuditConflictError as error:
                log.error("an account is not told of: %s", error)
                stuck.append(left[0])
            except PublishError as error:
                log.warning("not told yet: %s", error)
                break
            left.pop(0)
        return told, (*stuck, *left)

    def sweep(self) -> tuple[int, tuple[str, ...]]:
        """Drain every account that has something left."""
        return self.drain_all(item.account_id for item in self._table.outbox())

    def _tell_all(self, waiting: Iterable[OutboxItem]) -> int:
        count = 0
        for item in waiting:
            self._tell(item)
            count += 1
        return count

    def _tell(self, item: OutboxItem) -> None:
        body = item.body
        record = canonical_json(body["audit_record"])
        key = _text(body["key"])
        self._trail.write(_text(body["audit_key"]), record)
        self._sender.send(
            (AUDIT, key, record),
            (_text(body["topic"]), key, canonical_json(body["message"])),
        )
        self._table.remove_outbox(item)


def publish(event: dict[str, Any], publisher: Publisher) -> dict[str, Any]:
    """One batch of the table's stream, or with no records a sweep of the whole outbox.

    The sweep comes from a rule every minute. A stream row only says which account to drain: rows
    that were lost, repeated or delivered out of order change nothing. The rows of an account that
    failed are reported, the others are done.
    """
    if "Records" not in event:
        told, failed = publisher.sweep()
        gauge(OUTBOX_LEFT, len(failed))
        return {"told": told, "accounts_left": len(failed)}
    first_row: dict[str, str] = {}
    for record in event["Records"]:
        row = record["dynamodb"]
        keys = row["Keys"]
        if record["eventName"] == "INSERT" and keys["pk"]["S"].startswith(_OUTBOX):
            account_id = keys["sk"]["S"].rpartition("#")[0]
            first_row.setdefault(account_id, row["SequenceNumber"])
    _, left = publisher.drain_all(first_row)
    return {"batchItemFailures": [{"itemIdentifier": first_row[account]} for account in left]}


def _text(value: Json) -> str:
    if not isinstance(value, str):
        raise TypeError(f"the outbox holds text here, was {type(value).__name__}")
    return value


@cache
def _publisher() -> Publisher:
    settings = read_settings()
    return Publisher(AccountsTable.of(settings), AuditTrail.of(settings), sender_of(settings))


def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    return publish(event, _publisher())
