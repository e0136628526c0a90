"""The whole ladder of the demo account, as the machine walks it."""

from decimal import Decimal

import pytest
from support.enforcement_world import ACCOUNT, World

from functions.case import Request
from functions.evaluate import evaluate
from margin.canonical import at_text


def to_the_call(world: World) -> None:
    """rules section 10: 400 alert, 385.60 warning, 371.20 nothing, 356.80 call."""
    for price in ("400", "392.80", "385.60", "371.20", "356.80"):
        world.feed(price)
        world.later(30)


def walk(world: World) -> None:
    """From the first alert to the filled liquidation."""
    to_the_call(world)
    world.now -= 25 * 60_000  # 300 s after the call, underwater since 09:30
    world.run()
    world.later(15)
    world.feed("342.40")
    world.later(10)
    world.run()
    world.cash, world.shares = world.cash + 48 * world.price, world.shares - 48  # type: ignore[operator]
    world.filled = (world.last_message()["order"]["liquidation_id"],)
    world.later(1)
    world.feed()


def test_the_demo_account_walks_every_rung(world: World) -> None:
    walk(world)
    assert world.actions() == [
        "STRESS_ALERT",
        "WARNING_ISSUED",
        "MARGIN_CALL_ISSUED",
        "RESTRICTION_APPLIED",
        "MARGIN_CALL_AMENDED",
        "LIQUIDATION_TRIGGERED",
        "MARGIN_CALL_SATISFIED",
        "CASE_CLOSED",
    ]


@pytest.mark.parametrize(
    ("place", "topic", "excess", "status"),
    [
        (0, "margin.calls.v1", "13000.00", "ACTIVE"),
        (1, "margin.calls.v1", "8320.00", "WARNING"),
        (2, "margin.calls.v1", "-1040.00", "MARGIN_CALL"),
        (3, "restrictions.v1", "-1040.00", "RESTRICTED"),
        (4, "margin.calls.v1", "-5720.00", "RESTRICTED"),
        (5, "liquidations.v1", "-5720.00", "LIQUIDATING"),
        (6, "margin.calls.v1", "32.32", "RESTRICTED"),
        (7, "margin.calls.v1", "32.32", "RESTRICTED"),
    ],
)
def test_each_message_carries_the_worked_figures(
    world: World, place: int, topic: str, excess: str, status: str
) -> None:
    walk(world)
    body = world.outbox()[place]
    message = body["message"]
    assert (body["topic"], message["amounts"]["excess"], message["status"]) == (
        topic,
        excess,
        status,
    )


def test_the_call_is_due_thirty_minutes_after_it_was_issued(world: World) -> None:
    to_the_call(world)
    message = world.last_message()
    assert message["amounts"]["amount"] == "1040.00"
    assert (message["at"], message["due_at"]) == (
        "2026-11-25T16:00:00.000Z",
        "2026-11-25T16:30:00.000Z",
    )


def test_an_amended_call_keeps_its_due_time(world: World) -> None:
    walk(world)
    issued, amended = world.outbox()[2]["message"], world.outbox()[4]["message"]
    assert amended["amounts"]["amount"] == "5720.00"
    assert amended["due_at"] == issued["due_at"]
    assert amended["call_id"] == issued["call_id"]


def test_the_order_sells_the_fewest_shares_that_cure(world: World) -> None:
    walk(world)
    order = world.outbox()[5]["message"]["order"]
    # 48 x 342.40 = 16,435.20; 0.65 x 452 x 342.40 - 100,564.80 = 32.32
    assert order == {
        "liquidation_id": order["liquidation_id"],
        "symbol": "NVDA",
        "quantity": "-48",
        "price": "342.4",
        "excess_after": "32.32",
        "unsecured_debit": "0.00",
    }


def test_the_lines_of_a_message_add_up_to_its_excess(world: World) -> None:
    to_the_call(world)
    values = {line["term"]: line["value"] for line in world.last_message()["lines"]}
    assert values["excess"] == "-1040.00"


