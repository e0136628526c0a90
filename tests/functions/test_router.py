"""The router: what it keeps, what it drops, and that no crash or race loses a change."""

import json
from pathlib import Path

import pytest
from support.enforcement_world import ACCOUNT, World, kafka_event

from functions.case import Request
from functions.evaluate import evaluate
from functions.router import respond
from margin.portfolio import AccountType

EVENTS = Path(__file__).parents[1] / "events"


def test_a_recorded_msk_event_opens_a_case(world: World) -> None:
    event = json.loads((EVENTS / "msk_margin_calc.json").read_text())
    assert respond(event, None, world.router) == {"batchItemFailures": []}
    assert world.executions.started == [("ACC_DEMO_001-1", 1)]


def test_an_assessment_opens_one_case(world: World) -> None:
    world.route(world.assessed("400"))
    assert world.executions.started == [(f"{ACCOUNT}-1", 1)]
    lock = world.table.lock(ACCOUNT)
    assert lock is not None
    assert (lock.case_id, lock.attempt, lock.changes) == (f"{ACCOUNT}-1", 1, 1)


def test_every_record_twice_changes_nothing(world: World) -> None:
    for price in ("400", "385.60", "356.80"):
        record = world.assessed(price)
        for _ in range(2):
            assert world.route(record, record) == []
            world.run()
    assert world.actions() == ["STRESS_ALERT", "WARNING_ISSUED", "MARGIN_CALL_ISSUED"]
    assert len(world.executions.started) == 1


def test_an_older_version_is_dropped(world: World) -> None:
    older, newer = world.assessed("356.80"), world.assessed("400")
    world.route(newer, older)
    state = world.table.state(ACCOUNT)
    assert state is not None
    assert state.event.version == 2
    world.run()
    assert world.actions() == ["STRESS_ALERT"]


@pytest.mark.parametrize(
    "forged",
    [
        {"enforce": False},
        {"account_type": AccountType.CASH},
    ],
    ids=["not to be enforced", "cash account"],
)
def test_what_is_not_enforced_is_not_stored(world: World, forged: dict[str, object]) -> None:
    world.route(world.assessed("356.80", **forged))
    assert world.table.state(ACCOUNT) is None
    assert world.executions.started == []


def test_an_unpriced_account_is_stored_and_nothing_else(world: World) -> None:
    world.route(world.assessed(None))
    assert world.table.state(ACCOUNT) is not None
    assert world.executions.started == []


def test_a_bad_record_is_reported_and_its_neighbours_are_done(world: World) -> None:
    assert world.route(b"{}", world.assessed("400")) == [0]
    assert world.executions.started == [(f"{ACCOUNT}-1", 1)]


def test_a_change_wakes_the_waiting_machine_once(world: World) -> None:
    world.feed("400")
    record = world.assessed("385.60")
    world.route(record)
    assert world.executions.woken == ["token-1"]
    lock = world.table.lock(ACCOUNT)
    assert lock is not None
    assert lock.task_token is None
    world.route(record)
    assert world.executions.woken == ["token-1"]


def test_a_change_that_matters_to_nobody_wakes_nobody(world: World) -> None:
    world.feed("400")
    world.route(world.assessed("399"))
    assert world.executions.woken == []


def test_a_deadline_that_is_new_wakes_the_machine(world: World) -> None:
    world.feed("356.80")
    world.feed(None)
    world.later(2)
    world.run()  # unpriced: the machine waits for no deadline
    before = len(world.executions.woken)
    world.route(world.assessed("356.80"))
    assert len(world.executions.woken) == before + 1


def test_a_change_between_evaluate_and_the_wait_is_seen(world: World) -> None:
    world.route(world.assessed("400"))
    lock = world.table.lock(ACCOUNT)
    assert lock is not None
    request = Request(account_id=ACCOUNT, case_id=lock.case_id, attempt=1)
    world.run()
    seen = evaluate(request, world.work("functions.evaluate"))
    world.route(world.assessed("385.60"))
    assert not world.wait(seen)
    world.run()
    assert world.actions() == ["STRESS_ALERT", "WARNING_ISSUED"]


@pytest.mark.parametrize("call", ["start", "wake"])
def test_a_crash_between_two_steps_is_made_good_by_redelivery(world: World, call: str) -> None:
    if call == "wake":
        world.feed("400")
    world.executions.fail_next = call
    record = world.assessed("385.60")
    assert world.route(record) == [0]
    assert world.route(record) == []
    assert world.executions.woken == (["token-1"] if call == "wake" else [])
    assert len(world.executions.started) == 1


def test_a_case_closed_under_the_router_is_opened_again(world: World) -> None:
    world.feed("400")
    lock = world.table.lock(ACCOUNT)
    assert lock is not None
    world.route(world.assessed("468"))
    world.run()  # the alert ended: closed
    assert world.table.mark_changed(lock) is None
    world.feed("400")
    assert world.executions.started[-1] == (f"{ACCOUNT}-3", 1)


def test_the_event_source_is_told_partition_and_offset(world: World) -> None:
    found = respond(kafka_event(b"[]"), None, world.router)
    assert found == {
        "batchItemFailures": [{"itemIdentifier": {"partition": "margin.calc.v1-0", "offset": 0}}]
    }
