"""When each kind of call is due: business days after the day of the call."""

from collections.abc import Callable
from datetime import date
from enum import StrEnum

from margin.nyse_calendar import add_business_days
from margin.rulebook import Entry, Rulebook

# From this trade date a trade settles one business day later, before it two.
SETTLES_NEXT_DAY_FROM = date(2024, 5, 28)
PAYMENT_DAYS_AFTER_SETTLEMENT = 2


class Call(StrEnum):
    """Kinds of call, each with its own clock."""

    REG_T_CALL = "reg_t_call"
    MAINTENANCE_CALL = "maintenance_call"
    FINRA_MAINTENANCE_OUTER_LIMIT = "finra_maintenance_outer_limit"
    CASH_CALL = "cash_call"
    DAY_TRADE_CALL = "day_trade_call"
    PM_HOUSE_CALL = "pm_house_call"
    PM_MINIMUM_EQUITY_150K = "pm_minimum_equity_150k"
    PORTFOLIO_MARGIN_DEFICIENCY = "portfolio_margin_deficiency"
    LEVERAGE_EXPOSURE = "leverage_exposure"


_DAYS: dict[Call, Callable[[Rulebook], Entry[int]]] = {
    Call.REG_T_CALL: lambda r: r.due_reg_t_call,
    Call.MAINTENANCE_CALL: lambda r: r.due_maintenance_call,
    Call.FINRA_MAINTENANCE_OUTER_LIMIT: lambda r: r.due_finra_maintenance_outer_limit,
    Call.CASH_CALL: lambda r: r.due_cash_call,
    Call.DAY_TRADE_CALL: lambda r: r.due_day_trade_call,
    Call.PM_HOUSE_CALL: lambda r: r.due_pm_house_call,
    Call.PM_MINIMUM_EQUITY_150K: lambda r: r.due_pm_minimum_equity_150k,
    Call.PORTFOLIO_MARGIN_DEFICIENCY: lambda r: r.due_portfolio_margin_deficiency,
    Call.LEVERAGE_EXPOSURE: lambda r: r.due_leverage_exposure,
}


def business_days(call: Call, rulebook: Rulebook) -> int:
    """Business days that a call stays open, >= 0.

    Source: FINRA Rule 4210(f)(6), (g); 12 CFR 220.2; brokers as published.

    >>> from margin.rulebook import REFERENCE
    >>> business_days(Call.FINRA_MAINTENANCE_OUTER_LIMIT, REFERENCE)
    15
    """
    return _DAYS[call](rulebook).value


def due_date(call: Call, called_on: date, rulebook: Rulebook) -> date:
    """Last day to meet a call: the nth business day after the day of the call.

    A day outside the calendar raises MarginError.
    Source: FINRA Rule 4210(f)(6), (g); 12 CFR 220.2; brokers as published.

    >>> from margin.rulebook import REFERENCE
    >>> due_date(Call.REG_T_CALL, date(2026, 3, 2), REFERENCE).isoformat()
    '2026-03-05'
    """
    return add_business_days(called_on, business_days(call, rulebook))


def settlement_days(traded_on: date) -> int:
    """Business days from trade to settlement: 1 since 28 May 2024, 2 before.

    Source: 12 CFR 220.2 (settlement cycle of 17 CFR 240.15c6-1).

    >>> settlement_days(date(2024, 5, 24)), settlement_days(date(2024, 5, 28))
    (2, 1)
    """
    return 1 if traded_on >= SETTLES_NEXT_DAY_FROM else 2


def payment_due(traded_on: date) -> date:
    """End of the payment period of a trade: the settlement cycle and two business days.

    A day outside the calendar raises MarginError. Source: 12 CFR 220.2.

    >>> payment_due(date(2026, 3, 2)).isoformat(), payment_due(date(2024, 3, 4)).isoformat()
    ('2026-03-05', '2024-03-08')
    """
    return add_business_days(traded_on, settlement_days(traded_on) + PAYMENT_DAYS_AFTER_SETTLEMENT)
