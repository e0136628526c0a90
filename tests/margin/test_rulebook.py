"""The rulebook: each entry has a source, and the hash moves with every one of them."""

from dataclasses import replace
from decimal import Decimal

import pytest

from margin.errors import RulebookError
from margin.rulebook import REFERENCE, Entry, LadderPolicy, rulebook_hash


@pytest.mark.parametrize("name", [name for name, _ in REFERENCE.entries()])
def test_entry_says_its_unit_and_its_source(name: str) -> None:
    entry = dict(REFERENCE.entries())[name]
    assert entry.unit
    assert entry.source


@pytest.mark.parametrize(
    "entry",
    [
        pytest.param(Entry(Decimal("0.26"), "rate", "FINRA Rule 4210(c)(1)"), id="value"),
        pytest.param(Entry(Decimal("0.25"), "fraction", "FINRA Rule 4210(c)(1)"), id="unit"),
        pytest.param(Entry(Decimal("0.25"), "rate", "house"), id="source"),
    ],
)
def test_hash_moves_with_every_part_of_an_entry(entry: Entry[Decimal]) -> None:
    assert rulebook_hash(replace(REFERENCE, long_rate=entry)) != rulebook_hash(REFERENCE)


def test_hash_is_of_the_value_and_not_of_its_spelling() -> None:
    same = Entry(Decimal("0.2500"), REFERENCE.long_rate.unit, REFERENCE.long_rate.source)
    assert rulebook_hash(replace(REFERENCE, long_rate=same)) == rulebook_hash(REFERENCE)


def test_negative_rate_is_refused() -> None:
    with pytest.raises(RulebookError, match=r"long_rate must be >= 0, was -0\.25"):
        replace(REFERENCE, long_rate=Entry(Decimal("-0.25"), "rate", "test"))


def test_stress_without_a_severe_move_is_refused() -> None:
    with pytest.raises(RulebookError, match="severe move"):
        replace(REFERENCE, stress_moves=Entry((Decimal("0.02"),), "move of SPY", "test"))


@pytest.mark.parametrize("speed", ["0", "-1"])
def test_speed_of_zero_or_less_is_refused(speed: str) -> None:
    with pytest.raises(RulebookError, match="speed must be > 0"):
        LadderPolicy().scaled(Decimal(speed))
