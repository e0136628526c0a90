"""What one book owes under two methods, by class group, and which position makes the saving."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

from local.account_file import Account
from local.assessed import assessed
from margin.assessment import Assessment
from margin.money import ZERO, usd_text
from margin.portfolio import AccountType


def comparison(account: Account) -> dict[str, Any]:
    """Rows of classes, then reliefs, then the sum; amounts in USD as text."""
    found = assessed(account, AccountType.MARGIN)
    makers = _makers(account, found)
    house = _house(found)
    rows = [
        _row(
            risk.class_group,
            house.get(risk.class_group, ZERO),
            risk.requirement_usd,
            makers.get(risk.class_group, "-"),
        )
        for risk in found.tims
    ]
    rows += [_row(f"relief {r.name}", ZERO, r.relief_usd, "-") for r in found.reliefs]
    rows.append(_row("total", found.requirement_usd, found.portfolio_margin_usd, "-"))
    return {"account_id": found.account_id, "classes": rows, "total": rows[-1]}


def _row(name: str, house_usd: Decimal, risk_usd: Decimal, made_by: str) -> dict[str, str]:
    return {
        "class": name,
        "reg_t": usd_text(house_usd),
        "portfolio_margin": usd_text(risk_usd),
        "saving": usd_text(house_usd - risk_usd),
        "made_by": made_by,
    }


def _house(a: Assessment) -> dict[str, Decimal]:
    """Maintenance and add-ons by class group."""
    group_of = {f.symbol: f.instrument.class_group for f in a.figures}
    found = dict.fromkeys(group_of.values(), ZERO)
    for f in a.plain:
        found[group_of[f.symbol]] += f.maintenance_usd
    for f in a.figures:
        found[group_of[f.symbol]] += f.concentration_usd
    for strategy in a.strategies:
        found[group_of[strategy.legs[0][0]]] += strategy.maintenance_usd
    return found


def _makers(account: Account, whole: Assessment) -> dict[str, str]:
    """By class group, the position without which the account would save least."""
    best: dict[str, tuple[Decimal, str]] = {}
    saved_usd = _saving(whole)
    for f in whole.figures:
        kept = tuple(p for p in account.portfolio.positions if p.symbol != f.symbol)
        without = replace(account, portfolio=replace(account.portfolio, positions=kept))
        made_usd = saved_usd - _saving(assessed(without, AccountType.MARGIN))
        group = f.instrument.class_group
        if made_usd > 0 and (group not in best or made_usd > best[group][0]):
            best[group] = made_usd, f.symbol
    return {group: symbol for group, (_, symbol) in best.items()}


def _saving(a: Assessment) -> Decimal:
    return a.requirement_usd - a.portfolio_margin_usd
