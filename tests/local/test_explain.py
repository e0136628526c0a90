"""`marginwatch explain` and `compare` on the example files, and what a file is refused for."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest
from click.testing import CliRunner

from local.account_file import read_account
from local.cli import cli
from local.errors import FindingError, NotRunningError, UsageError

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"


def run(*arguments: str) -> str:
    done = CliRunner().invoke(cli, list(arguments))
    assert done.exception is None, done.exception
    return done.stdout


@pytest.mark.parametrize("example", sorted(EXAMPLES.glob("*.toml")), ids=lambda path: path.stem)
def test_parts_of_every_example_sum_to_their_totals(example: Path) -> None:
    body = json.loads(run("explain", str(example), "--json"))
    for group in body["groups"]:
        parts = [Decimal(part["value"]) for part in group["parts"]]
        assert not parts or sum(parts) == Decimal(group["total"]["value"])
        for line in (*group["parts"], group["total"]):
            assert all(line[name] for name in ("term", "formula", "rule", "source", "value"))
            assert all(entry["origin"] for entry in line["inputs"])


def test_explain_shows_the_call_of_the_stock_example() -> None:
    shown = run("explain", str(EXAMPLES / "stock.toml"))
    assert "-5720.00" in shown
    assert "DEFICIENCY" in shown
    assert "price of NVDA at 2026-11-25T20:00:00.000Z" in shown


def test_an_override_of_the_account_raises_its_requirement_and_changes_the_hash() -> None:
    ours = json.loads(run("explain", str(EXAMPLES / "stricter.toml"), "--json"))
    others = json.loads(run("explain", str(EXAMPLES / "stock.toml"), "--json"))
    assert ours["overrides"] == [{"entry": "long_rate", "value": "0.4", "else": "0.25"}]
    assert ours["rulebook_hash"] != others["rulebook_hash"]
    excess = [Decimal(b["groups"][-1]["total"]["value"]) for b in (ours, others)]
    # 0.15 x 500 x 342.40
    assert excess[1] - excess[0] == Decimal("25680.00")
    assert "own rule: long_rate 0.4" in run("explain", str(EXAMPLES / "stricter.toml"))


def test_explain_shows_the_collar_as_one_strategy() -> None:
    shown = run("explain", str(EXAMPLES / "collar.toml"))
    # min(9 + 10, 27.50) x 100 - 30 of net premium
    assert any("collar:" in line and "1870.00" in line for line in shown.splitlines())


def test_compare_adds_up_and_names_the_position() -> None:
    body = json.loads(run("compare", str(EXAMPLES / "collar.toml"), "--json"))
    (row, total) = body["classes"]
    assert (row["reg_t"], row["saving"]) == (total["reg_t"], total["saving"])
    assert Decimal(row["reg_t"]) - Decimal(row["portfolio_margin"]) == Decimal(row["saving"])
    assert row["made_by"] == "XYZ"


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('"-117000"', '"much"', "cash: a number expected"),
        ('"342.40"', "0", "price of NVDA: a number > 0 expected"),
        ('"margin"', '"house"', "account_type: one of"),
        ("20:00:00Z", "20:00:00", "as_of: a time"),
        ('kind = "stock"', 'kind = "bond"', "kind of NVDA: one of"),
        ('kind = "stock"', 'kind = "option"', "underlying"),
        ("[betas]", "[bets]", "found 'bets'"),
        ("[betas]", '[overrides]\nlong_rate = "0.20"\n[betas]', "must be >= 0.25, was 0.20"),
        ("[betas]", "[overrides]\nlong_rte = 1\n[betas]", "no entry of the rulebook"),
        ("[positions]", "[positions", "TOML or JSON expected"),
    ],
)
def test_bad_file_is_refused_in_one_line(tmp_path: Path, old: str, new: str, says: str) -> None:
    path = tmp_path / "bad.toml"
    path.write_text((EXAMPLES / "stock.toml").read_text().replace(old, new))
    with pytest.raises(UsageError) as found:
        read_account(path)
    assert says in str(found.value)
    assert "\n" not in str(found.value)
    assert found.value.exit_code == 2


def test_account_without_a_price_has_no_explanation(tmp_path: Path) -> None:
    path = tmp_path / "account.toml"
    text = (EXAMPLES / "stock.toml").read_text()
    path.write_text(text.replace('NVDA = "342.40"', 'KO = "60"'))
    error = CliRunner().invoke(cli, ["explain", str(path)]).exception
    assert isinstance(error, FindingError)
    assert "PRICE_MISSING:NVDA" in str(error)


def test_json_file_gives_the_same_account(tmp_path: Path) -> None:
    path = tmp_path / "stock.json"
    body = {
        "account_id": "STOCK", "account_type": "margin", "cash": "-117000",
        "as_of": "2026-11-25T20:00:00Z", "positions": {"NVDA": 500}, "prices": {"NVDA": 342.40},
        "betas": {"NVDA": 1.8}, "instruments": {"NVDA": {"kind": "stock"}},
    }  # fmt: skip
    path.write_text(json.dumps(body))
    assert read_account(path) == read_account(EXAMPLES / "stock.toml")


@pytest.mark.parametrize("name", ["explain", "compare"])
def test_account_of_a_system_that_does_not_run_is_refused(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    error = CliRunner().invoke(cli, [name, "ACC_DEMO_001"]).exception
    assert isinstance(error, NotRunningError)
    assert error.exit_code == 3
