"""Amounts, rates and entries of the rulebook as the rule pages write them."""

from __future__ import annotations

from decimal import Decimal
from typing import TypeAlias

from margin import money
from margin.rulebook import Entry

Row: TypeAlias = dict[str, str]


def usd(amount_usd: Decimal) -> str:
    whole, cents = money.usd_text(amount_usd).split(".")
    return f"{int(whole):,}" + (f".{cents}" if cents.strip("0") else "")


def signed(amount_usd: Decimal) -> str:
    return f"+{usd(amount_usd)}" if amount_usd > 0 else usd(amount_usd)


def percent(rate: Decimal) -> str:
    return f"{money.decimal_text(rate * 100)} %"


def signed_percent(move: Decimal) -> str:
    return f"+{percent(move)}" if move > 0 else percent(move)


def figure(entry: Entry[object]) -> str:
    """The value of a rulebook entry as a page writes it, in its unit."""
    value = entry.value
    if isinstance(value, tuple):
        return ", ".join(signed_percent(m).removesuffix(" %") for m in value) + " %"
    assert isinstance(value, Decimal | int)
    match entry.unit:
        case "rate":
            return percent(Decimal(value))
        case "usd per share":
            return f"{money.usd_text(Decimal(value)).removesuffix('.00')} USD a share"
        case "seconds":
            count = money.decimal_text(Decimal(value) / 60)
            return f"{count} minute" if value == 60 else f"{count} minutes"
        case "ms":
            return f"{money.decimal_text(Decimal(value) / 3_600_000)} hours"
        case _:
            return str(value)
