"""The table of closures holds against an independent calendar; counting skips closed days."""

from datetime import date

import exchange_calendars
import pytest

from margin.errors import MarginError
from margin.nyse_calendar import (
    FIRST_DAY,
    LAST_DAY,
    add_business_days,
    business_days_between,
    is_business_day,
)


# The calendar reads its own table of closures in a way that its library calls outdated.
@pytest.mark.filterwarnings("ignore:Series.values returning")
def test_table_is_the_published_calendar_over_its_whole_range() -> None:
    calendar = exchange_calendars.get_calendar(
        "XNYS", start=FIRST_DAY.isoformat(), end=LAST_DAY.isoformat()
    )
    sessions = {session.date() for session in calendar.sessions}
    days = map(date.fromordinal, range(FIRST_DAY.toordinal(), LAST_DAY.toordinal() + 1))
    wrong = [day for day in days if is_business_day(day) != (day in sessions)]
    assert FIRST_DAY.year <= 2015
    assert LAST_DAY.year >= 2028
    assert wrong == []


@pytest.mark.parametrize("closed", ["2001-09-11", "2012-10-29", "2018-12-05", "2025-01-09"])
def test_special_closures_are_no_business_days(closed: str) -> None:
    assert not is_business_day(date.fromisoformat(closed))


@pytest.mark.parametrize(
    ("start", "days", "due"),
    [
        ("2026-04-02", 1, "2026-04-06"),
        ("2026-07-02", 1, "2026-07-06"),
        ("2026-12-24", 3, "2026-12-30"),
        ("2026-11-28", 0, "2026-11-30"),
        ("2026-11-28", 1, "2026-11-30"),
    ],
)
def test_business_days_skip_weekends_and_holidays(start: str, days: int, due: str) -> None:
    found = add_business_days(date.fromisoformat(start), days)
    assert found.isoformat() == due


def test_counting_and_adding_agree() -> None:
    start = date(2026, 11, 20)
    counted = [business_days_between(start, add_business_days(start, n)) for n in range(40)]
    assert counted == list(range(40))


def test_day_outside_the_table_names_the_range() -> None:
    with pytest.raises(MarginError, match=r"2000-01-01 to 2028-12-31 expected, was 2029-01-01"):
        add_business_days(date(2028, 12, 29), 1)
    with pytest.raises(MarginError, match=r">= 0 expected, was -1"):
        add_business_days(date(2026, 3, 2), -1)
