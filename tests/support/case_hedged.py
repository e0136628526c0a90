"""Rows of the demo's hedged accounts: stock and options on it, priced, margined both ways."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

from support.case_values import Object, Value, dec, keys, maintained, obj, stock

from margin.columnar.theoretical import theoretical_values
from margin.market import Instrument, Kind, OptionTerms, Right
from margin.money import ZERO
from margin.option_margin import Holding, OptionLeg, Underlying, class_margin
from margin.rulebook import REFERENCE, Entry, Rulebook
from margin.tims import (
    class_group_risk,
    minimum_charge,
    option_points,
    position_points,
    tims_moves,
)

HEDGED_FIGURES = keys(
    "net_liquidation pm_requirement pm_excess pm_scenarios strategy_requirement_on_stock "
    "unhedged_25pct"
)
TODAY = date(2026, 11, 25)
RIGHTS = {"put": Right.PUT, "call": Right.CALL}


def hedged_figures(account: Object, row: Object) -> Object:
    positions, inputs = obj(account["positions"]), obj(account["option_inputs"])
    (symbol,) = (name for name in positions if " " not in name)
    shares, price = dec(positions[symbol]), dec(row[symbol])
    prices = row["option_prices"]
    assert isinstance(prices, list)
    names = [name for name in positions if name != symbol]
    legs = [
        OptionLeg(name, terms_of(name, inputs), dec(positions[name]), dec(option_price))
        for name, option_price in zip(names, prices, strict=True)
    ]
    values = [leg.contracts * leg.terms.multiplier * leg.price_usd for leg in legs]
    net = dec(account["start_cash"]) + shares * price + sum(values, ZERO)
    underlying = replace(stock(symbol), dividend_yield=dec(inputs["q"]))
    rulebook = replace(REFERENCE, risk_free_rate=Entry(dec(inputs["r"]), "rate", "case"))
    required, points = portfolio_margin(underlying, shares, price, legs, rulebook)
    unhedged = maintained(shares, price)
    holding = Holding(symbol, shares, price, unhedged)
    found = class_margin(holding, legs, Underlying(symbol, price), rulebook, TODAY)
    strategy = sum((s.elv_maintenance_usd for s in found.strategies), ZERO)
    return {
        "net_liquidation": net,
        "pm_requirement": required,
        "pm_excess": net - required,
        "pm_scenarios": points,
        "strategy_requirement_on_stock": strategy,
        "unhedged_25pct": unhedged,
    }


def terms_of(name: str, inputs: Object) -> OptionTerms:
    """Terms of a name such as `NVDA 60d 380 put`."""
    symbol, _, strike, right = name.split()
    return OptionTerms(
        underlying=symbol,
        right=RIGHTS[right],
        strike_usd=Decimal(strike),
        expires_on=TODAY + timedelta(days=int(dec(inputs["days"]))),
    )


def portfolio_margin(
    underlying: Instrument,
    shares: Decimal,
    price: Decimal,
    legs: Sequence[OptionLeg],
    rulebook: Rulebook,
) -> tuple[Decimal, list[Value]]:
    """Requirement, and profit or loss of the class at each of its ten points, USD."""
    symbol = underlying.symbol
    options = {
        leg.symbol: Instrument(symbol=leg.symbol, kind=Kind.OPTION, option=leg.terms)
        for leg in legs
    }
    prices = {symbol: price} | {leg.symbol: leg.price_usd for leg in legs}
    values = theoretical_values({symbol: underlying} | options, prices, rulebook, TODAY)
    rows = [position_points(shares * price, tims_moves(underlying, rulebook))]
    least = ZERO
    for leg in legs:
        size = leg.contracts, leg.terms.multiplier
        rows.append(option_points(*size, leg.price_usd, values[leg.symbol]))
        value = abs(leg.contracts) * leg.terms.multiplier * leg.price_usd
        least += minimum_charge(*size, value, rulebook)
    risk = class_group_risk(symbol, rows, least)
    return risk.requirement_usd, [sum(column, ZERO) for column in zip(*rows, strict=True)]
