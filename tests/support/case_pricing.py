"""Runners of the worked cases of option pricing, and of Cboe's portfolio margin table of 2007."""

from datetime import date
from decimal import Decimal

import numpy as np
from support.case_values import Object, Value, dec, items, keys, obj, text

from margin.columnar.pricing import american, european, implied_vol
from margin.money import ZERO, half_up
from margin.rulebook import REFERENCE
from margin.tims import class_group_risk, minimum_charge, option_points, position_points

PRICES = keys("S K r q vol T type")
PARITY = keys("S K r q vol T")


def number(value: Value) -> float:
    return float(dec(value))


def price(inputs: Object, *, early: bool, is_call: bool) -> Decimal:
    spot, strike, rate, held, vol, years = (
        number(inputs[name]) for name in ["S", "K", "r", "q", "vol", "T"]
    )
    value = american if early else european
    return Decimal(float(value(spot, strike, rate, held, vol, years, is_call)))


def run_european(inputs: Object) -> Object:
    if frozenset(inputs) == PARITY:
        call, put = (price(inputs, early=False, is_call=is_call) for is_call in (True, False))
        return {"c_minus_p": call - put}
    return {"price": price(inputs, early=False, is_call=inputs["type"] == "C")}


def run_american(inputs: Object) -> Object:
    return {"price": price(inputs, early=True, is_call=inputs["type"] == "C")}


def cboe2007(inputs: Object) -> Object:
    """One row of the table; the rates are the case's, so it prices without the rulebook."""
    expiry, valued = (date.fromisoformat(text(inputs[k])) for k in ("expiry", "valuation_date"))
    years = (expiry - valued).days / 365
    moves = [dec(move) for move in items(inputs["valuation_moves"])]
    stock_usd = dec(inputs["stock_qty"]) * dec(inputs["stock_price"])
    rows, least = [position_points(stock_usd, moves)], ZERO
    for leg in map(obj, items(inputs["legs"])):
        close, contracts = dec(leg["market_price"]), dec(leg["contracts"])
        values = leg_values(inputs, leg, moves, years)
        rows.append(option_points(contracts, Decimal(100), close, values))
        value_usd = abs(contracts) * 100 * close
        least += minimum_charge(contracts, Decimal(100), value_usd, REFERENCE)
    risk = class_group_risk("CASE", rows, least)
    return {
        "margin": risk.requirement_usd,
        "kernel_margin": risk.requirement_usd,
        "minimum_charge": risk.minimum_usd,
        "worst_scenario_loss": risk.worst_usd,
    }


def leg_values(inputs: Object, leg: Object, moves: list[Decimal], years: float) -> list[Decimal]:
    early, is_call = inputs["exercise"] == "american", leg["type"] == "C"
    spot, strike = number(inputs["underlying"]), number(leg["K"])
    rate, held = number(inputs["rate_cont"]), number(inputs["dividend_yield_cont"])
    close = number(leg["market_price"])
    vol, clamped = implied_vol(close, spot, strike, rate, held, years, is_call, early)
    assert not clamped
    moved = spot * (1 + np.array([float(move) for move in moves]))
    value = american if early else european
    priced = value(moved, strike, rate, held, float(vol), years, is_call)
    return [half_up(Decimal(float(usd)), 4) for usd in priced]
