"""A scenario file says what is wrong with it, in one line, before anything is started."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from local import scenario
from local.errors import UsageError

SHIPPED = scenario.FOLDER / "nvda-selloff.toml"


def test_the_shipped_scenario_holds_the_falling_market_and_eight_accounts() -> None:
    found = scenario.load(SHIPPED)
    prices = [str(s.prices["NVDA"]) for s in found.steps if s.prices]
    assert prices[-6:] == ["400.00", "392.80", "385.60", "371.20", "356.80", "342.40"]
    assert len(found.accounts) == 8
    assert {name for name, _ in found.left_out} == {"ACC_HEDGED_004", "ACC_PM_008"}


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
