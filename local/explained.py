"""The lines of an assessment in groups, each input with its origin."""

from __future__ import annotations

from typing import Any

from local.account_file import Account
from margin.assessment import Assessment
from margin.canonical import at_text
from margin.explanation import EXCESS, Line, origin_of
from margin.loan_value import loan_value_view
from margin.maintenance_call import minimum_equity_deficiency
from margin.money import usd_text
from margin.portfolio import AccountType
from margin.rulebook import REFERENCE, changes, rulebook_hash, value_text


def explanation(account: Account, a: Assessment) -> dict[str, Any]:
    """Everything that `explain` shows: groups of lines whose parts sum to their total."""
    lines = a.lines()
    totals = [line for line in lines if any(part.part_of == line.term for part in lines)]
    groups = [
        {
            "total": _line(total, account),
            "parts": [_line(part, account) for part in lines if part.part_of == total.term],
        }
        for total in (*totals, *(line for line in lines if line.term == EXCESS))
    ]
    return {
        "account_id": a.account_id,
        "account_type": str(a.account_type),
        "band": str(a.band),
        "as_of": at_text(a.as_of_ms),
        "flags": list(a.flags),
        "rulebook_hash": rulebook_hash(account.rulebook),
        "overrides": [
            {
                "entry": c.name,
                "value": value_text(c.after.value),
                "else": value_text(c.before.value),
            }
            for c in changes(REFERENCE, account.rulebook)
        ],
        "groups": groups,
        "information": _information(a),
    }


def _information(a: Assessment) -> dict[str, str]:
    view = loan_value_view(a)
    figures = {
        "equity, options without value": view.equity_usd,
        "requirement, options without value": view.requirement_usd,
        "excess, options without value": view.excess_usd,
        "Regulation T initial requirement": a.reg_t_requirement_usd,
        "beta-weighted exposure": a.beta_weighted_exposure_usd,
        "worst excess after a severe move": a.worst_severe_excess_usd,
    }
    if a.account_type is not AccountType.CASH and (a.cash_usd < 0 or a.short_market_value_usd):
        missing_usd = minimum_equity_deficiency(a.equity_usd, a.rulebook)
        figures["missing to the minimum equity, 4210(b)"] = missing_usd
    return {name: usd_text(value) for name, value in figures.items()}


def _line(line: Line, account: Account) -> dict[str, Any]:
    return {
        "term": line.term,
        "formula": line.formula,
        "inputs": [
            {"name": name, "value": value, "origin": _origin(name, line, account)}
            for name, value in line.inputs
        ],
        "value": usd_text(line.value_usd),
        "rule": line.rule,
        "source": line.source,
    }


def _origin(name: str, line: Line, account: Account) -> str:
    origin = origin_of(name)
    symbol = line.term.rpartition(" of ")[2]
    quote = account.market.quotes.get(symbol)
    if origin == "price" and quote is not None:
        return f"price of {symbol} at {at_text(quote.at_ms)}"
    return origin
