"""What follows from intraday margin deficits: their dates, and the freeze of a practice of them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from margin.intraday import minor_threshold
from margin.nyse_calendar import add_business_days
from margin.portfolio import AccountType
from margin.rulebook import Rulebook


@dataclass(frozen=True, slots=True, kw_only=True)
class Deficit:
    """A deficit of one day, with the account's equity, USD; `satisfied_on` None: not yet."""

    on: date
    amount_usd: Decimal
    equity_usd: Decimal
    satisfied_on: date | None = None
    extraordinary: bool = False


@dataclass(frozen=True, slots=True)
class DeficitDates:
    """Fifth and fifteenth business day of a deficit, and the end of the freeze."""

    fifth_day: date
    fifteenth_day: date
    freeze_until: date


@dataclass(frozen=True, slots=True)
class Freeze:
    """No new or larger short position or debit, from the first to the last day, both included."""

    first_day: date
    last_day: date


def deficit_dates(on: date, rulebook: Rulebook) -> DeficitDates:
    """The dates of a deficit of a day; outside the calendar MarginError.

    Source: FINRA Rule 4210(d)(2); Regulatory Notice 26-10.

    >>> from margin.rulebook import REFERENCE
    >>> dates = deficit_dates(date(2026, 6, 4), REFERENCE)
    >>> [str(day) for day in (dates.fifth_day, dates.fifteenth_day, dates.freeze_until)]
    ['2026-06-11', '2026-06-26', '2026-09-09']
    """
    fifth_day = add_business_days(on, rulebook.intraday_deadline_days.value)
    return DeficitDates(
        fifth_day=fifth_day,
        fifteenth_day=add_business_days(on, rulebook.intraday_outer_days.value),
        freeze_until=fifth_day + timedelta(days=rulebook.intraday_freeze_days.value),
    )


def counts(deficit: Deficit, rulebook: Rulebook) -> bool:
    """Whether a deficit (USD) counts: above the minor threshold, in ordinary circumstances.

    Source: FINRA Rule 4210(d)(2).

    >>> from margin.rulebook import REFERENCE
    >>> counts(Deficit(on=date(2026, 6, 4), amount_usd=Decimal(1000), equity_usd=Decimal(50000)),
    ...        REFERENCE)
    False
    """
    minor_usd = minor_threshold(deficit.equity_usd, rulebook)
    return deficit.amount_usd > minor_usd and not deficit.extraordinary


def freeze_of(
    deficits: Iterable[Deficit],
    account_type: AccountType,
    rulebook: Rulebook,
) -> Freeze | None:
    """The latest freeze that deficits (USD) bring, or None.

    A practice of counted deficits, one of them not satisfied at the close of its fifth business
    day: from that day for 90 calendar days, or until it is satisfied. Only for margin accounts.
    Source: FINRA Rule 4210(d)(2).

    >>> from margin.rulebook import REFERENCE
    >>> deficit = Deficit(on=date(2026, 6, 4), amount_usd=Decimal(5000), equity_usd=Decimal(20000))
    >>> freeze_of([deficit], AccountType.MARGIN, REFERENCE) is None
    True
    >>> str(freeze_of([deficit, deficit], AccountType.MARGIN, REFERENCE).last_day)
    '2026-09-09'
    """
    counted = [deficit for deficit in deficits if counts(deficit, rulebook)]
    practice = rulebook.intraday_practice_deficits.value
    if account_type is not AccountType.MARGIN or len(counted) < practice:
        return None
    found = [freeze for d in counted if (freeze := _freeze(d, rulebook)) is not None]
    return max(found, key=lambda freeze: freeze.last_day, default=None)


def _freeze(deficit: Deficit, rulebook: Rulebook) -> Freeze | None:
    dates = deficit_dates(deficit.on, rulebook)
    if deficit.satisfied_on is None:
        return Freeze(dates.fifth_day, dates.freeze_until)
    if deficit.satisfied_on <= dates.fifth_day:
        return None
    return Freeze(dates.fifth_day, min(dates.freeze_until, deficit.satisfied_on))
