"""The sweeper: a case whose execution died goes on, and only its rest is done."""

from support.enforcement_world import ACCOUNT, World

from functions.case import Request
from functions.evaluate import evaluate
from functions.names import execution_name
from functions.stored import Lock
from functions.sweeper import CaseSweeper


def cases(world: World) -> CaseSweeper:
    return CaseSweeper(world.table, world.executions, world.notifier)  # type: ignore[arg-type]


def lock_of(world: World) -> Lock:
    lock = world.table.lock(ACCOUNT)
    assert lock is not None
    return lock


def died(world: World) -> None:
    lock = lock_of(world)
    world.executions.statuses[execution_name(lock.case_id, lock.attempt)] = "FAILED"


def test_a_running_case_is_left_alone(world: World) -> None:
    world.feed("400")
    assert cases(world).sweep() == 0
    assert world.executions.started == [(f"{ACCOUNT}-1", 1)]


def test_a_case_whose_execution_died_gets_the_next_attempt(world: World) -> None:
    world.feed("356.80")
    died(world)
    assert cases(world).sweep() == 1
    assert world.executions.started[-1] == (f"{ACCOUNT}-1", 2)
    assert lock_of(world).task_token is None
    assert world.notifier.told == [{"case_id": f"{ACCOUNT}-1", "attempt": 2, "ended": "FAILED"}]


def test_the_next_attempt_waits_only_the_rest_of_the_time(world: World) -> None:
    world.feed("356.80")
    before = world.actions()
    died(world)
    world.later(2)
    cases(world).sweep()
    request = Request(account_id=ACCOUNT, case_id=f"{ACCOUNT}-1", attempt=2)
    found = evaluate(request, world.work("functions.evaluate"))
    assert (found["next"], found["wait_seconds"]) == ("AWAIT", 180)  # 300 - 120
    assert world.actions() == before


def test_the_old_execution_ends_when_it_comes_back(world: World) -> None:
    world.feed("356.80")
    died(world)
    cases(world).sweep()
    old = Request(account_id=ACCOUNT, case_id=f"{ACCOUNT}-1", attempt=1)
    assert evaluate(old, world.work("functions.evaluate"))["next"] == "DONE"


def test_a_case_that_never_started_is_started(world: World) -> None:
    world.feed("400")
    world.executions.statuses.clear()
    world.executions.started.clear()
    assert cases(world).sweep() == 1
    assert world.executions.started == [(f"{ACCOUNT}-1", 1)]


def test_a_halted_case_is_left_to_a_person(world: World) -> None:
    figures = dict(world.event().figures_usd)
    world.feed("400", figures_usd=figures | {"excess": figures["excess"] + 1})
    assert world.actions() == ["CASE_HALTED"]
    died(world)
    assert cases(world).sweep() == 0
    world.executions.statuses.clear()
    assert cases(world).sweep() == 0


def test_two_sweeps_at_once_start_one_attempt(world: World) -> None:
    world.feed("400")
    lock = lock_of(world)
    assert world.table.next_attempt(lock) is not None
    assert world.table.next_attempt(lock) is None
