"""Expected against seen: what is missing, too much or different is named."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from local import scenario
from local.projection import Projection, rung_of
from local.scenario import Expectation
from local.verdict import compare, judge

SELLOFF = scenario.load(scenario.FOLDER / "nvda-selloff.toml")


def control(sequence: int, action: str, price: str, **amounts: str) -> dict[str, Any]:
    return {
        "type": "control",
        "event_id": f"ACC_DEMO_001-7:{sequence}",
        "at": "2026-06-05T13:00:00.000Z",
        "account_id": "ACC_DEMO_001",
        "case_id": "ACC_DEMO_001-7",
        "action": action,
        "status": "WARNING",
        "amounts": {"excess": "8320.00", "requirement": "67480.00", "equity": "75800.00"} | amounts,
        "positions": [{"symbol": "NVDA", "quantity": "500", "price": price}],
    }


CALL = Expectation(
    at="13:00", event="MARGIN_CALL", price_usd=Decimal("356.80"), amount_usd=Decimal("1040.00")
)


def call(price: str = "356.80", amount: str = "1040.00") -> Any:
    return rung_of(control(3, "MARGIN_CALL_ISSUED", price, amount=amount), "NVDA")


def test_the_same_rung_is_no_difference() -> None:
    assert compare((CALL,), [call()]) == ()


@pytest.mark.parametrize(
    ("seen", "said"),
    [
        ([], "expected MARGIN_CALL of 1,040.00 at 356.80, found nothing"),
        ([call(amount="1040.01")], "found MARGIN_CALL of 1,040.01 at 356.80"),
        ([call(price="356.81")], "found MARGIN_CALL of 1,040.00 at 356.81"),
        ([call(), call()], "expected nothing more, found MARGIN_CALL of 1,040.00 at 356.80"),
    ],
    ids=["missing", "amount", "price", "twice"],
)
def test_a_difference_is_named(seen: list[Any], said: str) -> None:
    (difference,) = compare((CALL,), seen)
    assert said in difference


def test_an_order_shows_shares_and_side() -> None:
    event = control(6, "LIQUIDATION_TRIGGERED", "342.40")
    event["order"] = {"liquidation_id": "L", "symbol": "NVDA", "quantity": "-48", "price": "342.40"}
    rung = rung_of(event, "NVDA")
    assert (rung.event, rung.quantity_shares, rung.side) == ("LIQUIDATION", Decimal(48), "sell")


def test_a_rung_published_twice_counts_once_and_order_follows_the_audit_sequence() -> None:
    view = Projection(SELLOFF)
    for sequence, action in ((2, "WARNING_ISSUED"), (1, "STRESS_ALERT"), (2, "WARNING_ISSUED")):
        view.add("margin.calls.v1", json.dumps(control(sequence, action, "400.00")).encode())
    assert [r.event for r in view.rungs("ACC_DEMO_001")] == ["STRESS_ALERT", "WARNING"]


def assessment(account_id: str, version: int, offset: int) -> bytes:
    event = {"account_id": account_id, "version": version, "inputs": {"prices.v1-0": offset}}
    return json.dumps(event).encode()


def test_covered_means_that_every_account_has_used_the_market_data() -> None:
    view = Projection(SELLOFF)
    for account in SELLOFF.accounts:
        assert not view.covers({})
        view.add("margin.calc.v1", assessment(account.account_id, 1, 5))
    assert view.covers({"prices.v1-0": 5})
    assert not view.covers({"prices.v1-0": 6})
    for account in SELLOFF.accounts[1:]:
        view.add("margin.calc.v1", assessment(account.account_id, 2, 6))
    assert not view.covers({"prices.v1-0": 6})
    view.add("margin.calc.v1", assessment(SELLOFF.accounts[0].account_id, 2, 6))
    assert view.covers({"prices.v1-0": 6})


def test_an_older_assessment_never_replaces_a_newer_one() -> None:
    view = Projection(SELLOFF)
    for version in (2, 1):
        view.add("margin.calc.v1", assessment("ACC_DEMO_001", version, version))
    latest = view.latest("ACC_DEMO_001")
    assert latest is not None
    assert latest["version"] == 2


def test_nothing_seen_fails_and_says_which_accounts() -> None:
    found = judge(
        SELLOFF, Projection(SELLOFF), audit_records=0, audit_problem=None, figures={}
    ).as_json()
    assert found["verdict"] == "fail"
    matches = {a["account_id"]: a["match"] for a in found["accounts"]}
    assert not matches["ACC_DEMO_001"]
    assert matches["ACC_CASH_009"]
    assert any("ACC_DEMO_001: expected STRESS_ALERT" in d for d in found["differences"])
    assert "dead letters of fills.v1: expected 2 more" in found["differences"]


def test_a_broken_audit_trail_fails_the_verdict() -> None:
    found = judge(
        SELLOFF, Projection(SELLOFF), audit_records=1, audit_problem="x is missing", figures={}
    )
    assert "audit: x is missing" in found.differences()
    assert found.as_json()["audit"] == {"records": 1, "verified": False}
