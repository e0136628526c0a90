"""The margin of stock alone and of stock with options, in USD, with the formula and its numbers."""

from collections.abc import Sequence
from decimal import Decimal

from margin import option_hedged as hedged
from margin.market import Right
from margin.money import CENT_PLACES, decimal_text, half_up
from margin.option_book import (
    Holding,
    OptionLeg,
    StrategyMargin,
    net_premium,
    position_usd,
)
from margin.option_strategies import Terms

STOCK_SOURCE = "FINRA Rule 4210(c); 12 CFR 220.12(a)"
STOCK_FORMULA = "maintenance of the shares"

_STRIKE_OF = {Right.CALL: "K of the call", Right.PUT: "K of the put"}

# Maintenance beside the market value of the options, per share.
HEDGED_FORMULAS = {
    "covered call": "maintenance of the share + ITM of the call",
    "covered put": "maintenance of the share + ITM of the put",
    "protective put": "min(10% x K + OTM, 25% x S)",
    "protective call": "min(10% x K + OTM, maintenance of the share)",
    "conversion": "10% x K + ITM of the call",
    "reverse conversion": "10% x K + ITM of the put",
    "collar": "min(10% x Kp + OTM of the put, 25% x Kc) + ITM of the call",
}


def stock_alone(stock: Holding, shares: Decimal, terms: Terms) -> StrategyMargin:
    """Shares (signed) in no strategy: their part of the maintenance of all shares.

    Source: FINRA Rule 4210(c); 12 CFR 220.12(a).

    >>> from datetime import date
    >>> from margin.option_book import Underlying
    >>> from margin.rulebook import REFERENCE
    >>> terms = Terms(Underlying("XYZ", Decimal(100)), REFERENCE, date(2026, 1, 2))
    >>> held = Holding("XYZ", Decimal(300), Decimal(100), Decimal(7500))
    >>> stock_alone(held, Decimal(100), terms).maintenance_usd
    Decimal('2500.00')
    """
    part_usd = stock.maintenance_usd * shares / stock.shares
    initial_usd = position_usd(stock.price_usd * terms.rulebook.reg_t_rate.value, abs(shares))
    return StrategyMargin(
        "long stock" if shares > 0 else "short stock",
        ((stock.symbol, shares),),
        half_up(part_usd, CENT_PLACES),
        initial_usd,
        Decimal(0),
        STOCK_FORMULA,
        (("S", decimal_text(stock.price_usd)), ("shares", decimal_text(shares))),
        STOCK_SOURCE,
    )


def with_stock(
    name: str, legs: Sequence[OptionLeg], stock: Holding, terms: Terms
) -> StrategyMargin:
    """Stock with options, by the name of the strategy; short leg first where there are two.

    Source: FINRA Rule 4210(f)(2)(H)(v); Cboe Rule 10.3.

    >>> from datetime import date
    >>> from margin.option_book import Underlying
    >>> from margin.market import OptionTerms
    >>> from margin.rulebook import REFERENCE
    >>> def leg(right: Right, strike: int, contracts: int) -> OptionLeg:
    ...     terms = OptionTerms(underlying="XYZ", right=right, strike_usd=Decimal(strike),
    ...                         expires_on=date(2026, 6, 19))
    ...     return OptionLeg(f"{right}{strike}", terms, Decimal(contracts), Decimal(2))
    >>> terms = Terms(Underlying("XYZ", Decimal(100)), REFERENCE, date(2026, 1, 2))
    >>> held = Holding("XYZ", Decimal(300), Decimal(100), Decimal(7500))
    >>> found = with_stock("covered call", [leg(Right.CALL, 95, -1)], held, terms)
    >>> found.maintenance_usd, found.initial_usd, found.elv_maintenance_usd
    (Decimal('2800.00'), Decimal('5300.00'), Decimal('3000.0000'))
    """
    shares = abs(legs[0].contracts) * legs[0].terms.multiplier
    per_share_usd = _per_share(name, legs, stock, terms)
    value_usd = net_premium(legs)
    short = next((leg.terms for leg in legs if leg.contracts < 0), None)
    initial_usd = hedged.hedged_initial(
        short.right if short else None,
        short.strike_usd if short else Decimal(0),
        stock.price_usd,
        terms.rulebook,
    )
    strikes = tuple(
        (_STRIKE_OF[leg.terms.right], decimal_text(leg.terms.strike_usd)) for leg in legs
    )
    return StrategyMargin(
        name,
        (
            (stock.symbol, shares.copy_sign(stock.shares)),
            *((leg.symbol, leg.contracts) for leg in legs),
        ),
        half_up(per_share_usd * shares + value_usd, CENT_PLACES),
        half_up(initial_usd * shares + value_usd, CENT_PLACES),
        value_usd,
        f"{HEDGED_FORMULAS[name]} + net premium",
        (
            ("S", decimal_text(terms.underlying.price_usd)),
            *strikes,
            ("maintenance of a share", decimal_text(stock.maintenance_usd / abs(stock.shares))),
            ("shares", decimal_text(shares)),
            ("net premium", decimal_text(value_usd)),
        ),
        hedged.HEDGED_SOURCE,
    )


def _per_share(name: str, legs: Sequence[OptionLeg], stock: Holding, terms: Terms) -> Decimal:
    share_usd = stock.maintenance_usd / abs(stock.shares)
    price_usd, rulebook = terms.underlying.price_usd, terms.rulebook
    strike_usd = legs[0].terms.strike_usd
    if name == "covered call":
        return hedged.covered_call(share_usd, strike_usd, price_usd)
    if name == "covered put":
        return hedged.covered_put(share_usd, strike_usd, price_usd)
    if name == "protective put":
        return hedged.protective_put(strike_usd, price_usd, rulebook)
    if name == "protective call":
        return hedged.protective_call(share_usd, strike_usd, price_usd, rulebook)
    if name == "conversion":
        return hedged.conversion(strike_usd, price_usd, rulebook)
    if name == "reverse conversion":
        return hedged.reverse_conversion(strike_usd, price_usd, rulebook)
    return hedged.collar(legs[1].terms.strike_usd, strike_usd, price_usd, rulebook)
