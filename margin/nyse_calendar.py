"""Business days of the New York Stock Exchange: the days it was closed, as a table."""

from datetime import date, timedelta

from margin.errors import MarginError

# Full-day closures on weekdays, with mourning, storms and the days of September 2001.
_CLOSED = """
2000 01-17 02-21 04-21 05-29 07-04 09-04 11-23 12-25
2001 01-01 01-15 02-19 04-13 05-28 07-04 09-03 09-11 09-12 09-13 09-14 11-22 12-25
2002 01-01 01-21 02-18 03-29 05-27 07-04 09-02 11-28 12-25
2003 01-01 01-20 02-17 04-18 05-26 07-04 09-01 11-27 12-25
2004 01-01 01-19 02-16 04-09 05-31 06-11 07-05 09-06 11-25 12-24
2005 01-17 02-21 03-25 05-30 07-04 09-05 11-24 12-26
2006 01-02 01-16 02-20 04-14 05-29 07-04 09-04 11-23 12-25
2007 01-01 01-02 01-15 02-19 04-06 05-28 07-04 09-03 11-22 12-25
2008 01-01 01-21 02-18 03-21 05-26 07-04 09-01 11-27 12-25
2009 01-01 01-19 02-16 04-10 05-25 07-03 09-07 11-26 12-25
2010 01-01 01-18 02-15 04-02 05-31 07-05 09-06 11-25 12-24
2011 01-17 02-21 04-22 05-30 07-04 09-05 11-24 12-26
2012 01-02 01-16 02-20 04-06 05-28 07-04 09-03 10-29 10-30 11-22 12-25
2013 01-01 01-21 02-18 03-29 05-27 07-04 09-02 11-28 12-25
2014 01-01 01-20 02-17 04-18 05-26 07-04 09-01 11-27 12-25
2015 01-01 01-19 02-16 04-03 05-25 07-03 09-07 11-26 12-25
2016 01-01 01-18 02-15 03-25 05-30 07-04 09-05 11-24 12-26
2017 01-02 01-16 02-20 04-14 05-29 07-04 09-04 11-23 12-25
2018 01-01 01-15 02-19 03-30 05-28 07-04 09-03 11-22 12-05 12-25
2019 01-01 01-21 02-18 04-19 05-27 07-04 09-02 11-28 12-25
2020 01-01 01-20 02-17 04-10 05-25 07-03 09-07 11-26 12-25
2021 01-01 01-18 02-15 04-02 05-31 07-05 09-06 11-25 12-24
2022 01-17 02-21 04-15 05-30 06-20 07-04 09-05 11-24 12-26
2023 01-02 01-16 02-20 04-07 05-29 06-19 07-04 09-04 11-23 12-25
2024 01-01 01-15 02-19 03-29 05-27 06-19 07-04 09-02 11-28 12-25
2025 01-01 01-09 01-20 02-17 04-18 05-26 06-19 07-04 09-01 11-27 12-25
2026 01-01 01-19 02-16 04-03 05-25 06-19 07-03 09-07 11-26 12-25
2027 01-01 01-18 02-15 03-26 05-31 06-18 07-05 09-06 11-25 12-24
2028 01-17 02-21 04-14 05-29 06-19 07-04 09-04 11-23 12-25
"""


def _parsed(table: str) -> dict[int, frozenset[date]]:
    years = (line.split() for line in table.split("\n") if line)
    return {
        int(year): frozenset(date.fromisoformat(f"{year}-{day}") for day in days)
        for year, *days in years
    }


_CLOSED_IN = _parsed(_CLOSED)
FIRST_DAY = date(min(_CLOSED_IN), 1, 1)
LAST_DAY = date(max(_CLOSED_IN), 12, 31)


def is_business_day(day: date) -> bool:
    """Whether the exchange trades on a day: a weekday that is no holiday and no closure.

    A day outside the table raises MarginError. Source: NYSE holidays; FINRA Rule 4210(f)(6).

    >>> is_business_day(date(2026, 11, 25)), is_business_day(date(2026, 11, 26))
    (True, False)
    """
    if day.year not in _CLOSED_IN:
        raise MarginError(f"a day from {FIRST_DAY} to {LAST_DAY} expected, was {day}")
    return day.weekday() < 5 and day not in _CLOSED_IN[day.year]


def add_business_days(day: date, days: int) -> date:
    """The business day that is `days` (>= 0) business days after a day; the day itself not counted.

    0 gives the day, or the next business day after a weekend or holiday. Outside the table, or
    less than 0: MarginError. Source: NYSE holidays; FINRA Rule 4210(f)(6).

    >>> add_business_days(date(2026, 11, 20), 5).isoformat()
    '2026-11-30'
    """
    if days < 0:
        raise MarginError(f"a number of business days >= 0 expected, was {days}")
    left = days
    while left > 0 or not is_business_day(day):
        day += timedelta(days=1)
        left -= is_business_day(day)
    return day


def business_days_between(start: date, end: date) -> int:
    """Business days after `start` up to and including `end`; 0 if `end` is not later.

    A day outside the table raises MarginError. Source: NYSE holidays; FINRA Rule 4210(g).

    >>> business_days_between(date(2026, 7, 2), date(2026, 7, 7))
    2
    """
    span = range(1, (end - start).days + 1)
    return sum(is_business_day(start + timedelta(days=n)) for n in span)
