"""The rulebook as data: what is in force on a day, and what a file may not say."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from margin.errors import RulebookError
from margin.rulebook import (
    REFERENCE,
    REFERENCE_ON,
    REFERENCE_TEXT,
    Entry,
    changes,
    rulebook_hash,
    value_text,
)
from margin.rulebook_file import Period, Stricter, parse_rulebook, sections
from margin.rulebook_values import TYPES

LONG = 'long_rate = { value = "0.25", unit = "rate", source = "FINRA Rule 4210(c)(1)"'
EARLIER = '{ value = "0.2", unit = "rate", source = "House policy", until = 2020-01-01 }'


def with_long_rate(line: str) -> str:
    """The packaged file with another text for its first entry."""
    found = next(text for text in REFERENCE_TEXT.splitlines() if text.startswith("long_rate ="))
    return REFERENCE_TEXT.replace(found, line)


def periods(*rows: str) -> str:
    return with_long_rate(f"long_rate = [{', '.join(rows)}]")


def later(bounds: str) -> str:
    return f'{{ value = "0.25", unit = "rate", source = "House policy"{bounds} }}'


def test_every_entry_is_in_the_file_once() -> None:
    names = [name for part in sections(REFERENCE_TEXT).values() for name in part]
    assert names == [name for name, _ in REFERENCE.entries()]


@pytest.mark.parametrize(
    ("on", "business_days"),
    [("2017-09-05", 4), ("2024-05-27", 4), ("2024-05-28", 3), ("2026-11-25", 3)],
)
def test_payment_period_is_the_one_of_the_day(on: str, business_days: int) -> None:
    found = parse_rulebook(REFERENCE_TEXT, date.fromisoformat(on))
    assert found.due_reg_t_call.value == business_days


@pytest.mark.parametrize(
    ("on", "usd", "source"),
    [
        ("2026-06-03", 25000, "FINRA Rule 4210(f)(8)(B)"),
        ("2026-06-04", 25000, "FINRA Regulatory Notice 26-10: permitted until the firm phases in"),
        ("2027-10-20", 25000, "FINRA Regulatory Notice 26-10: permitted until the firm phases in"),
        ("2027-10-21", 0, "FINRA Regulatory Notice 26-10: no longer a rule"),
    ],
)
def test_day_trader_floor_ends_with_the_phase_in(on: str, usd: int, source: str) -> None:
    found = parse_rulebook(REFERENCE_TEXT, date.fromisoformat(on)).pdt_minimum_equity
    assert (found.value, found.source) == (Decimal(usd), source)


def test_before_the_first_period_there_is_no_rulebook() -> None:
    wanted = r"due_reg_t_call has no value on 2017-09-04, only from 2017-09-05 until further notice"
    with pytest.raises(RulebookError, match=wanted):
        parse_rulebook(REFERENCE_TEXT, date(2017, 9, 4))


def test_after_the_last_period_there_is_no_rulebook() -> None:
    with pytest.raises(RulebookError, match="only from ever until 2026-01-01"):
        parse_rulebook(with_long_rate(f"{LONG}, until = 2026-01-01 }}"), REFERENCE_ON)


@given(st.dates(date(2017, 9, 5), date(2100, 1, 1)))
def test_every_later_day_has_one_period_of_every_entry(on: date) -> None:
    for part in sections(REFERENCE_TEXT).values():
        for found in part.values():
            assert sum(period.covers(on) for period in found) == 1


def test_periods_may_stand_in_any_order() -> None:
    text = periods(later(", from = 2020-01-01"), EARLIER)
    assert parse_rulebook(text, date(2019, 12, 31)).long_rate.value == Decimal("0.2")
    assert parse_rulebook(text, date(2020, 1, 1)).long_rate.value == Decimal("0.25")


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("", "every entry, long_rate is missing"),
        (f"{LONG} }}\nlong_rat = 1", "long_rat is no entry of the rulebook; nearest: long_rate"),
        ("long_rate = 0.25", "long_rate must be a table with value, unit and source, was 0.25"),
        (LONG.replace('"0.25"', "0.25") + " }", r"a decimal as text, like .*, was 0\.25 \(float"),
        (LONG.replace('"0.25"', "1") + " }", r"a decimal as text, like .*, was 1 \(int\)"),
        (LONG.replace("0.25", "NaN") + " }", "a decimal as text, like .*, was 'NaN'"),
        (LONG.replace("0.25", "Infinity") + " }", "a decimal as text, like .*, was 'Infinity'"),
        (LONG.replace("0.25", "1e3") + " }", "a decimal as text, like .*, was '1e3'"),
        (LONG.replace("0.25", "-0.25") + " }", r"long_rate must be >= 0, was -0\.25"),
        (LONG.replace("FINRA Rule", "A blog on") + " }", "source must begin with one of FINRA"),
        (LONG.replace("FINRA Rule 4210(c)(1)", " ") + " }", "source must be text, was ' '"),
        (LONG.replace('unit = "rate", ', "") + " }", "unit must be text, was None"),
        (LONG.replace('value = "0.25", ', "") + " }", "long_rate must have a value, found none"),
        (f'{LONG}, form = "x" }}', "no field but .*, found form"),
        (f'{LONG}, stricter = "up" }}', "stricter must be higher or lower.*, was 'up'"),
        (f'{LONG}, from = "2020" }}', "`from` must be a date, was '2020'"),
        (f"{LONG}, from = 2020-01-01T00:00:00 }}", "`from` must be a date"),
        (f"{LONG}, from = 2020-01-02, until = 2020-01-02 }}", "must begin before it ends"),
        ("long_rate = []", "long_rate must have a period, found none"),
        (f"{LONG} }}\n[More]\n{LONG} }}", "long_rate must be in one section, found again in More"),
        (f"{LONG} }}\n{LONG} }}", "rulebook must be TOML"),
    ],
)
def test_fault_in_the_file_is_named(line: str, wanted: str) -> None:
    with pytest.raises(RulebookError, match=wanted):
        parse_rulebook(with_long_rate(line), REFERENCE_ON)


@pytest.mark.parametrize(
    ("bounds", "wanted"),
    [
        (", from = 2020-01-02", "long_rate has a gap from 2020-01-01 to 2020-01-02"),
        (", from = 2019-12-31", "one value a day, two overlap on 2019-12-31"),
        ("", "one value a day, two overlap on the first day"),
        (", until = 2030-01-01", "one value a day, two overlap on the first day"),
    ],
)
def test_days_with_two_values_or_none_are_refused(bounds: str, wanted: str) -> None:
    with pytest.raises(RulebookError, match=wanted):
        parse_rulebook(periods(EARLIER, later(bounds)), REFERENCE_ON)


@pytest.mark.parametrize(
    ("old", "new", "wanted"),
    [
        ('["3", "0.02"]', '["1", "0.02"]', "treasury_rates must have limits that rise"),
        ('["3", "0.02"]', '["more", "0.02"]', "treasury_rates must have limits that rise"),
        ('["3", "0.02"]', '["3"]', "treasury_rates must be lists of 2"),
        ('["3", "0.02"]', '["3", "-0.02"]', "treasury_rates must be >= 0"),
        ('["broad_etf"]', '["bond"]', "concentration_exempt must be some of stock, .*'bond'"),
        ('"0.90", "INDEX"', '"1.90", "INDEX"', "product_group_offsets must have offsets from 0"),
        ("value = 2026-06-04", 'value = "2026-06-04"', "intraday_effective_on must be a date"),
        ("value = 2026-06-04", "value = 2026-06-04T09:30:00", "effective_on must be a date"),
        ("value = 90, ", "value = true, ", "intraday_freeze_days must be a whole number, was True"),
        ("value = 90, ", "value = -1, ", "intraday_freeze_days must be >= 0, was -1"),
        ('"-0.06"', '"nan"', "stress_moves must be a decimal"),
    ],
)
def test_fault_in_a_list_a_date_or_a_count_is_named(old: str, new: str, wanted: str) -> None:
    assert old in REFERENCE_TEXT
    with pytest.raises(RulebookError, match=wanted):
        parse_rulebook(REFERENCE_TEXT.replace(old, new, 1), REFERENCE_ON)


# ---- one account's own values


def test_a_stricter_value_of_an_account_becomes_house_policy() -> None:
    found = parse_rulebook(REFERENCE_TEXT, REFERENCE_ON, {"long_rate": "0.40"})
    (change,) = changes(REFERENCE, found)
    assert (change.name, change.after.value) == ("long_rate", Decimal("0.40"))
    assert change.after.source.startswith("House policy for the account")
    assert rulebook_hash(found) != rulebook_hash(REFERENCE)


def test_the_same_value_changes_nothing() -> None:
    found = parse_rulebook(REFERENCE_TEXT, REFERENCE_ON, {"long_rate": "0.250"})
    assert found == REFERENCE


def test_a_shorter_deadline_is_stricter() -> None:
    found = parse_rulebook(REFERENCE_TEXT, REFERENCE_ON, {"due_maintenance_call": "1"})
    assert found.due_maintenance_call.value == 1


@pytest.mark.parametrize(
    ("name", "value", "wanted"),
    [
        ("long_rate", "0.24", r"long_rate of an account must be >= 0\.25, was 0\.24"),
        ("concentration_above", "0.31", r"concentration_above of an account must be <= 0\.30"),
        ("due_maintenance_call", "4", "due_maintenance_call of an account must be <= 3, was 4"),
        ("long_rate", "NaN", "long_rate must be a decimal as text"),
        ("long_rate", "-1", "long_rate must be >= 0"),
        ("due_maintenance_call", "1.5", r"due_maintenance_call must be a whole number, was '1\.5'"),
        ("stress_moves", "0.1", "stress_moves cannot be overridden for an account"),
        ("risk_free_rate", "0.05", "risk_free_rate cannot be overridden for an account"),
        ("short_rte", "1", "short_rte is no entry of the rulebook; nearest: short_rate"),
    ],
)
def test_a_milder_or_impossible_value_of_an_account_is_refused(
    name: str, value: str, wanted: str
) -> None:
    with pytest.raises(RulebookError, match=wanted):
        parse_rulebook(REFERENCE_TEXT, REFERENCE_ON, {name: value})


@given(st.sampled_from(sorted(TYPES)), st.decimals(0, 1000, places=2))
def test_no_override_is_ever_milder(name: str, value: Decimal) -> None:
    text = str(int(value)) if TYPES[name] is int else str(value)
    try:
        found = parse_rulebook(REFERENCE_TEXT, REFERENCE_ON, {name: text})
    except RulebookError:
        return
    current = [p for p in _periods_of(name) if p.covers(REFERENCE_ON)]
    before, after = current[0].entry.value, dict(found.entries())[name].value
    assert isinstance(before, Decimal | int)
    assert isinstance(after, Decimal | int)
    assert after >= before if current[0].stricter is Stricter.HIGHER else after <= before


def _periods_of(name: str) -> tuple[Period, ...]:
    return next(part[name] for part in sections(REFERENCE_TEXT).values() if name in part)


# ---- differences


def test_rulebooks_of_two_days_differ_in_what_changed_between() -> None:
    first, second = (
        parse_rulebook(REFERENCE_TEXT, date(2024, 5, 28) - timedelta(days)) for days in (1, 0)
    )
    (change,) = changes(first, second)
    assert (change.name, change.before.value, change.after.value) == ("due_reg_t_call", 4, 3)


@pytest.mark.parametrize(
    "entry",
    [
        pytest.param(Entry(Decimal("0.26"), "rate", "FINRA Rule 4210(c)(1)"), id="value"),
        pytest.param(Entry(Decimal("0.25"), "fraction", "FINRA Rule 4210(c)(1)"), id="unit"),
        pytest.param(Entry(Decimal("0.25"), "rate", "House policy"), id="source"),
    ],
)
def test_a_difference_in_any_part_of_an_entry_is_found(entry: Entry[Decimal]) -> None:
    (change,) = changes(REFERENCE, replace(REFERENCE, long_rate=entry))
    assert (change.name, change.before, change.after) == ("long_rate", REFERENCE.long_rate, entry)


def test_a_value_spelled_otherwise_is_no_difference() -> None:
    same = Entry(Decimal("0.2500"), REFERENCE.long_rate.unit, REFERENCE.long_rate.source)
    assert changes(REFERENCE, replace(REFERENCE, long_rate=same)) == ()


def test_tiers_with_other_pairs_have_another_text() -> None:
    one = ((Decimal(1), Decimal(2)), (Decimal(3), Decimal(4)))
    other = (Decimal(1), Decimal(2), Decimal(3), Decimal(4))
    assert value_text(one) == "1:2 3:4" != value_text(other)
