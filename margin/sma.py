"""Special memorandum account: a high-water line of Regulation T credit, day by day."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import time
from decimal import Decimal

from margin.errors import MarginError
from margin.money import ZERO
from margin.rulebook import Rulebook


@dataclass(frozen=True, slots=True, kw_only=True)
class SmaDay:
    """One day, USD: cash in (+) or out (-), Reg T of its trades (sales -), values at its end.

    `equity_usd` is equity with loan value, `reg_t_usd` the Regulation T margin of all positions.
    """

    cash_change_usd: Decimal = ZERO
    trades_reg_t_usd: Decimal = ZERO
    equity_usd: Decimal
    reg_t_usd: Decimal


def sma_after(prior_usd: Decimal, day: SmaDay) -> Decimal:
    """SMA at the end of a day, USD, signed; below 0 is a violation.

    The greater of the prior SMA with the day's cash and trades, and equity above the Regulation T
    margin. Source: 12 CFR 220.5.

    >>> sma_after(Decimal(12500), SmaDay(trades_reg_t_usd=Decimal(15000),
    ...                                  equity_usd=Decimal(12500), reg_t_usd=Decimal(15000)))
    Decimal('-2500')
    """
    carried_usd = prior_usd + day.cash_change_usd - day.trades_reg_t_usd
    return max(carried_usd, day.equity_usd - day.reg_t_usd)


def sma_history(start_usd: Decimal, days: Iterable[SmaDay]) -> tuple[Decimal, ...]:
    """SMA at the end of each day, USD, signed: a fall in value alone never lowers it.

    Source: 12 CFR 220.5.

    >>> fall = SmaDay(equity_usd=Decimal(27000), reg_t_usd=Decimal(26000))
    >>> [str(sma) for sma in sma_history(Decimal(5000), [fall, fall])]
    ['5000', '5000']
    """
    found: list[Decimal] = []
    sma_usd = start_usd
    for day in days:
        sma_usd = sma_after(sma_usd, day)
        found.append(sma_usd)
    return tuple(found)


def standing_credit(equity_usd: Decimal, reg_t_usd: Decimal) -> Decimal:
    """Equity above the Regulation T margin, USD, never negative.

    Source: 12 CFR 220.5.

    >>> standing_credit(Decimal(35000), Decimal(30000)), standing_credit(Decimal(1), Decimal(2))
    (Decimal('5000'), Decimal('0'))
    """
    return max(ZERO, equity_usd - reg_t_usd)


def is_violation(sma_usd: Decimal) -> bool:
    """Whether an SMA (USD, signed) breaks Regulation T: strictly below 0.

    Source: 12 CFR 220.5.

    >>> is_violation(Decimal(0)), is_violation(Decimal("-0.01"))
    (False, True)
    """
    return sma_usd < 0


def is_violation_at(time_et: time, sma_usd: Decimal, rulebook: Rulebook) -> bool:
    """Whether a check at a time of day (New York) finds an SMA (USD, signed) below 0.

    The broker looks only from 15:50 to 17:20, both included, to the minute; the window is in the
    rulebook. A window that is no time of day raises MarginError.
    Source: 12 CFR 220.5; IBKR as published.

    >>> from margin.rulebook import REFERENCE
    >>> [is_violation_at(time(15, minute), Decimal(-1), REFERENCE) for minute in (49, 50)]
    [False, True]
    """
    first, last = (_time_of(t.value) for t in (rulebook.sma_check_from, rulebook.sma_check_to))
    minute = time_et.replace(second=0, microsecond=0)
    return first <= minute <= last and is_violation(sma_usd)


def _time_of(text: str) -> time:
    try:
        return time.fromisoformat(text)
    except ValueError:
        raise MarginError(f"a time of day as HH:MM expected, was {text!r}") from None


def max_withdrawal(sma_usd: Decimal, house_excess_usd: Decimal) -> Decimal:
    """Cash that may leave the account, USD, never negative: the lesser of SMA and house excess.

    Source: 12 CFR 220.5; FINRA Rule 4210(d).

    >>> max_withdrawal(Decimal(17000), Decimal(52100)), max_withdrawal(Decimal(9), Decimal(-1))
    (Decimal('17000'), Decimal('0'))
    """
    return max(ZERO, min(sma_usd, house_excess_usd))


def is_usable(house_excess_usd: Decimal) -> bool:
    """Whether SMA may be used: only while the maintenance requirement is met (excess USD >= 0).

    SMA never meets a maintenance call itself. Source: 12 CFR 220.5; FINRA Rule 4210(c).

    >>> is_usable(Decimal(0)), is_usable(Decimal("-0.01"))
    (True, False)
    """
    return house_excess_usd >= 0
