"""The table of accounts, cases and outbox. Every write that could race has a condition."""

from collections.abc import Iterator
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from functions import names
from functions.adapters import items
from functions.adapters.clients import client, code_of
from functions.adapters.items import Item, attributes, placeholders
from functions.errors import PublishError
from functions.settings import Settings, needed
from functions.stored import Commit, Lock, OutboxItem, StoredLadder, StoredState
from margin.audit import Head
from margin.canonical import at_text
from margin.ladder import LadderState, status
from margin.wire_assessment import AssessmentEvent

_SAME_CASE = "case_id = :case AND attempt = :attempt AND attribute_not_exists(halted)"
_CONDITION_FAILED = "ConditionalCheckFailedException"
_REFUSED = ("TransactionCanceledException", "TransactionInProgressException")


class AccountsTable:
    """One DynamoDB table; reads are consistent, writes say whether their condition held."""

    def __init__(self, table_name: str, dynamodb: Any) -> None:
        self._name = table_name
        self._dynamodb = dynamodb

    @classmethod
    def of(cls, settings: Settings) -> "AccountsTable":
        return cls(needed(settings.table_name, "TABLE_NAME"), client("dynamodb"))

    def put_state(self, event: AssessmentEvent, raw: bytes, received_at_ms: int) -> bool:
        """Store the assessment unless a newer version is there. Key: (account_id, version)."""
        return self._put(
            items.state_item(event, raw, received_at_ms),
            "attribute_not_exists(version) OR version <= :v",
            placeholders({":v": event.version}),
        )

    def state(self, account_id: str) -> StoredState | None:
        item = self._get(items.state_key(account_id))
        return items.read_state(item) if item else None

    def ladder(self, account_id: str) -> StoredLadder:
        item = self._get(items.ladder_key(account_id))
        return items.read_ladder(item) if item else StoredLadder()

    def head(self, account_id: str) -> Head:
        item = self._get(items.head_key(account_id))
        return items.read_head(item) if item else Head()

    def lock(self, account_id: str) -> Lock | None:
        item = self._get(items.lock_key(account_id))
        return items.read_lock(item) if item else None

    def locks(self) -> Iterator[Lock]:
        for shard in range(names.SHARDS):
            yield from map(items.read_lock, self._query(names.locks_key(shard)))

    def put_ladder(
        self, account_id: str, before: StoredLadder, state: LadderState, at_ms: int
    ) -> bool:
        """Store a change of the ladder that nobody is told of, such as the end of an episode."""
        return self._written([self._ladder_put(account_id, before, state, at_ms)])

    def open_case(self, lock: Lock) -> bool:
        """Take the lock of an account; False when a case is open already."""
        return self._put(items.lock_item(lock), "attribute_not_exists(pk)")

    def mark_changed(self, lock: Lock) -> Lock | None:
        """Count a change, so that a machine that is about to wait looks again.

        The lock as it is now, with the token of a wait that began meanwhile; None when it is gone.
        """
        values = placeholders({":one": 1, ":case": lock.case_id})
        return self._update_lock(lock, "ADD changes :one", "case_id = :case", values)

    def forget_token(self, lock: Lock) -> None:
        """Remove a task token that was used, unless a later wait stored another."""
        values = placeholders({":case": lock.case_id, ":token": lock.task_token})
        condition = "case_id = :case AND task_token = :token"
        self._update_lock(lock, "REMOVE task_token", condition, values)

    def next_attempt(self, lock: Lock) -> Lock | None:
        """Give the case to its next execution; None when somebody else did or it was closed."""
        attempt = lock.attempt + 1
        values = placeholders(
            {
                ":case": lock.case_id,
                ":attempt": lock.attempt,
                ":next": attempt,
                ":name": names.execution_name(lock.case_id, attempt),
                ":one": 1,
            }
        )
        change = "SET attempt = :next, execution_name = :name ADD changes :one REMOVE task_token"
        return self._update_lock(lock, change, _SAME_CASE, values)

    def commit(self, commit: Commit) -> bool:
        """Write state, audit head and outbox together; False when anything moved meanwhile."""
        writes = [self._ladder_write(commit), self._head_write(commit), self._outbox_put(commit)]
        writes += self._lock_writes(commit)
        # One record, one token: a retried request is the same transaction.
        return self._written(writes, ClientRequestToken=commit.head_after.hash[:36])

    def outbox(self) -> Iterator[OutboxItem]:
        """All that waits to be told, by account and in the order it was decided."""
        for shard in range(names.SHARDS):
            yield from map(items.read_outbox, self._query(names.outbox_key(shard)))

    def outbox_of(self, account_id: str) -> Iterator[OutboxItem]:
        pk = names.outbox_key(names.shard_of(account_id))
        return map(items.read_outbox, self._query(pk, f"{account_id}#"))

    def remove_outbox(self, item: OutboxItem) -> None:
        """The item was told; PublishError means that it will be told once more."""
        try:
            self._dynamodb.delete_item(TableName=self._name, Key=items.outbox_item_key(item))
        except (BotoCoreError, ClientError) as error:
            raise PublishError(f"outbox: {type(error).__name__}") from error

    def _ladder_write(self, commit: Commit) -> dict[str, Any]:
        before, account_id = commit.ladder_before, commit.lock.account_id
        if commit.ladder_after is None:
            return {"ConditionCheck": self._ladder_condition(account_id, before)}
        return self._ladder_put(
            account_id,
            before,
            commit.ladder_after,
            commit.at_ms,
            case_id=commit.lock.case_id,
            last_action=commit.last_action,
            excess=commit.excess,
        )

    def _ladder_put(
        self,
        account_id: str,
        before: StoredLadder,
        state: LadderState,
        at_ms: int,
        **changed: Any,
    ) -> dict[str, Any]:
        after = StoredLadder(
            revision=before.revision + 1,
            state=state,
            case_id=changed.get("case_id", before.case_id),
            last_action=changed.get("last_action", before.last_action),
        )
        item = items.ladder_item(account_id, after, status(state), at_ms)
        condition = self._ladder_condition(account_id, before)
        del condition["Key"]
        return {"Put": condition | {"Item": item | attributes(excess=changed.get("excess"))}}

    def _ladder_condition(self, account_id: str, before: StoredLadder) -> dict[str, Any]:
        key = items.ladder_key(account_id)
        return self._unchanged("revision", before.revision) | {"Key": key}

    def _head_write(self, commit: Commit) -> dict[str, Any]:
        after = attributes(sequence=commit.head_after.sequence, hash=commit.head_after.hash)
        condition = self._unchanged("sequence", commit.head_before.sequence)
        return {"Put": condition | {"Item": items.head_key(commit.lock.account_id) | after}}

    def _outbox_put(self, commit: Commit) -> dict[str, Any]:
        item = items.outbox_item(commit.outbox)
        condition = "attribute_not_exists(pk)"
        return {"Put": {"TableName": self._name, "Item": item, "ConditionExpression": condition}}

    def _lock_writes(self, commit: Commit) -> list[dict[str, Any]]:
        lock = commit.lock
        values = placeholders({":case": lock.case_id, ":attempt": lock.attempt})
        same = {
            "TableName": self._name,
            "Key": items.lock_key(lock.account_id),
            "ConditionExpression": _SAME_CASE,
            "ExpressionAttributeValues": values,
        }
        if commit.halts:
            halted = placeholders({":true": True})
            update = {
                "UpdateExpression": "SET halted = :true",
                "ExpressionAttributeValues": values | halted,
            }
            return [{"Update": same | update}]
        if not commit.closes:
            return [{"ConditionCheck": same}]
        unseen = {
            "ConditionExpression": f"{_SAME_CASE} AND changes = :seen",
            "ExpressionAttributeValues": values | placeholders({":seen": lock.changes}),
        }
        history = {"TableName": self._name, "Item": _history_item(commit)}
        return [{"Delete": same | unseen}, {"Put": history}]

    def _unchanged(self, name: str, seen: int) -> dict[str, Any]:
        """A condition: the counter is as it was read, 0 standing for "no item"."""
        if seen == 0:
            return {
                "TableName": self._name,
                "ConditionExpression": "attribute_not_exists(#counter)",
                "ExpressionAttributeNames": {"#counter": name},
            }
        return {
            "TableName": self._name,
            "ConditionExpression": "#counter = :seen",
            "ExpressionAttributeNames": {"#counter": name},
            "ExpressionAttributeValues": placeholders({":seen": seen}),
        }

    def _get(self, key: Item) -> Item | None:
        found = self._dynamodb.get_item(TableName=self._name, Key=key, ConsistentRead=True)
        item: Item | None = found.get("Item")
        return item

    def _query(self, pk: str, prefix: str | None = None) -> Iterator[Item]:
        condition, values = "pk = :pk", placeholders({":pk": pk, ":prefix": prefix})
        if prefix is not None:
            condition += " AND begins_with(sk, :prefix)"
        pages = self._dynamodb.get_paginator("query").paginate(
            TableName=self._name,
            KeyConditionExpression=condition,
            ExpressionAttributeValues=values,
            ConsistentRead=True,
        )
        for page in pages:
            yield from page["Items"]

    def _written(self, writes: list[dict[str, Any]], **options: str) -> bool:
        try:
            self._dynamodb.transact_write_items(TransactItems=writes, **options)
        except ClientError as error:
            if code_of(error) not in _REFUSED:
                raise
            return False
        return True

    def _put(self, item: Item, condition: str, values: Item | None = None) -> bool:
        given = {"ExpressionAttributeValues": values} if values else {}
        try:
            self._dynamodb.put_item(
                TableName=self._name, Item=item, ConditionExpression=condition, **given
            )
        except ClientError as error:
            if code_of(error) != _CONDITION_FAILED:
                raise
            return False
        return True

    def _update_lock(self, lock: Lock, change: str, condition: str, values: Item) -> Lock | None:
        try:
            changed = self._dynamodb.update_item(
                TableName=self._name,
                Key=items.lock_key(lock.account_id),
                UpdateExpression=change,
                ConditionExpression=condition,
                ExpressionAttributeValues=values,
                ReturnValues="ALL_NEW",
            )
        except ClientError as error:
            if code_of(error) != _CONDITION_FAILED:
                raise
            return None
        return items.read_lock(changed["Attributes"])


def _history_item(commit: Commit) -> Item:
    lock, last = commit.lock, commit.ladder_before.last_action
    key = items.key(names.account_key(lock.account_id), f"CASE#{lock.case_id}")
    return key | attributes(
        case_id=lock.case_id,
        opened_at=at_text(lock.opened_at_ms),
        closed_at=at_text(commit.at_ms),
        outcome=commit.outcome,
        last_action=last,
    )
