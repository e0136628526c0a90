"""Items of the table: values in, DynamoDB attribute maps out, and back. Never a float."""

from collections.abc import Mapping
from typing import Any, TypeAlias

from functions import names
from functions.stored import Lock, OutboxItem, StoredLadder, StoredState
from margin.audit import Head
from margin.canonical import at_ms, at_text, canonical_json, parse_json_object
from margin.ladder import Action, LadderState
from margin.wire_assessment import AssessmentEvent, parse_assessment

Item: TypeAlias = dict[str, dict[str, Any]]


def attributes(**values: str | int | bool | None) -> Item:
    """An attribute map of what is not None."""
    return placeholders(values)


def placeholders(values: Mapping[str, str | int | bool | None]) -> Item:
    """The same for names that are no Python names, such as `:case`."""
    return {name: _attribute(value) for name, value in values.items() if value is not None}


def key(pk: str, sk: str) -> Item:
    return attributes(pk=pk, sk=sk)


def state_key(account_id: str) -> Item:
    return key(names.account_key(account_id), "STATE")


def ladder_key(account_id: str) -> Item:
    return key(names.account_key(account_id), "LADDER")


def head_key(account_id: str) -> Item:
    return key(names.account_key(account_id), "AUDIT#HEAD")


def lock_key(account_id: str) -> Item:
    return key(names.locks_key(names.shard_of(account_id)), account_id)


def outbox_item_key(item: OutboxItem) -> Item:
    shard = names.shard_of(item.account_id)
    return key(names.outbox_key(shard), names.outbox_sort_key(item.account_id, item.sequence))


def state_item(event: AssessmentEvent, raw: bytes, received_at_ms: int) -> Item:
    return state_key(event.account_id) | attributes(
        version=event.version,
        as_of=at_text(event.as_of_ms),
        band=event.band,
        account_type=event.account_type,
        body=raw.decode(),
        received_at=at_text(received_at_ms),
    )


def ladder_item(account_id: str, ladder: StoredLadder, status: str, at_ms_: int) -> Item:
    return ladder_key(account_id) | attributes(
        revision=ladder.revision,
        status=status,
        body=canonical_json(ladder.state.to_json()).decode(),
        case_id=ladder.case_id,
        last_action=ladder.last_action,
        updated_at=at_text(at_ms_),
    )


def lock_item(lock: Lock) -> Item:
    return lock_key(lock.account_id) | attributes(
        case_id=lock.case_id,
        attempt=lock.attempt,
        changes=lock.changes,
        execution_name=names.execution_name(lock.case_id, lock.attempt),
        opened_at=at_text(lock.opened_at_ms),
    )


def outbox_item(item: OutboxItem) -> Item:
    return outbox_item_key(item) | attributes(body=canonical_json(item.body).decode())


def read_state(item: Item) -> StoredState:
    return StoredState(
        event=parse_assessment(item["body"]["S"].encode()),
        received_at_ms=at_ms(item["received_at"]["S"]),
    )


def read_ladder(item: Item) -> StoredLadder:
    last_action = _text(item, "last_action")
    stored = parse_json_object(item["body"]["S"].encode())
    return StoredLadder(
        revision=int(item["revision"]["N"]),
        state=LadderState.from_json({name: str(value) for name, value in stored.items()}),
        case_id=_text(item, "case_id"),
        last_action=Action(last_action) if last_action is not None else None,
    )


def read_head(item: Item) -> Head:
    return Head(int(item["sequence"]["N"]), item["hash"]["S"])


def read_lock(item: Item) -> Lock:
    return Lock(
        account_id=item["sk"]["S"],
        case_id=item["case_id"]["S"],
        attempt=int(item["attempt"]["N"]),
        changes=int(item["changes"]["N"]),
        opened_at_ms=at_ms(item["opened_at"]["S"]),
        task_token=_text(item, "task_token"),
        waits_for=_text(item, "waits_for"),
        halted="halted" in item,
    )


def read_outbox(item: Item) -> OutboxItem:
    account_id, _, sequence = item["sk"]["S"].rpartition("#")
    return OutboxItem(
        account_id=account_id,
        sequence=int(sequence),
        body=parse_json_object(item["body"]["S"].encode()),
    )


def _attribute(value: str | int | bool) -> dict[str, str | bool]:
    match value:
        case bool():
            return {"BOOL": value}
        case int():
            return {"N": str(value)}
        case str():
            return {"S": str(value)}  # the plain text of an enum


def _text(item: Item, name: str) -> str | None:
    return item[name]["S"] if name in item else None
