"""Worked cases of maintenance margin and of the initial margin of Regulation T."""

from dataclasses import replace
from decimal import Decimal

from support.case_values import Object, dec, maintained, rules, stock

from margin import reg_t
from margin.liquidation import shares_to_release
from margin.maintenance import maintenance_requirement
from margin.maintenance_call import (
    box_requirement,
    fully_paid_securities,
    trigger_long_market_value,
    trigger_short_market_value,
)
from margin.money import ZERO, half_up
from margin.portfolio import Position, market_value
from margin.rulebook import REFERENCE, Entry, Rulebook


def with_long_rate(rate: Decimal) -> Rulebook:
    return replace(REFERENCE, long_rate=Entry(rate, "rate", "case"))


def long_account(inputs: Object) -> Object:
    value, rate = dec(inputs["long_market_value"]), dec(inputs["maintenance_rate"])
    equity = value - dec(inputs["debit_balance"])
    required = maintained(Decimal(1), value, with_long_rate(rate))
    return {
        "equity": equity,
        "equity_pct": half_up(equity / value, 4),
        "maintenance_requirement": required,
        "excess": equity - required,
        "call_amount": max(ZERO, required - equity),
        "reg_t_requirement_50pct": reg_t.initial_requirement(value, REFERENCE),
        "restricted_account_below_50pct": reg_t.is_restricted_account(equity, value, REFERENCE),
    }


def long_trigger(inputs: Object) -> Object:
    debit, rate = dec(inputs["debit_balance"]), dec(inputs["maintenance_rate"])
    return {"trigger_long_market_value": trigger_long_market_value(debit, rate)}


def short_trigger(inputs: Object) -> Object:
    credit, rate = dec(inputs["credit_balance"]), dec(inputs["maintenance_rate"])
    return {"trigger_short_market_value": trigger_short_market_value(credit, rate)}


def meet_call(inputs: Object) -> Object:
    call, rate = dec(inputs["call"]), dec(inputs["maintenance_rate"])
    return {"cash": call, "fully_paid_securities_value": fully_paid_securities(call, rate)}


def sell_out(inputs: Object) -> Object:
    price = dec(inputs["price"])
    shares = shares_to_release(dec(inputs["deficiency"]), dec(inputs["maintenance_rate"]), price)
    return {"shares": shares, "proceeds": shares * price}


def leveraged(inputs: Object) -> Object:
    price, sign = dec(inputs["price"]), Decimal(-1 if inputs["side"] == "short" else 1)
    position = Position("X", sign * dec(inputs["market_value"]) / price)
    etf = stock("X", dec(inputs["leverage"]))
    required = maintenance_requirement(position, price, etf, REFERENCE)
    return {"maintenance_requirement": required}


def single_position(inputs: Object) -> Object:
    price, short = dec(inputs["price"]), inputs["short"] is True
    quantity = -dec(inputs["shares"]) if short else dec(inputs["shares"])
    side = "short_market_value" if short else "long_market_value"
    return {
        side: market_value(Position("X", quantity), price),
        "maintenance_requirement": maintained(quantity, price),
    }


def short_account(inputs: Object) -> Object:
    price, quantity = dec(inputs["price"]), -dec(inputs["shares"])
    equity = dec(inputs["credit_balance"]) - market_value(Position("X", quantity), price)
    required = maintained(quantity, price)
    return {
        "equity": equity,
        "maintenance_requirement": required,
        "excess": equity - required,
        "margin_call": equity < required,
    }


def box(inputs: Object) -> Object:
    long_shares, short_shares = dec(inputs["long_shares"]), dec(inputs["short_shares"])
    price = dec(inputs["price"])
    boxed = min(long_shares, short_shares)
    beyond = maintained(long_shares - boxed, price) + maintained(boxed - short_shares, price)
    required = box_requirement(long_shares, short_shares, price, REFERENCE) + beyond
    return {"maintenance_requirement": required}


def initial_by_side(inputs: Object) -> Object:
    value = dec(inputs["market_value"])
    required = reg_t.initial_requirement(value, REFERENCE)
    if inputs["side"] == "short":
        return {"deposit_beyond_proceeds": required, "total_150pct": value + required}
    return {"initial_requirement": required, "max_loan": value - required}


def first_purchase(inputs: Object) -> Object:
    cost = dec(inputs["purchase"])
    if inputs["new_account"] is not True:
        return {"required_deposit": reg_t.initial_requirement(cost, REFERENCE)}
    return {"required_deposit": reg_t.new_purchase_deposit(cost, REFERENCE)}


def sell_for_call(inputs: Object) -> Object:
    return {"marginable_stock_to_sell": reg_t.stock_to_sell(dec(inputs["reg_t_call"]), REFERENCE)}


def substitution(inputs: Object) -> Object:
    released = reg_t.substitution_release(dec(inputs["sold"]), dec(inputs["bought"]), REFERENCE)
    left = reg_t.call_remaining(dec(inputs["reg_t_call"]), released)
    return {"net_release": released, "call_remaining": left}


def small_deficiency(inputs: Object) -> Object:
    return {"action_required": reg_t.must_liquidate(dec(inputs["deficiency"]), REFERENCE)}


def short_sale(inputs: Object) -> Object:
    price, quantity = dec(inputs["price"]), -dec(inputs["shares"])
    value = market_value(Position("X", quantity), price)
    deposit = reg_t.short_sale_deposit(value, maintained(quantity, price), REFERENCE)
    return {"initial_deposit": deposit, "equity": deposit}


def hedged_stock(inputs: Object) -> Object:
    underlying, strike = dec(inputs["underlying"]), dec(inputs["strike"])
    shares = dec(inputs["shares"])
    inside = underlying - strike if inputs["type"] == "C" else strike - underlying
    in_the_money = max(ZERO, inside) * shares
    required = reg_t.hedged_stock_requirement(underlying * shares, in_the_money, REFERENCE)
    return {"initial_requirement": required}


RULES = rules(
    ("regt_maintenance", "long_market_value debit_balance maintenance_rate", long_account),
    ("regt_maintenance", "debit_balance maintenance_rate", long_trigger),
    ("regt_maintenance", "credit_balance maintenance_rate", short_trigger),
    ("regt_maintenance", "call maintenance_rate", meet_call),
    ("regt_maintenance", "deficiency maintenance_rate price", sell_out),
    ("regt_maintenance", "side leverage market_value price", leveraged),
    ("regt_maintenance", "price shares short", single_position),
    ("regt_maintenance", "credit_balance price shares", short_account),
    ("regt_maintenance", "long_shares short_shares price", box),
    ("regt_initial", "side market_value", initial_by_side),
    ("regt_initial", "purchase new_account", first_purchase),
    ("regt_initial", "reg_t_call", sell_for_call),
    ("regt_initial", "reg_t_call sold bought", substitution),
    ("regt_initial", "deficiency", small_deficiency),
    ("regt_initial", "price shares", short_sale),
    ("regt_initial", "underlying strike type shares", hedged_stock),
)
