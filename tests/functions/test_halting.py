"""The two keys, and what must never be decided on."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from support.enforcement_world import ACCOUNT, World

from functions.case import Request
from functions.deciding import Next
from functions.stored import Lock
from margin.ladder import LadderState

CENT = Decimal("0.01")


def forged(world: World, name: str) -> dict[str, Any]:
    """Figures of which one is off by a cent."""
    figures = dict(world.event().figures_usd)
    return {"figures_usd": figures | {name: figures[name] + CENT}}


def called(world: World) -> Lock:
    """The demo account with a call whose liquidation is due."""
    world.feed("356.80")
    world.later(31)
    world.run()
    world.later(1)
    lock = world.table.lock(ACCOUNT)
    assert lock is not None
    return lock


@pytest.mark.parametrize("name", ["excess", "requirement", "equity", "worst_severe_excess"])
def test_one_cent_of_difference_halts_and_nothing_is_liquidated(world: World, name: str) -> None:
    called(world)
    world.route(world.assessed("342.40"), world.assessed(**forged(world, name)))
    assert world.run() == "HALT"
    assert "LIQUIDATION_TRIGGERED" not in world.actions()
    assert world.actions()[-1] == "CASE_HALTED"
    lock = world.table.lock(ACCOUNT)
    assert lock is not None
    assert lock.halted


def test_the_halt_names_what_differs(world: World) -> None:
    world.feed("400", **forged(world, "excess"))
    record = world.outbox()[-1]["audit_record"]
    assert record["decision"]["differences"] == ["excess: streamed 13000.01, recomputed 13000.00"]


def test_evaluate_checks_the_second_key_where_no_rung_is_due(world: World) -> None:
    world.feed("400")
    world.route(world.assessed(**forged(world, "excess")))
    assert world.run() == "HALT"
    assert world.actions() == ["STRESS_ALERT", "CASE_HALTED"]


def test_a_rung_checks_the_second_key_itself(world: World) -> None:
    lock = called(world)
    world.route(world.assessed(**forged(world, "excess")))
    request = Request(account_id=ACCOUNT, case_id=lock.case_id, attempt=lock.attempt)
    assert world.step(Next.LIQUIDATE, request)["acted"] is None
    assert world.actions()[-1] == "CASE_HALTED"


def test_a_halted_case_does_nothing_more(world: World) -> None:
    lock = called(world)
    world.route(world.assessed(**forged(world, "excess")))
    world.run()
    before = world.actions()
    world.feed("342.40")  # right again, but a person has to look
    request = Request(account_id=ACCOUNT, case_id=lock.case_id, attempt=lock.attempt)
    for following in (Next.WARN, Next.CALL, Next.RESTRICT, Next.LIQUIDATE, Next.CLOSE):
        world.step(following, request)
    assert world.run() == "HALT"
    assert world.actions() == before


def test_an_unpriced_account_is_left_alone_at_its_deadline(world: World) -> None:
    called(world)
    before = world.actions()
    world.feed(None)
    world.later(60)
    assert world.run() == "AWAIT"
    assert world.actions() == before


def test_figures_older_than_a_price_may_be_decide_nothing(world: World) -> None:
    world.feed("356.80")
    before = world.actions()
    world.later(6 * 60 + 1)
    assert world.run() == "AWAIT"
    assert world.actions() == before


@pytest.mark.parametrize(
    "change",
    [{"case_id": "another-1"}, {"attempt": 9}],
    ids=["another case", "another attempt"],
)
def test_an_execution_that_is_not_of_the_case_ends(world: World, change: dict[str, Any]) -> None:
    lock = called(world)
    request = Request(account_id=ACCOUNT, case_id=lock.case_id, attempt=lock.attempt)
    stranger = replace(request, **change)
    before = world.actions()
    for following in (Next.CALL, Next.RESTRICT, Next.LIQUIDATE, Next.CLOSE):
        world.step(following, stranger)
    assert world.actions() == before


def test_a_rung_leaves_the_step_of_another_rung_alone(world: World) -> None:
    lock = called(world)
    request = Request(account_id=ACCOUNT, case_id=lock.case_id, attempt=lock.attempt)
    before = world.actions()
    for following in (Next.WARN, Next.CALL, Next.RESTRICT, Next.CLOSE):
        assert world.step(following, request)["acted"] is None
    assert world.actions() == before
    assert world.step(Next.LIQUIDATE, request)["acted"] == "LIQUIDATION_TRIGGERED"


def test_a_rung_run_twice_acts_once(world: World) -> None:
    lock = called(world)
    request = Request(account_id=ACCOUNT, case_id=lock.case_id, attempt=lock.attempt)
    world.step(Next.LIQUIDATE, request)
    assert world.step(Next.LIQUIDATE, request)["acted"] is None
    assert world.actions().count("LIQUIDATION_TRIGGERED") == 1


def test_two_that_read_the_same_write_once(world: World) -> None:
    lock = called(world)
    work = world.work("functions.liquidate")
    one, two = work.situation(lock), work.situation(lock)
    assert one is not None
    assert two is not None
    step = work.decide(one).steps[0]
    assert work.take(one, step)
    world.now += 1
    assert not work.take(two, step)
    assert world.actions().count("LIQUIDATION_TRIGGERED") == 1


def test_closing_does_not_lose_a_change(world: World) -> None:
    world.feed("400")
    lock = world.table.lock(ACCOUNT)
    assert lock is not None
    world.route(world.assessed("468"))
    work = world.work("functions.close")
    lock = world.table.lock(ACCOUNT)
    assert lock is not None
    situation = work.situation(lock)
    assert situation is not None
    world.route(world.assessed("400"))  # the next breach arrives before the lock goes
    assert not work.close(situation)
    assert world.table.lock(ACCOUNT) is not None


def test_a_debit_with_nothing_to_sell_is_liquidated_without_an_order(world: World) -> None:
    world.cash, world.shares = Decimal("-500"), Decimal(0)
    lock = called(world)
    request = Request(account_id=ACCOUNT, case_id=lock.case_id, attempt=lock.attempt)
    assert world.step(Next.LIQUIDATE, request)["acted"] == "LIQUIDATION_TRIGGERED"
    assert "order" not in world.last_message()


def test_a_met_call_does_not_close_a_case_that_is_deficient_again(world: World) -> None:
    lock = called(world)
    request = Request(account_id=ACCOUNT, case_id=lock.case_id, attempt=lock.attempt)
    world.cash += 8000
    world.route(world.assessed())
    assert world.step(Next.CALL, request)["acted"] == "MARGIN_CALL_SATISFIED"
    world.route(world.assessed("300"))
    assert world.step(Next.CLOSE, request)["acted"] is None
    assert world.table.lock(ACCOUNT) is not None


def test_two_silent_changes_of_the_ladder_write_once(world: World) -> None:
    world.feed("400")
    seen = world.table.ladder(ACCOUNT)
    assert world.table.put_ladder(ACCOUNT, seen, LadderState.EMPTY, world.now)
    assert not world.table.put_ladder(ACCOUNT, seen, seen.state, world.now)
    assert world.table.ladder(ACCOUNT).state == LadderState.EMPTY
