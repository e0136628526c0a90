"""Worked cases of house rules as brokers publish them."""

from dataclasses import replace
from decimal import Decimal

from support.case_values import Object, Runner, dec, text

from margin.house_published import (
    house_scan,
    max_shares_without_concentration,
    range_used,
    stress_loss,
)
from margin.house_rbr import RbrPosition, rbr_addon, rbr_rate
from margin.market import Kind
from margin.rulebook import REFERENCE, Entry, Rulebook

PERCENT = Decimal(100)
POSITION = ("position_pct", "position_pct_of_gross")
KINDS = {
    "stock": Kind.STOCK,
    "single_stock": Kind.STOCK,
    "broad_index": Kind.BROAD_INDEX,
    "index": Kind.INDEX,
    "other": Kind.ETF,
}


def rbr(inputs: Object) -> Object:
    position = RbrPosition(
        short=inputs.get("side", "long") == "short",
        share_of_gross=fraction(inputs, *POSITION),
        days_of_volume=number(inputs, "days_to_liquidate"),
        ownership=fraction(inputs, "ownership_pct"),
        industry_share=fraction(inputs, "industry_pct", "industry_pct_of_gross"),
        largest_share=fraction(inputs, *other_positions(inputs)),
    )
    found: Object = {"addon_pct": rbr_addon(position, REFERENCE) * PERCENT}
    if "base" in inputs:
        rulebook = with_base(dec(inputs["base"]) / PERCENT)
        found["requirement_pct"] = rbr_rate(position, rulebook) * PERCENT
    return found


def other_positions(inputs: Object) -> list[str]:
    """Names of what says how large the account's largest position is."""
    return [name for name in inputs if "position" in name and name not in POSITION]


def number(inputs: Object, *names: str) -> Decimal | None:
    return next((dec(inputs[name]) for name in names if name in inputs), None)


def fraction(inputs: Object, *names: str) -> Decimal | None:
    found = number(inputs, *names)
    return None if found is None else found / PERCENT


def with_base(rate: Decimal) -> Rulebook:
    return replace(REFERENCE, rbr_base=Entry(rate, "rate", "case"))


def house_pm(inputs: Object) -> Object:
    if "asset" in inputs:
        kind = KINDS[text(inputs["asset"]).replace(" ", "_")]
        scan = house_scan(dec(inputs["house_margin_rate"]), kind, REFERENCE)
        return {"price_scan": scan.price, "iv_scan": scan.implied_vol}
    floor = Entry(dec(inputs["stress_floor"]), "rate", "case")
    rulebook = replace(REFERENCE, pm_stress_floor=floor)
    return {"stress_loss": stress_loss(dec(inputs["position"]), rulebook)}


def concentration(inputs: Object) -> Object:
    if "pnr" in inputs:
        used = range_used(dec(inputs["pnr"]), dec(inputs["epr"]), dec(inputs["tims"]))
        return {"range_used": used}
    most = max_shares_without_concentration(
        dec(inputs["nlv"]), dec(inputs["epr"]), dec(inputs["price"])
    )
    return {"max_shares_without_concentration": most, "shares": most}


RUNNERS: dict[str, Runner] = {
    "house_rbr": rbr,
    "house_pm": house_pm,
    "house_concentration": concentration,
}
