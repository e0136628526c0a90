"""Runners of the worked cases of portfolio margin, by the keys of their inputs."""

from decimal import Decimal

from support.case_pricing import cboe2007
from support.case_values import Object, Value, dec, items, keys, obj, text

from margin.money import ZERO
from margin.pm_eligibility import Arrangement, accepts_new_accounts, is_eligible
from margin.portfolio_groups import group_requirement, offset_points
from margin.rulebook import REFERENCE
from margin.tims import class_group_risk, minimum_charge, point_moves, position_points

MULTIPLIER = Decimal(100)
ARRANGEMENTS = {
    "minimum account equity when the firm has full real-time intraday monitoring": (
        Arrangement.MONITORED
    ),
    "minimum when it has not": Arrangement.UNMONITORED,
    "prime-broker arrangement, trades executed away": Arrangement.PRIME_BROKER,
    "unlisted derivatives: maintained equity": Arrangement.UNLISTED,
}


def run(inputs: Object) -> Object:
    names = frozenset(inputs)
    if "legs" in names:
        return cboe2007(inputs)
    if names == keys("positions"):
        return linear(inputs)
    if names == keys("positions worst_loss"):
        charges = [charge(obj(p)) for p in items(inputs["positions"])]
        return required(dec(inputs["worst_loss"]), sum(charges, ZERO))
    if names == keys("worst_loss contracts"):
        return required(dec(inputs["worst_loss"]), charge(inputs))
    if names == keys("all_scenarios_profitable contracts"):
        assert inputs["all_scenarios_profitable"] is True
        return required(Decimal(-1), charge(inputs))
    if names == keys("class_group_a class_group_b offset"):
        rows = [numbers(inputs[name]) for name in ("class_group_a", "class_group_b")]
        return {"margin": group_requirement(offset_points(rows, dec(inputs["offset"])), ZERO)}
    if names == keys("case equity_below equity_at"):
        return eligible(inputs)
    assert names == keys("aggregate_pm net_capital days"), f"no rule for {sorted(names)}"
    aggregate, capital = dec(inputs["aggregate_pm"]), dec(inputs["net_capital"])
    accepts = accepts_new_accounts(aggregate, capital, int(dec(inputs["days"])), REFERENCE)
    return {"accept_new_pm_accounts": accepts}


def numbers(value: Value) -> list[Decimal]:
    return [dec(entry) for entry in items(value)]


def required(worst_usd: Decimal, minimum_usd: Decimal) -> Object:
    return {"margin": class_group_risk("CASE", [(-worst_usd,)], minimum_usd).requirement_usd}


def charge(position: Object) -> Decimal:
    contracts = dec(position["contracts"])
    value = position.get("market_value_total")
    # Without a market value nothing caps the charge.
    value_usd = Decimal("1E12") if value is None else dec(value)
    return minimum_charge(contracts, MULTIPLIER, value_usd, REFERENCE)


def linear(inputs: Object) -> Object:
    rows: dict[str, list[tuple[Decimal, ...]]] = {}
    for position in map(obj, items(inputs["positions"])):
        both = position.get("range")
        up, down = (dec(position.get(f"range_{side}", both)) for side in ("up", "down"))
        factor = dec(position.get("market_move_adjustment", Decimal(1)))
        moves = point_moves(up, down, factor, REFERENCE)
        points = position_points(dec(position["qty"]) * dec(position["price"]), moves)
        rows.setdefault(text(position["symbol"]), []).append(points)
    risks = [class_group_risk(symbol, held) for symbol, held in rows.items()]
    return {"margin": sum((risk.requirement_usd for risk in risks), ZERO)}


def eligible(inputs: Object) -> Object:
    arrangement = ARRANGEMENTS[text(inputs["case"])]
    below, at = dec(inputs["equity_below"]), dec(inputs["equity_at"])
    return {
        "eligible_below": is_eligible(below, arrangement, REFERENCE),
        "eligible_at": is_eligible(at, arrangement, REFERENCE),
    }
