"""The margin of one strategy of each kind, in USD, with the formula and its numbers."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from margin.errors import MarginError
from margin.market import Right
from margin.money import CENT_PLACES, decimal_text, half_up
from margin.option_book import (
    OptionLeg,
    StrategyMargin,
    Underlying,
    net_premium,
    position_usd,
    premium,
)
from margin.option_spread import SPREAD_SOURCE, is_limited_risk, largest_loss
from margin.option_uncovered import (
    LONG_SOURCE,
    STRADDLE_SOURCE,
    UNCOVERED_SOURCE,
    is_long_term,
    long_option_requirement,
    main_rate,
    straddle_requirement,
    uncovered_margin,
)
from margin.rulebook import Rulebook

LONG_FORMULA = "rate x market value"
UNCOVERED_FORMULA = "max(main x S x leverage - OTM, minimum x S (call) or K (put) x leverage)"
STRADDLE_FORMULA = "greater uncovered side + market value of the other - market value of both"
COMBINATION_FORMULA = "largest loss at expiry over all strikes + net premium"


@dataclass(frozen=True, slots=True)
class Terms:
    """What all strategies of a class share: underlying, rulebook and day."""

    underlying: Underlying
    rulebook: Rulebook
    on: date


def long_option(leg: OptionLeg, terms: Terms) -> StrategyMargin:
    """Long option alone: its market value, or 75 % of it beyond nine months.

    Source: FINRA Rule 4210(f)(2)(D); 12 CFR 220.12(f).

    >>> from datetime import date
    >>> from decimal import Decimal
    >>> from margin.market import OptionTerms
    >>> from margin.rulebook import REFERENCE
    >>> def leg(right: Right, strike: int, contracts: int) -> OptionLeg:
    ...     terms = OptionTerms(underlying="XYZ", right=right, strike_usd=Decimal(strike),
    ...                         expires_on=date(2026, 6, 19))
    ...     return OptionLeg(f"{right}{strike}", terms, Decimal(contracts), Decimal(2))
    >>> terms = Terms(Underlying("XYZ", Decimal(100)), REFERENCE, date(2026, 1, 2))
    >>> long_option(leg(Right.CALL, 105, 3), terms).maintenance_usd
    Decimal('600.00')
    """
    value_usd = premium(leg)
    long_term = is_long_term(leg.terms.expires_on, terms.on, terms.rulebook)
    required_usd = half_up(
        long_option_requirement(value_usd, long_term, terms.rulebook), CENT_PLACES
    )
    return StrategyMargin(
        "long option",
        ((leg.symbol, leg.contracts),),
        required_usd,
        required_usd,
        value_usd,
        LONG_FORMULA,
        (
            ("market value", decimal_text(value_usd)),
            ("more than nine months", "yes" if long_term else "no"),
        ),
        LONG_SOURCE,
    )


def uncovered(leg: OptionLeg, terms: Terms) -> StrategyMargin:
    """Short option uncovered: its margin, without the market value that equity already bears.

    Source: FINRA Rule 4210(f)(2)(E); Cboe Rule 10.3.

    >>> from datetime import date
    >>> from decimal import Decimal
    >>> from margin.market import OptionTerms
    >>> from margin.rulebook import REFERENCE
    >>> def leg(right: Right, strike: int, contracts: int) -> OptionLeg:
    ...     terms = OptionTerms(underlying="XYZ", right=right, strike_usd=Decimal(strike),
    ...                         expires_on=date(2026, 6, 19))
    ...     return OptionLeg(f"{right}{strike}", terms, Decimal(contracts), Decimal(2))
    >>> terms = Terms(Underlying("XYZ", Decimal(100)), REFERENCE, date(2026, 1, 2))
    >>> uncovered(leg(Right.CALL, 105, -1), terms).maintenance_usd
    Decimal('1500.00')
    """
    option, underlying = leg.terms, terms.underlying
    margin_usd = uncovered_margin(option.right, option.strike_usd, underlying, terms.rulebook)
    required_usd = position_usd(margin_usd, -leg.contracts * option.multiplier)
    return StrategyMargin(
        "uncovered call" if option.right is Right.CALL else "uncovered put",
        ((leg.symbol, leg.contracts),),
        required_usd,
        required_usd,
        premium(leg),
        UNCOVERED_FORMULA,
        (
            ("S", decimal_text(underlying.price_usd)),
            ("K", decimal_text(option.strike_usd)),
            ("main", decimal_text(main_rate(underlying.kind, terms.rulebook))),
            ("leverage", decimal_text(underlying.leverage)),
            ("contracts", decimal_text(leg.contracts)),
            ("multiplier", decimal_text(option.multiplier)),
        ),
        UNCOVERED_SOURCE,
    )


def straddle(call: OptionLeg, put: OptionLeg, terms: Terms) -> StrategyMargin:
    """Short call and short put, the same number of each: straddle of one strike, else strangle.

    Source: FINRA Rule 4210(f)(2)(G); Cboe Rule 10.3.

    >>> from datetime import date
    >>> from decimal import Decimal
    >>> from margin.market import OptionTerms
    >>> from margin.rulebook import REFERENCE
    >>> def leg(right: Right, strike: int, contracts: int) -> OptionLeg:
    ...     terms = OptionTerms(underlying="XYZ", right=right, strike_usd=Decimal(strike),
    ...                         expires_on=date(2026, 6, 19))
    ...     return OptionLeg(f"{right}{strike}", terms, Decimal(contracts), Decimal(2))
    >>> terms = Terms(Underlying("XYZ", Decimal(100)), REFERENCE, date(2026, 1, 2))
    >>> straddle(leg(Right.CALL, 105, -1), leg(Right.PUT, 90, -1), terms).maintenance_usd
    Decimal('1500.00')
    """
    margins = [
        uncovered_margin(leg.terms.right, leg.terms.strike_usd, terms.underlying, terms.rulebook)
        for leg in (call, put)
    ]
    per_share_usd = straddle_requirement(call.price_usd, margins[0], put.price_usd, margins[1])
    per_share_usd -= call.price_usd + put.price_usd
    required_usd = position_usd(per_share_usd, -call.contracts * call.terms.multiplier)
    same = call.terms.strike_usd == put.terms.strike_usd
    return StrategyMargin(
        "short straddle" if same else "short strangle",
        ((call.symbol, call.contracts), (put.symbol, put.contracts)),
        required_usd,
        required_usd,
        net_premium((call, put)),
        STRADDLE_FORMULA,
        (
            ("S", decimal_text(terms.underlying.price_usd)),
            ("call margin per share", decimal_text(margins[0])),
            ("put margin per share", decimal_text(margins[1])),
            ("contracts", decimal_text(call.contracts)),
            ("multiplier", decimal_text(call.terms.multiplier)),
        ),
        STRADDLE_SOURCE,
    )


def combination(legs: Sequence[OptionLeg]) -> StrategyMargin:
    """Combination of limited risk: largest loss at expiry, long legs paid in full.

    MarginError where the risk has no limit, or the legs are no combination.
    Source: FINRA Rule 4210(f)(2)(H)(i)-(iv); Cboe Rule 10.3.

    >>> from datetime import date
    >>> from decimal import Decimal
    >>> from margin.market import OptionTerms
    >>> def leg(right: Right, strike: int, contracts: int) -> OptionLeg:
    ...     terms = OptionTerms(underlying="XYZ", right=right, strike_usd=Decimal(strike),
    ...                         expires_on=date(2026, 6, 19))
    ...     return OptionLeg(f"{right}{strike}", terms, Decimal(contracts), Decimal(2))
    >>> combination([leg(Right.CALL, 105, -1), leg(Right.CALL, 110, 1)]).maintenance_usd
    Decimal('500.00')
    """
    loss_usd = largest_loss(legs)
    if loss_usd is None or not is_limited_risk(legs):
        found = [(leg.symbol, decimal_text(leg.contracts)) for leg in legs]
        raise MarginError(f"a combination of limited risk expected, found {found}")
    value_usd = net_premium(legs)
    required_usd = half_up(loss_usd + value_usd, CENT_PLACES)
    return StrategyMargin(
        _combination_name(legs),
        tuple((leg.symbol, leg.contracts) for leg in legs),
        required_usd,
        required_usd,
        value_usd,
        COMBINATION_FORMULA,
        (
            ("largest loss", decimal_text(loss_usd)),
            ("net premium", decimal_text(value_usd)),
        ),
        SPREAD_SOURCE,
    )


def _combination_name(legs: Sequence[OptionLeg]) -> str:
    rights = {leg.terms.right for leg in legs}
    if len(legs) == 2 and len(rights) == 1:
        same = legs[0].terms.expires_on == legs[1].terms.expires_on
        kind = "call" if Right.CALL in rights else "put"
        return f"{kind} spread" if same else f"{kind} time spread"
    return "limited-risk combination"
