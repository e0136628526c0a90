"""A scenario file says what is wrong with it, in one line, before anything is started."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest
from support.pages import ROOT
from support.played import HEDGED, PM, played

from local import scenario
from local.errors import UsageError

SHIPPED = scenario.FOLDER / "nvda-selloff.toml"
CASE = ROOT / "tests" / "cases" / "demo_scenario.json"


def test_the_shipped_scenario_holds_the_falling_market_and_ten_accounts() -> None:
    found = scenario.load(SHIPPED)
    prices = [str(s.prices["NVDA"]) for s in found.steps if s.prices]
    assert prices[-6:] == ["400.00", "392.80", "385.60", "371.20", "356.80", "342.40"]
    assert len(found.accounts) == 10
    assert found.left_out == ()


ACCOUNTS = {a["account"]: a for a in json.loads(CASE.read_text())["accounts"]}


@pytest.mark.parametrize("account_id", [HEDGED, PM])
def test_the_expected_figures_of_options_are_those_of_the_rules_and_of_the_worked_case(
    account_id: str,
) -> None:
    worked = {row["time"]: row for row in ACCOUNTS[account_id]["rows"]}
    near = Decimal(str(ACCOUNTS[account_id]["tolerance"]["rel"]))
    account = next(a for a in scenario.load(SHIPPED).accounts if a.account_id == account_id)
    assert [f.at for f in account.figures] == list(worked)
    for figures in account.figures:
        a = played(account_id, figures.at).assessed()
        assert figures.usd == {
            "equity": a.equity_usd,
            "requirement": a.requirement_usd,
            "excess": a.excess_usd,
        }
        row = worked[figures.at]
        for name, key in (("equity", "net_liquidation"), ("requirement", "pm_requirement")):
            wanted = Decimal(str(row[key]))
            assert abs(figures.usd[name] - wanted) <= near * wanted, (figures.at, name)
        points = [Decimal(str(p)) for p in row["pm_scenarios"]]
        (risk,) = a.tims
        for seen, wanted in zip(risk.points, points, strict=True):
            assert abs(seen - wanted) <= near * abs(wanted)


def test_marks_follow_their_underlying_and_the_opening_trades_are_made_at_them() -> None:
    found = scenario.load(SHIPPED)
    opened = next(s for s in found.steps if s.at == "08:30").prices
    options = {s.name: s.series for s in found.symbols if s.series is not None}
    assert len(options) == 3
    for step in found.steps:
        assert (options.keys() <= step.prices.keys()) == ("NVDA" in step.prices), step.at
    trades = [t for s in found.steps for t in s.fills if t.symbol in options]
    assert {t.price_usd for t in trades} == {opened[name] for name in options}
    assert {t.multiplier for t in trades} == {100}


def test_a_given_price_of_an_option_is_no_mark(tmp_path: Path) -> None:
    text = SHIPPED.read_text()
    path = tmp_path / "given.toml"
    given = 'NVDA = "468.00", NVDA-C440-60D = "50" }'
    path.write_text(text.replace('NVDA = "468.00" }', given))
    prices = next(s for s in scenario.load(path).steps if s.at == "09:10").prices
    assert prices["NVDA-C440-60D"] == 50
    assert prices["NVDA-P360-60D"] == Decimal("2.3223")


@pytest.mark.parametrize("name", ["SPY", "NVDA", "JNJ", "PG", "KO", "JPM"])
@pytest.mark.parametrize(
    ("at", "move"),
    [
        ("10:00", "-0.01"),
        ("10:30", "-0.02"),
        ("11:30", "-0.04"),
        ("13:00", "-0.06"),
        ("13:20", "-0.08"),
    ],
)
def test_each_price_follows_from_its_beta(name: str, at: str, move: str) -> None:
    found = scenario.load(SHIPPED)
    beta = next(s.beta for s in found.symbols if s.name == name)
    prices = {s.at: s.prices for s in found.steps}
    assert beta is not None
    expected = prices["08:30"][name] * (1 + beta * Decimal(move))
    assert prices[at][name] == expected


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('event = "WARNING"', 'event = "WARNED"', "expected an event of"),
        ('at = "10:30"', 'at = "10.30"', "expected a time"),
        ('NVDA = "385.60"', "NVDA = 385.60", "decimal in quotes"),
        ('NVDA = "385.60"', 'NVDA = "385.60001"', "at most four decimals"),
        ('NVDA = "385.60"', 'NVDB = "385.60"', "expected a declared symbol, found NVDB"),
        ('account = "ACC_CASH_009", amount', 'account = "ACC_X", amount', "found ACC_X"),
        ('at = "11:30"\ntitle', 'at = "10:15"\ntitle', "ascending order"),
        ('kind = "broad_etf"', 'kind = "fund"', "expected one of stock, etf, broad_etf"),
        ('stress_mode = "immediate"', 'stress_mode = "now"', "expected one of ladder, immediate"),
        ('speed = "90"', 'speed = "0"', "expected a speed above 0"),
        ('strike = "380"', 'strike = "-1"', "strike: expected a decimal above 0"),
        (
            'vol = "0.45" }\nNVDA-P360',
            "vol = 0.45 }\nNVDA-P360",
            "vol: expected a decimal in quotes",
        ),
        ('right = "C"', 'right = "X"', "expected one of C, P"),
        ('strike = "440", days = 60', 'strike = "440", days = "60"', "days: expected a number"),
        (
            'underlying = "NVDA", right = "C"',
            'underlying = "NVDB", right = "C"',
            "expected a declared underlying, found NVDB",
        ),
        (
            'at = "13:20", equity = "105086.30"',
            'at = "13:25", equity = "105086.30"',
            "ACC_HEDGED_004: expected a declared step, found 13:25",
        ),
        ('equity = "105086.30", ', "", "an entry is missing"),
        ("[symbols]", "[symbols", "expected a TOML file"),
        ('name = "nvda-selloff"', "", "an entry is missing"),
    ],
)
def test_a_wrong_entry_is_named(tmp_path: Path, old: str, new: str, said: str) -> None:
    text = SHIPPED.read_text()
    assert old in text
    path = tmp_path / "wrong.toml"
    path.write_text(text.replace(old, new))
    with pytest.raises(UsageError, match=said) as raised:
        scenario.load(path)
    assert str(path) in str(raised.value)


def test_an_unknown_scenario_names_those_there_are() -> None:
    with pytest.raises(UsageError, match="nvda-selloff"):
        scenario.find("nvda-sellof")


@pytest.mark.parametrize("text", ["-1", "0", "601", "nan", "fast", ""])
def test_a_speed_out_of_bounds_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="expected a speed"):
        scenario.speed(text)
