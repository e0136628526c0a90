"""Worked cases of the sizing of a liquidation."""

from dataclasses import replace

from support.case_values import Object, book, dec, obj, rules, text

from margin.assessment import Assessment, assess
from margin.liquidation import Target, shares_to_release, size_liquidation
from margin.money import ZERO
from margin.portfolio import AccountType
from margin.rulebook import REFERENCE, Entry, Rulebook


def liquidation(inputs: Object) -> Object:
    rulebook = liquidation_rulebook(obj(inputs["rates"]))
    portfolio, market = book(inputs)
    assessed = assess(portfolio, AccountType.MARGIN, market, rulebook, 0)
    assert isinstance(assessed, Assessment)
    symbol = text(inputs["symbol"])
    excess, warning = inputs.get("target_excess"), inputs.get("target_warning_pct")
    target = Target(
        excess_usd=ZERO if excess is None else dec(excess),
        gross_rate=ZERO if warning is None else dec(warning),
    )
    sizing = size_liquidation(portfolio, AccountType.MARGIN, market, rulebook, symbol, target)
    rate = rulebook.long_rate.value + rulebook.concentration_rate.value
    price = market.quotes[symbol].price_usd
    return {
        "equity": assessed.equity_usd,
        "requirement": assessed.requirement_usd,
        "deficiency": assessed.deficiency_usd,
        "shares": sizing.shares,
        "excess_after": sizing.excess_after_usd,
        "naive_linear_shares": shares_to_release(assessed.deficiency_usd, rate, price),
    }


def liquidation_rulebook(rates: Object) -> Rulebook:
    return replace(
        REFERENCE,
        long_rate=Entry(dec(rates["long"]), "rate", "case"),
        concentration_rate=Entry(dec(rates["concentration_addon"]), "rate", "case"),
        concentration_above=Entry(dec(rates["concentration_threshold"]), "rate", "case"),
    )


RULES = rules(
    *(
        ("liquidation_sizing", f"cash positions prices symbol rates {targets}", liquidation)
        for targets in (
            "target_excess",
            "target_warning_pct",
            "target_excess target_warning_pct",
        )
    )
)
