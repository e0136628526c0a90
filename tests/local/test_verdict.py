"""Expected against seen: what is missing, too much or different is named."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from local import scenario
from local.projection import Projection, rung_of
from local.scenario import Expectation
from local.verdict import compare, compare_figures, figures_of, judge

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


def figured(account_id: str, at: str) -> bytes:
    """An assessment with exactly the figures that the scenario expects at a step."""
    account = next(a for a in SELLOFF.accounts if a.account_id == account_id)
    figures = next(f for f in account.figures if f.at == at)
    texts = {name: f"{value:.2f}" for name, value in figures.usd.items()}
    number = [f.at for f in account.figures].index(at) + 1
    event = {"account_id": account_id, "version": number, "band": "OK", "inputs": {}} | texts
    return json.dumps(event).encode()


def hedged(replacing: bytes = b"", by: bytes = b"", late: bool = False) -> dict[str, Any]:
    """The verdict on the hedged account after its steps, one of their figures replaced."""
    view = Projection(SELLOFF)
    account = next(a for a in SELLOFF.accounts if a.account_id == "ACC_HEDGED_004")
    for figures in account.figures:
        value = figured(account.account_id, figures.at).replace(replacing, by)
        if not late:
            view.add("margin.calc.v1", value)
        view.settled(figures.at)
        view.add("margin.calc.v1", value)
    found = judge(SELLOFF, view, audit_records=0, audit_problem=None, figures={}).as_json()
    return next(a for a in found["accounts"] if a["account_id"] == "ACC_HEDGED_004")


def test_the_figures_of_each_step_are_compared_with_those_it_settled_with() -> None:
    assert hedged()["match"]
    assert not hedged(late=True)["match"]


def test_a_figure_that_is_a_cent_off_is_named() -> None:
    found = hedged(b"14551.10", b"14551.11")
    assert not found["match"]
    first, *others = found["figures"]
    assert first["expected"] | {"requirement": "14551.11"} == first["seen"]
    assert all(f["seen"] == f["expected"] for f in others)


def test_a_difference_of_figures_says_what_was_expected_and_found() -> None:
    account = next(a for a in SELLOFF.accounts if a.figures)
    none = tuple(figures_of(None) for _ in account.figures)
    said = compare_figures(account.figures, none)
    assert len(said) == len(account.figures)
    assert said[0] == (
        "at 09:30 expected equity 119,262.45, requirement 14,551.10, excess 104,711.35, "
        "found equity -, requirement -, excess -"
    )


def test_nothing_seen_fails_and_says_which_accounts() -> None:
    found = judge(
        SELLOFF, Projection(SELLOFF), audit_records=0, audit_problem=None, figures={}
    ).as_json()
    assert found["verdict"] == "fail"
    matches = {a["account_id"]: a["match"] for a in found["accounts"]}
    assert not matches["ACC_DEMO_001"]
    assert matches["ACC_CASH_009"]
    assert not matches["ACC_PM_008"]
    assert any("ACC_DEMO_001: expected STRESS_ALERT" in d for d in found["differences"])
    assert "dead letters of fills.v1: expected 2 more" in found["differences"]


def test_a_broken_audit_trail_fails_the_verdict() -> None:
    found = judge(
        SELLOFF, Projection(SELLOFF), audit_records=1, audit_problem="x is missing", figures={}
    )
    assert "audit: x is missing" in found.differences()
    assert found.as_json()["audit"] == {"records": 1, "verified": False}
