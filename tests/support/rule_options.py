"""The hedged account of the demo at the ten points, as its page writes it."""

from __future__ import annotations

from support.played import HEDGED, played
from support.rule_words import Row, signed, usd

from margin.rulebook import REFERENCE
from margin.tims import tims_moves


def option_point(row: Row) -> Row:
    """One point of the hedged account, or what the account owes; the class is NVDA alone."""
    account, put = played(HEDGED, "09:30"), "NVDA-P380-60D"
    a = account.assessed()
    (risk,) = a.tims
    owed = {
        "minimum charge": risk.minimum_usd,
        "requirement": a.requirement_usd,
        "under the strategy rules": a.maintenance_requirement_usd + a.concentration_addon_usd,
    }
    point = row["point of ACC_HEDGED_004"]
    empty = {"NVDA": "", "500 NVDA": "", "a put, per share": "", "5 puts": ""}
    if point in owed:
        return empty | {"class group": usd(owed[point])}
    k, held = int(point) - 1, account.portfolio.quantity_of
    move = tims_moves(account.market.instruments["NVDA"], REFERENCE)[k]
    value_usd = account.market.theoretical_usd[put][k]
    shares = held(put) * account.market.instruments[put].multiplier
    assert [held("NVDA"), held(put)] == [500, 5]
    return {
        "NVDA": f"{account.price('NVDA') * (1 + move):.2f}",
        "500 NVDA": signed(held("NVDA") * account.price("NVDA") * move),
        "a put, per share": f"{value_usd:.4f}",
        "5 puts": signed(shares * (value_usd - account.price(put))),
        "class group": signed(risk.points[k]),
    }
