"""Worked cases of `regt_option_strategy`: one runner for each strategy, by its name."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal

from support.case_values import Object, Runner, Value, dec, items, obj, text

from margin import option_hedged as hedged
from margin.market import Kind, OptionTerms, Right
from margin.money import ZERO, half_up
from margin.option_book import OptionLeg, Underlying, net_premium, position_usd
from margin.option_spread import largest_loss, long_box, short_box
from margin.option_uncovered import (
    is_long_term,
    long_option_requirement,
    months_after,
    straddle_requirement,
    uncovered_margin,
    uncovered_requirement,
)
from margin.rulebook import REFERENCE, Entry, Rulebook

ON = date(2026, 1, 2)
CONTRACT = Decimal(100)


def _number(inputs: Object, name: str, default: Decimal) -> Decimal:
    return dec(inputs[name]) if name in inputs else default


def _shares(inputs: Object) -> Decimal:
    if "shares" in inputs:
        return dec(inputs["shares"])
    size = _number(inputs, "multiplier", CONTRACT)
    return abs(_number(inputs, "contracts", Decimal(1))) * size


def _rulebook(inputs: Object) -> Rulebook:
    index = inputs.get("index") is True or _name(inputs).endswith("_index")
    usual = REFERENCE.option_index_rate if index else REFERENCE.option_main_rate
    main = _number(inputs, "main_rate", usual.value)
    least = _number(inputs, "min_rate", REFERENCE.option_minimum_rate.value)
    return replace(
        REFERENCE,
        option_main_rate=Entry(main, "rate", "case"),
        option_minimum_rate=Entry(least, "rate", "case"),
    )


def _name(inputs: Object) -> str:
    return text(inputs["strategy"])


def _margin(inputs: Object, right: Right, strike: Decimal) -> Decimal:
    leverage = _number(inputs, "leverage", Decimal(1))
    stock = Underlying("X", dec(inputs["underlying"]), Kind.STOCK, leverage)
    return uncovered_margin(right, strike, stock, _rulebook(inputs))


def _leg(right: Right, quantity: Decimal, option: Object, size: Decimal = CONTRACT) -> OptionLeg:
    terms = OptionTerms(
        underlying="X", right=right, strike_usd=dec(option["K"]), expires_on=ON, multiplier=size
    )
    return OptionLeg("X", terms, quantity, dec(option["price"]))


def uncovered(inputs: Object) -> Object:
    price, shares = dec(inputs["option_price"]), _shares(inputs)
    margin = _margin(inputs, Right(text(inputs["type"])), dec(inputs["strike"]))
    gross = position_usd(uncovered_requirement(price, margin), shares)
    proceeds = position_usd(price, shares)
    return {
        "requirement_gross": gross,
        "option_proceeds": proceeds,
        "net_deposit_after_proceeds": gross - proceeds,
    }


def long_option(inputs: Object) -> Object:
    expires = months_after(ON, int(dec(inputs["months_to_expiry"])))
    long_term = is_long_term(expires, ON, REFERENCE)
    each = long_option_requirement(dec(inputs["option_price"]), long_term, REFERENCE)
    required = position_usd(each, _shares(inputs))
    return {"initial_requirement": required, "maintenance_requirement": required}


def short_straddle_strangle(inputs: Object) -> Object:
    call, put, shares = obj(inputs["call"]), obj(inputs["put"]), _shares(inputs)
    call_price, put_price = dec(call["price"]), dec(put["price"])
    call_margin = _margin(inputs, Right.CALL, dec(call["K"]))
    put_margin = _margin(inputs, Right.PUT, dec(put["K"]))
    gross = straddle_requirement(call_price, call_margin, put_price, put_margin)
    return {
        "requirement_gross": position_usd(gross, shares),
        "call_requirement": position_usd(uncovered_requirement(call_price, call_margin), shares),
        "put_requirement": position_usd(uncovered_requirement(put_price, put_margin), shares),
    }


def long_leg_first(inputs: Object) -> Object:
    right = Right.CALL if _name(inputs).startswith("call") else Right.PUT
    long, short = obj(inputs["long"]), obj(inputs["short"])
    margin = _margin(inputs, right, dec(short["K"]))
    each = uncovered_requirement(dec(short["price"]), margin) + dec(long["price"])
    return {"requirement_gross": position_usd(each, _shares(inputs))}


def covered_stock(inputs: Object) -> Object:
    if _name(inputs) == "covered_call" and "stock_price" in inputs:
        strike, shares = dec(inputs["K"]), _shares(inputs)
        price = _number(inputs, "underlying", dec(inputs["stock_price"]))
        initial = REFERENCE.reg_t_rate.value * dec(inputs["stock_price"])
        return {
            "initial_stock_requirement": position_usd(initial, shares),
            "call_requirement": half_up(ZERO, 2),
            "stock_value_for_equity": position_usd(
                hedged.covered_stock_value(strike, price), shares
            ),
        }
    if "short_price" in inputs:
        total = (1 + REFERENCE.reg_t_rate.value) * dec(inputs["short_price"])
        return {
            "initial_total_150pct": position_usd(total, _shares(inputs)),
            "put_requirement": half_up(ZERO, 2),
        }
    return with_stock(inputs)


def with_stock(inputs: Object) -> Object:
    """Maintenance by the strikes, or the initial figure net of premiums where prices are given."""
    if "call_strike" not in inputs and "put_strike" not in inputs:
        return net_with_stock(inputs)
    name, price, shares = _name(inputs), dec(inputs["underlying"]), _shares(inputs)
    call, put = inputs.get("call_strike"), inputs.get("put_strike")
    if name == "protective_put":
        each = hedged.protective_put(dec(put), price, REFERENCE)
    elif name == "protective_call":
        alone = max(REFERENCE.short_rate.value * price, REFERENCE.short_floor.value)
        each = hedged.protective_call(alone, dec(call), price, REFERENCE)
    elif name == "conversion":
        each = hedged.conversion(dec(call), price, REFERENCE)
    elif name == "reverse_conversion":
        each = hedged.reverse_conversion(dec(put), price, REFERENCE)
    else:
        each = hedged.collar(dec(put), dec(call), price, REFERENCE)
    return {"maintenance_requirement": position_usd(each, shares)}


SHORT_STOCK = ("covered_put", "protective_call", "reverse_conversion")


def net_with_stock(inputs: Object) -> Object:
    """50 % of the stock, what the short option is in the money, and what all options cost."""
    name = _name(inputs).removesuffix("_spy_spx").removesuffix("_index")
    price = dec(inputs["spy"] if "spy" in inputs else inputs["underlying"])
    shares = _shares(inputs)
    contracts = _number(inputs, "contracts", shares / CONTRACT)
    # SPX options stand for more of SPY than 100 shares: their strike, per share of SPY.
    scale = contracts * CONTRACT / shares
    total = ZERO
    initial = hedged.hedged_initial(None, ZERO, price, REFERENCE)
    for key in ("call", "put", "short_call", "long_put", "long_call", "short_put"):
        if key not in inputs:
            continue
        right = Right.CALL if key.endswith("call") else Right.PUT
        short = key.startswith("short_") or (key in ("call", "put") and name.startswith("covered"))
        option = obj(inputs[key])
        total += net_premium([_leg(right, -contracts if short else contracts, option)])
        if short:
            strike = dec(option["K"]) * scale
            initial = hedged.hedged_initial(right, strike, price, REFERENCE)
    return {"net_initial_requirement": half_up(initial * shares + total, 2)}


def box(inputs: Object) -> Object:
    low, high = sorted(dec(strike) for strike in items(inputs["strikes"]))
    shares = _shares(inputs)
    if _name(inputs) == "short_box":
        close = _number(inputs, "cost_to_close", ZERO)
        each = short_box(low, high, REFERENCE, close)
        return {"requirement_min": position_usd(each, shares)}
    return {"requirement": position_usd(long_box(low, high, REFERENCE), shares)}


def combination(inputs: Object) -> Object:
    size = _number(inputs, "multiplier", CONTRACT)
    legs = []
    for item in items(inputs["legs"]):
        option = obj(item)
        legs.append(_leg(Right(text(option["type"])), dec(option["qty"]), option, size))
    loss, cost = _loss(legs), net_premium(legs)
    return {
        "max_intrinsic_loss_requirement": half_up(loss, 2),
        "net_premium_debit_positive": half_up(cost, 2),
        "net_deposit": half_up(loss + cost, 2),
    }


def _loss(legs: Sequence[OptionLeg]) -> Decimal:
    loss = largest_loss(legs)
    assert loss is not None, "a limited loss expected"
    return loss


def net_short(inputs: Object) -> Object:
    """Short options uncovered, without market value, and what the long ones cost."""
    each = ZERO
    for right in Right:
        name = "call" if right is Right.CALL else "put"
        short, long = inputs.get(f"short_{name}"), inputs.get(f"long_{name}")
        if _name(inputs).removesuffix("_index") == f"short_{name}":
            each += _margin(inputs, right, dec(inputs["K"]))
        if short is not None:
            each += _margin(inputs, right, _strike(short, inputs))
        if long is not None:
            each += _price(long)
    return {"net_initial_requirement": position_usd(each, _shares(inputs))}


def _strike(option: Value, inputs: Object) -> Decimal:
    return dec(option["K"]) if isinstance(option, dict) else dec(inputs["K"])


def _price(option: Value) -> Decimal:
    return dec(option["price"]) if isinstance(option, dict) else dec(option)


def net_vertical(inputs: Object) -> Object:
    right = Right.CALL if "call" in _name(inputs) else Right.PUT
    contracts = dec(inputs["contracts"])
    long, short = obj(inputs["long"]), obj(inputs["short"])
    legs = [_leg(right, contracts, long), _leg(right, -contracts, short)]
    return {"net_initial_requirement": half_up(_loss(legs) + net_premium(legs), 2)}


def net_straddle(inputs: Object) -> Object:
    call, put, shares = obj(inputs["call"]), obj(inputs["put"]), _shares(inputs)
    prices = dec(call["price"]), dec(put["price"])
    if _name(inputs).startswith("long_"):
        return {"net_initial_requirement": position_usd(sum(prices, ZERO), shares)}
    margins = (
        _margin(inputs, Right.CALL, dec(call["K"])),
        _margin(inputs, Right.PUT, dec(put["K"])),
    )
    gross = straddle_requirement(prices[0], margins[0], prices[1], margins[1])
    return {"net_initial_requirement": position_usd(gross - sum(prices, ZERO), shares)}


RULES: dict[str, Runner] = {
    "uncovered": uncovered,
    "long_option": long_option,
    "short_straddle_strangle": short_straddle_strangle,
    "call": long_leg_first,
    "put": long_leg_first,
    "covered_call": covered_stock,
    "covered_put": covered_stock,
    "protective_put": with_stock,
    "protective_call": with_stock,
    "conversion": with_stock,
    "reverse_conversion": with_stock,
    "collar": with_stock,
    "short_box": box,
    "long_box_european": box,
    "short_call": net_short,
    "short_put": net_short,
    "synthetic_long": net_short,
    "synthetic_short": net_short,
    "risk_reversal": net_short,
    "long_vertical_call": net_vertical,
    "long_vertical_put": net_vertical,
    "short_vertical_call": net_vertical,
    "short_vertical_put": net_vertical,
    "long_straddle": net_straddle,
    "long_strangle": net_straddle,
    "short_straddle": net_straddle,
    "short_strangle": net_straddle,
}


def run(inputs: Object) -> Object:
    """Figures of one case; KeyError where no rule bears the name of its strategy."""
    if "legs" in inputs:
        return combination(inputs)
    name = _name(inputs)
    return RULES[name.removesuffix("_spy_spx").removesuffix("_index")](inputs)
