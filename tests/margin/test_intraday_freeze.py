"""A practice of deficits, one not satisfied in five business days, freezes the account."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from margin.intraday_freeze import Deficit, Freeze, counts, freeze_of
from margin.portfolio import AccountType
from margin.rulebook import REFERENCE, REFERENCE_ON, REFERENCE_TEXT
from margin.rulebook_file import parse_rulebook

OPEN = Deficit(on=date(2026, 6, 4), amount_usd=Decimal(5000), equity_usd=Decimal(20000))
PAID = replace(OPEN, satisfied_on=date(2026, 6, 5))
FIFTH = date(2026, 6, 11)


@pytest.mark.parametrize(
    ("amount", "counted"), [("999.99", False), ("1000", False), ("1000.01", True)]
)
def test_minor_deficit_does_not_count(amount: str, counted: bool) -> None:
    deficit = replace(OPEN, amount_usd=Decimal(amount))
    assert counts(deficit, REFERENCE) is counted
    assert not counts(replace(deficit, extraordinary=True), REFERENCE)


@pytest.mark.parametrize(
    ("satisfied", "last"),
    [("2026-06-11", None), ("2026-06-12", "2026-06-12"), (None, "2026-09-09")],
)
def test_freeze_from_the_fifth_day_until_satisfied(satisfied: str | None, last: str | None) -> None:
    on = None if satisfied is None else date.fromisoformat(satisfied)
    found = freeze_of([PAID, replace(OPEN, satisfied_on=on)], AccountType.MARGIN, REFERENCE)
    assert found == (None if last is None else Freeze(FIFTH, date.fromisoformat(last)))


def test_single_deficit_is_no_practice_and_other_accounts_are_exempt() -> None:
    assert freeze_of([OPEN], AccountType.MARGIN, REFERENCE) is None
    own = parse_rulebook(REFERENCE_TEXT, REFERENCE_ON, {"intraday_practice_deficits": "1"})
    assert freeze_of([OPEN], AccountType.MARGIN, own) is not None
    assert freeze_of([OPEN, OPEN], AccountType.PORTFOLIO_MARGIN, REFERENCE) is None