def test_a_closed_case_leaves_its_history_and_no_lock(world: World) -> None:
    walk(world)
    assert world.table.lock(ACCOUNT) is None
    key = {"pk": {"S": f"ACCT#{ACCOUNT}"}, "sk": {"S": f"CASE#{ACCOUNT}-1"}}
    history = world.dynamodb.get_item(TableName="accounts", Key=key)["Item"]
    assert history["outcome"] == {"S": "MARGIN_CALL_SATISFIED"}


def test_the_residual_restriction_is_lifted_in_a_new_case(world: World) -> None:
    walk(world)
    world.later(60)
    world.feed("468")
    assert world.actions()[-2:] == ["RESTRICTION_LIFTED", "CASE_CLOSED"]
    assert world.executions.started == [(f"{ACCOUNT}-1", 1), (f"{ACCOUNT}-8", 1)]


def test_a_deposit_satisfies_the_call_and_nothing_is_liquidated(world: World) -> None:
    to_the_call(world)
    world.now -= 25 * 60_000
    world.run()
    world.later(5)
    world.cash += 8000
    world.feed()
    # -1,040 + 8,000 = 6,960
    assert world.last_message()["amounts"]["excess"] == "6960.00"
    world.later(60)
    world.feed("342.40")  # 0.65 x 500 x 342.40 - 109,000 = 2,280: no second call
    assert world.actions()[2:] == [
        "MARGIN_CALL_ISSUED",
        "RESTRICTION_APPLIED",
        "MARGIN_CALL_SATISFIED",
        "CASE_CLOSED",
    ]


def test_deadlines_fire_without_a_new_event(world: World) -> None:
    to_the_call(world)
    world.run()
    world.later(1)
    world.run()
    assert world.actions()[2:] == [
        "MARGIN_CALL_ISSUED",
        "RESTRICTION_APPLIED",
        "LIQUIDATION_TRIGGERED",
    ]


def test_the_wait_ends_at_the_next_deadline(world: World) -> None:
    to_the_call(world)
    world.later(-30)
    lock = world.table.lock(ACCOUNT)
    assert lock is not None
    request = Request(account_id=ACCOUNT, case_id=lock.case_id, attempt=1)
    assert evaluate(request, world.work("functions.evaluate")) == {
        "account_id": ACCOUNT,
        "case_id": f"{ACCOUNT}-1",
        "attempt": 1,
        "next": "AWAIT",
        "version": 5,
        "changes": str(lock.changes),
        "lock_pk": request.lock_pk(),
        "wait_seconds": 300,
        "deadline": str(world.now + 300_000),
        "why": f"nothing is due before {at_text(world.now + 300_000)} or a change",
    }


def test_an_alert_that_ends_closes_its_case(world: World) -> None:
    world.cash = world.cash + 60_000  # excess = 0.65 x 500 x p - 57,000
    world.feed("190")  # 4,750 = 5 % of 95,000: just no warning, but underwater
    world.feed("260")
    assert world.table.lock(ACCOUNT) is None
    assert world.actions() == ["STRESS_ALERT", "CASE_CLOSED"]


def test_a_second_episode_is_a_second_warning(world: World) -> None:
    for price in ("400", "385.60", "400", "385.60"):
        world.feed(price)
        world.later(5)
    assert world.actions() == ["STRESS_ALERT", "WARNING_ISSUED", "WARNING_ISSUED"]


def test_immediate_mode_restricts_on_the_breach_and_lifts_when_it_ends(world: World) -> None:
    world.stress_mode = "immediate"
    world.feed("400")
    world.feed("468")
    assert world.actions() == [
        "STRESS_ALERT",
        "RESTRICTION_APPLIED",
        "RESTRICTION_LIFTED",
        "CASE_CLOSED",
    ]


def test_a_case_ends_when_its_call_is_met_and_its_restriction_lifted(world: World) -> None:
    world.beta = Decimal(0)  # a stressed excess is the excess: both are cured together
    world.feed("356.80")
    world.later(5)
    world.run()
    world.cash += 1040
    world.feed()
    assert world.actions() == [
        "STRESS_ALERT",
        "MARGIN_CALL_ISSUED",
        "RESTRICTION_APPLIED",
        "MARGIN_CALL_SATISFIED",
        "RESTRICTION_LIFTED",
        "CASE_CLOSED",
    ]
    assert world.last_message()["status"] == "WARNING"  # its excess is 0
