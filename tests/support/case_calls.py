"""Worked cases of SMA, of calls and their deadlines, of intraday margin and of records."""

from dataclasses import replace
from datetime import date, time
from decimal import Decimal

from support.case_values import Object, Runner, Value, dec, items, text

from margin import reg_t, retention, sma
from margin.buying_power import buying_power
from margin.deadlines import Call, business_days, due_date
from margin.intraday import (
    CashMove,
    Event,
    IntradayBook,
    Mark,
    Trade,
    intraday_margin_deficit,
    minor_threshold,
)
from margin.intraday_freeze import deficit_dates
from margin.intraday_regime import regime_on, regime_text
from margin.money import ZERO, half_up
from margin.nyse_calendar import add_business_days
from margin.rulebook import REFERENCE, Entry
from margin.strikes import consequence

SYMBOL = "X"


def day(value: Value) -> date:
    return date.fromisoformat(text(value))


def sma_case(inputs: Object) -> Object:
    if "prior_sma" in inputs:
        return sma_of_day(inputs)
    if "market_value_to" in inputs:
        return high_water(inputs)
    return withdrawal(inputs) if "house_rate" in inputs else standing(inputs)


def sma_of_day(inputs: Object) -> Object:
    after = sma.sma_after(
        dec(inputs["prior_sma"]),
        sma.SmaDay(
            cash_change_usd=dec(inputs["cash_change"]),
            trades_reg_t_usd=dec(inputs["trades_regt_requirement"]),
            equity_usd=dec(inputs["elv"]),
            reg_t_usd=dec(inputs["reg_t_margin"]),
        ),
    )
    return {"sma": after, "violation": sma.is_violation(after)}


def position_value(inputs: Object) -> Decimal:
    for name in ("market_value", "lmv", "long_market_value"):
        if name in inputs:
            return dec(inputs[name])
    return dec(inputs["shares"]) * dec(inputs["price"])


def standing(inputs: Object) -> Object:
    value = position_value(inputs)
    equity, required = value - dec(inputs["debit"]), reg_t.initial_requirement(value, REFERENCE)
    credit = sma.standing_credit(equity, required)
    power = buying_power(credit, REFERENCE)
    return {"equity": equity, "reg_t": required, "sma": credit, "buying_power": power}


def high_water(inputs: Object) -> Object:
    value = dec(inputs["market_value_to"])
    equity = value - dec(inputs["debit"])
    fallen = sma.SmaDay(equity_usd=equity, reg_t_usd=reg_t.initial_requirement(value, REFERENCE))
    excess = equity - value * REFERENCE.long_rate.value
    return {
        "sma": sma.sma_history(dec(inputs["sma"]), [fallen])[-1],
        "usable_only_if_maintenance_ok": sma.is_usable(excess) and not sma.is_usable(-excess),
        "excess_over_25pct": excess,
    }


def withdrawal(inputs: Object) -> Object:
    value = position_value(inputs)
    found = standing(inputs)
    equity, credit = dec(found["equity"]), dec(inputs.get("sma", found["sma"]))
    required = half_up(value * dec(inputs["house_rate"]), 2)
    most = sma.max_withdrawal(credit, equity - required)
    left: Object = {"max_withdrawal": most, "equity_after": equity - most}
    return found | left | {"sma": credit, "house_requirement": required}


def enforcement(inputs: Object) -> Object:
    if "strikes_12m" in inputs:
        return {"consequence": consequence(int(dec(inputs["strikes_12m"])), REFERENCE).text}
    if "time_et" in inputs:
        at, held = time.fromisoformat(text(inputs["time_et"])), dec(inputs["sma"])
        return {"violation": sma.is_violation_at(at, held, REFERENCE)}
    return {"due_business_days": Decimal(business_days(Call(text(inputs["kind"])), REFERENCE))}


def deadline(inputs: Object) -> Object:
    start = day(inputs["date"])
    if "business_days" in inputs:
        due = add_business_days(start, int(dec(inputs["business_days"])))
    else:
        due = due_date(Call(text(inputs["kind"])), start, REFERENCE)
    return {"due": due.isoformat()}


def intraday(inputs: Object) -> Object:
    if "equity" in inputs:
        return {"minor_threshold": minor_threshold(dec(inputs["equity"]), REFERENCE)}
    if "deficit_date" in inputs:
        dates = deficit_dates(day(inputs["deficit_date"]), REFERENCE)
        return {
            "bd5": dates.fifth_day.isoformat(),
            "bd15": dates.fifteenth_day.isoformat(),
            "freeze_until_90_days_after_bd5": dates.freeze_until.isoformat(),
        }
    if "date" in inputs:
        phased_in = inputs.get("firm_phased_in", True) is True
        regime = regime_on(day(inputs["date"]), REFERENCE, phased_in)
        return {"regime": regime_text(regime, REFERENCE)}
    return intraday_deficit(inputs)


def intraday_deficit(inputs: Object) -> Object:
    rate = Entry(dec(inputs["maintenance_rate"]), "rate", "case")
    shares = dec(inputs.get("start_shares", ZERO))
    book = IntradayBook(cash_usd=dec(inputs["start_cash"]), shares={SYMBOL: shares})
    if "start_price" in inputs:
        book = book.after(Mark(SYMBOL, dec(inputs["start_price"])))
    events = [event_of(items(event)) for event in items(inputs["events"])]
    rulebook = replace(REFERENCE, long_rate=rate)
    return {"intraday_margin_deficit": intraday_margin_deficit(book, events, rulebook)}


def event_of(event: list[Value]) -> Event:
    name, numbers = text(event[1]), [dec(number) for number in event[2:]]
    if name == "mark":
        return Mark(SYMBOL, numbers[0])
    if name in ("withdraw", "withdrawal", "deposit"):
        return CashMove(numbers[0] if name == "deposit" else -numbers[0])
    assert name in ("buy", "sell", "short", "cover"), f"a known event expected, was {name!r}"
    quantity = numbers[0] if name in ("buy", "cover") else -numbers[0]
    return Trade(SYMBOL, quantity, numbers[1])


def records(inputs: Object) -> Object:
    record = record_of(text(inputs["record"]).lower())
    kept = retention.retention(record)
    expiry = retention.REFERENCE_AUDIT_EXPIRY_DAYS
    return {
        "retain_years": Decimal(kept.years),
        "years": Decimal(kept.years),
        "easily_accessible_years": Decimal(kept.easily_accessible_years),
        "reference_s3_expiry_days": Decimal(expiry),
        "reference_ttl_days": Decimal(retention.REFERENCE_STATE_EXPIRY_DAYS),
        "reference_compliant": retention.keeps_long_enough(record, expiry),
    }


def record_of(words: str) -> retention.Record:
    if "decision" in words:
        return retention.Record.DECISION
    named = (record for record in retention.Record if record.value in words)
    return next(named, retention.Record.OTHER)


RUNNERS: dict[str, Runner] = {
    "reg_t_sma": sma_case,
    "house_enforcement": enforcement,
    "enforcement_deadline": deadline,
    "finra_intraday": intraday,
    "audit_retention": records,
}
