"""Worked cases of the reference design's own formulas, kept for comparison."""

from decimal import Decimal

from support.case_values import Object, dec, items, maintained, obj, rules

from margin import reference_design as reference
from margin.house import concentration_addon, volatility_addon
from margin.liquidation import shares_to_release
from margin.market import Kind
from margin.money import ZERO
from margin.rulebook import REFERENCE
from margin.stress import stress_scenarios, worst_severe_excess


def reference_account(inputs: Object) -> Object:
    cash, value = dec(inputs["cash"]), dec(inputs["market_value"])
    required = reference.reference_requirement(value, REFERENCE)
    if inputs.get("concentration_addon") is True:
        required += concentration_addon(abs(value), abs(value), Kind.STOCK, REFERENCE)
    excess = cash + value - required
    exposure = reference.reference_beta_weighted(value, dec(inputs["beta"]))
    scenarios = stress_scenarios(excess, exposure, REFERENCE)
    stressed: Object = {f"excess_stressed[{s.move}]": s.stressed_excess_usd for s in scenarios}
    return stressed | {
        "equity": cash + value,
        "maintenance_req": required,
        "excess": excess,
        "beta_weighted_exposure": exposure,
        "underwater_severe": worst_severe_excess(scenarios, REFERENCE) < 0,
    }


def reference_grid(inputs: Object) -> Object:
    grid = [dec(move) for move in items(inputs["grid_printed"])]
    return {"evenly_spaced": reference.is_evenly_spaced(grid)}


def reference_tims(inputs: Object) -> Object:
    values = [dec(obj(position)["mv"]) for position in items(inputs["positions"])]
    return {
        "reference_tims_margin": reference.reference_tims_margin(values, REFERENCE),
        "reg_t_25pct": reference.reference_requirement(sum(values, ZERO), REFERENCE),
    }


def reference_sizing(inputs: Object) -> Object:
    deficiency, price = dec(inputs["deficiency"]), dec(inputs["price"])
    rate, held = dec(inputs["requirement_rate"]), dec(inputs["shares_held"])
    sold = reference.reference_shares_sold(deficiency, price, held, REFERENCE)
    return {
        "reference_sells_shares": sold,
        "minimum_shares_to_cure": shares_to_release(deficiency, rate, price),
        "minimum_proceeds": reference.minimum_proceeds(deficiency, rate),
    }


def reference_betas(inputs: Object) -> Object:
    own = [dec(r) for r in items(inputs["stock"])]
    market = [dec(r) for r in items(inputs["market"])]
    return {
        "beta_correct": reference.beta_of(own, market),
        "beta_reference_np_mix": reference.reference_beta(own, market),
    }


def reference_addon(inputs: Object) -> Object:
    value, gross = dec(inputs["position"]), dec(inputs["portfolio"])
    return {"addon": concentration_addon(value, gross, Kind.STOCK, REFERENCE)}


def reference_concentrated(inputs: Object) -> Object:
    gross = dec(inputs["portfolio"])
    values = [dec(inputs["position"]), *(dec(other) for other in items(inputs["others"]))]
    addons = (concentration_addon(v, gross, Kind.STOCK, REFERENCE) for v in values)
    base = (maintained(Decimal(1), value) for value in values)
    return {"maintenance_requirement": sum(base, ZERO) + sum(addons, ZERO)}


def reference_volatility(inputs: Object) -> Object:
    value, vol = dec(inputs["market_value"]), dec(inputs["annual_vol"])
    return {"addon": volatility_addon(value, vol, REFERENCE)}


RULES = rules(
    ("reference_design", "cash market_value beta concentration_addon", reference_account),
    ("reference_design", "cash market_value beta", reference_account),
    ("reference_design", "grid_printed", reference_grid),
    ("reference_design", "positions", reference_tims),
    ("reference_design", "deficiency price requirement_rate shares_held", reference_sizing),
    ("reference_design", "stock market", reference_betas),
    ("reference_design", "position portfolio", reference_addon),
    ("reference_design", "position portfolio others", reference_concentrated),
    ("reference_design", "annual_vol market_value", reference_volatility),
)
