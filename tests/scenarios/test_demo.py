"""The demo on the real parts: Kafka, Spark, and our stacks on the emulator."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from support.command import run
from support.looking import listening_addresses


@pytest.fixture(scope="module")
def found(kept_demo: Any) -> dict[str, Any]:
    result: dict[str, Any] = kept_demo.found
    return result


def account(found: dict[str, Any], account_id: str) -> dict[str, Any]:
    return next(a for a in found["accounts"] if a["account_id"] == account_id)


def rungs(found: dict[str, Any], account_id: str) -> list[tuple[str | None, ...]]:
    names = ("event", "price", "amount", "quantity")
    return [tuple(r[n] for n in names) for r in account(found, account_id)["seen"]]


def test_the_verdict_is_pass(found: dict[str, Any]) -> None:
    assert found["differences"] == []
    assert found["verdict"] == "pass"


def test_the_margin_account_climbs_the_whole_ladder(found: dict[str, Any]) -> None:
    # Worked by hand in docs/06-run-demo.md.
    assert rungs(found, "ACC_DEMO_001") == [
        ("STRESS_ALERT", "400.00", None, None),
        ("WARNING", "385.60", None, None),
        ("MARGIN_CALL", "356.80", "1040.00", None),
        ("RESTRICTION", "356.80", None, None),
        ("MARGIN_CALL_AMENDED", "342.40", "5720.00", None),
        ("LIQUIDATION", "342.40", None, "48"),
        ("MARGIN_CALL_SATISFIED", "342.40", "32.32", None),
        ("CASE_CLOSED", "342.40", "32.32", None),
    ]
    # 50,764.80 of equity and requirement apart: 54,200.00 - 54,167.68 = 32.32
    assert account(found, "ACC_DEMO_001")["excess"] == "32.32"


def test_a_deposit_meets_the_call(found: dict[str, Any]) -> None:
    assert rungs(found, "ACC_DEPOSIT_002")[-2:] == [
        ("MARGIN_CALL_SATISFIED", "356.80", "6960.00", None),
        ("CASE_CLOSED", "356.80", "6960.00", None),
    ]
    assert account(found, "ACC_DEPOSIT_002")["excess"] == "2280.00"


def test_stress_alone_restricts_in_immediate_mode(found: dict[str, Any]) -> None:
    assert [r[:2] for r in rungs(found, "ACC_STRESS_003")] == [
        ("STRESS_ALERT", "392.80"),
        ("RESTRICTION", "392.80"),
    ]


def test_a_short_is_bought_in(found: dict[str, Any]) -> None:
    seen = account(found, "ACC_SHORT_005")["seen"]
    order = next(r for r in seen if r["event"] == "LIQUIDATION")
    # 6,800 / (40 % of 224) = 75.9
    assert (order["quantity"], order["side"], order["price"]) == ("76", "buy", "224.00")


@pytest.mark.parametrize(
    "account_id",
    ["ACC_LONGSHORT_007", "ACC_CASH_009", "ACC_DIVERSIFIED_010", "ACC_UNPRICED_011"],
)
def test_the_others_are_left_alone(found: dict[str, Any], account_id: str) -> None:
    assert account(found, account_id)["seen"] == []
    assert account(found, account_id)["match"]


def test_an_account_without_a_price_shows_no_figures(found: dict[str, Any]) -> None:
    unpriced = account(found, "ACC_UNPRICED_011")
    assert (unpriced["band"], unpriced["equity"], unpriced["excess"]) == ("UNPRICED", None, None)


def test_only_the_unreadable_events_are_dead_letters(found: dict[str, Any]) -> None:
    assert [d["source"] for d in found["dead_letters"]] == ["fills.v1", "fills.v1"]
    assert any("392.80001" in d["reason"] for d in found["dead_letters"])


@pytest.mark.parametrize(
    ("account_id", "at_the_end"),
    [
        # 500 x 342.40 + 500 x 47.7726 - 90,000; 25,680.00 - 20,980.55
        ("ACC_HEDGED_004", ("105086.30", "4699.45", "100386.85")),
        # 171,200 + 500 x (34.0348 - 2.9503) - 60,000; 25,680.00 - 18,587.40 - 1,329.40
        ("ACC_PM_008", ("126742.25", "5763.20", "120979.05")),
    ],
)
def test_options_are_margined_to_the_cent_at_every_step(
    found: dict[str, Any], account_id: str, at_the_end: tuple[str, ...]
) -> None:
    held = account(found, account_id)
    assert held["seen"] == []
    assert [f["at"] for f in held["figures"]] == [
        "09:30", "10:00", "10:30", "11:30", "13:00", "13:20",
    ]  # fmt: skip
    assert all(f["seen"] == f["expected"] for f in held["figures"])
    assert (held["equity"], held["requirement"], held["excess"]) == at_the_end


def test_no_account_is_left_out(found: dict[str, Any]) -> None:
    assert found["left_out"] == []


def test_all_processes_together_stay_below_three_gigabytes(found: dict[str, Any]) -> None:
    assert 0 < found["figures"]["peak_rss_mb"] < 3 * 1024
    assert found["figures"]["seconds_to_first_assessment"] < found["figures"]["seconds"]


def test_nothing_listens_beyond_this_machine(kept_demo: Any) -> None:
    parts = kept_demo.process.note()["parts"]
    addresses = set().union(*(listening_addresses(pid) for pid in parts.values()))
    assert addresses <= {"127.0.0.1", "::1"}
    assert addresses


def test_the_audit_trail_verifies_and_a_tampered_copy_does_not(
    kept_demo: Any, tmp_path: Path
) -> None:
    done = run(kept_demo.folder, "audit", "verify", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["records"] == kept_demo.found["audit"]["records"]
    copy = tmp_path / "copy"
    shutil.copytree(kept_demo.folder / ".marginwatch" / "audit", copy)
    record = copy / "ACC_DEMO_001" / "0000000003.json"
    record.write_bytes(record.read_bytes().replace(b"1040.00", b"1040.01"))
    altered = run(tmp_path, "audit", "verify", str(copy))
    assert altered.returncode == 1
    assert "ACC_DEMO_001/0000000003.json" in altered.stderr


def test_the_workflow_shows_the_rungs_in_order_with_times_and_why(kept_demo: Any) -> None:
    done = run(kept_demo.folder, "workflow", "show", "ACC_DEMO_001", "--json")
    assert done.returncode == 0, done.stderr
    steps = json.loads(done.stdout)["steps"]
    states = [s["state"] for s in steps]
    ladder = [s for s in states if s in ("Warn", "Call", "Restrict", "Liquidate", "Close")]
    assert list(dict.fromkeys(ladder)) == ["Warn", "Call", "Restrict", "Liquidate", "Close"]
    assert all(s["entered_at"] for s in steps)
    assert all(s["why"] for s in steps if s["state"] in ladder)


def test_one_account_shows_its_assessment_and_its_cases(kept_demo: Any) -> None:
    done = run(kept_demo.folder, "accounts", "show", "ACC_DEMO_001", "--json")
    assert done.returncode == 0, done.stderr
    shown = json.loads(done.stdout)
    assert shown["assessment"]["requirement"] == "54167.68"
    assert shown["status"] == "RESTRICTED"
    assert shown["cases"]


def test_an_account_that_does_not_exist_is_refused(kept_demo: Any) -> None:
    done = run(kept_demo.folder, "accounts", "show", "ACC_NOBODY")
    assert (done.returncode, done.stdout) == (2, "")
    assert "ACC_NOBODY" in done.stderr


def test_a_second_system_in_the_same_folder_is_refused(kept_demo: Any) -> None:
    done = run(kept_demo.folder, "demo")
    assert done.returncode == 3
    assert "marginwatch down" in done.stderr
