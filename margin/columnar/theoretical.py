"""Values of options at the ten points of their underlyings: priced once per series, then data."""

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import Final

import numpy as np

from margin.columnar.arithmetic import E4, Flags, Floats, Ints, e4
from margin.columnar.pricing import american, european, implied_vol
from margin.errors import MarginError
from margin.market import Instrument, OptionTerms, Right, Style
from margin.money import VALUE_PLACES
from margin.rulebook import Rulebook
from margin.tims import tims_moves

DAYS_OF_A_YEAR: Final = 365
# Beyond 40 years a tree at the highest volatility leaves what a float holds; none is listed.
MOST_DAYS: Final = 14_610


def theoretical_values(
    instruments: Mapping[str, Instrument],
    prices_usd: Mapping[str, Decimal],
    rulebook: Rulebook,
    on: date,
) -> dict[str, tuple[Decimal, ...]]:
    """By option symbol, its value at each point of its underlying, USD per share, to 0.0001.

    The volatility is solved from the option's price at the underlying's price and held; no time
    passes. Options without a price, an instrument or a price of the underlying have no entry, nor
    those without values (`has_values`); an expired one raises MarginError.
    Source: FINRA Rule 4210(g); docs/02-what-is-tims.md, "Ten points".

    >>> from margin.rulebook import REFERENCE
    >>> theoretical_values({}, {}, REFERENCE, date(2026, 11, 25))
    {}
    """
    series = [
        (symbol, own)
        for symbol, instrument in sorted(instruments.items())
        if (own := instrument.option) is not None
        and symbol in prices_usd
        and own.underlying in prices_usd
        and own.underlying in instruments
        and has_values(
            (own.expires_on - on).days, e4(min(tims_moves(instruments[own.underlying], rulebook)))
        )
    ]
    if not series:
        return {}
    terms = [t for _, t in series]
    underlyings = [instruments[t.underlying] for t in terms]
    values = theoretical_e4(
        spot_e4=_e4(prices_usd[t.underlying] for t in terms),
        price_e4=_e4(prices_usd[symbol] for symbol, _ in series),
        strike_e4=_e4(t.strike_usd for t in terms),
        days=np.array([_days(t, on) for t in terms], np.int64),
        is_call=np.array([t.right is Right.CALL for t in terms], np.bool_),
        is_american=np.array([t.style is Style.AMERICAN for t in terms], np.bool_),
        rate_e4=e4(rulebook.risk_free_rate.value),
        dividend_yield_e4=_e4(u.dividend_yield for u in underlyings),
        moves_e4=np.array([[e4(m) for m in tims_moves(u, rulebook)] for u in underlyings]),
    )
    return {
        symbol: tuple(Decimal(int(v)).scaleb(-VALUE_PLACES) for v in row)
        for (symbol, _), row in zip(series, values, strict=True)
    }


def has_values(days: Ints | int, lowest_move_e4: Ints | int) -> Flags:
    """Whether series have values at all points: at most 40 years to go, and a fall below 100 %.

    Days to expiry and the lowest move (signed, 1e-4) of each.
    Source: docs/02-what-is-tims.md, "Ten points".

    >>> has_values(np.array([7, 15_000, 7]), np.array([-1500, -1500, -10_000])).tolist()
    [True, False, False]
    """
    return np.less_equal(days, MOST_DAYS) & np.greater(lowest_move_e4, -E4)


def theoretical_e4(
    *,
    spot_e4: Ints,
    price_e4: Ints,
    strike_e4: Ints,
    days: Ints,
    is_call: Flags,
    is_american: Flags,
    rate_e4: int,
    dividend_yield_e4: Ints,
    moves_e4: Ints,
) -> Ints:
    """Values of n series at m moves each, in 1e-4 USD per share, shape (n, m), half up.

    Prices in 1e-4 USD, `moves_e4` of shape (n, m) in 1e-4, rates continuous per year in 1e-4.
    Source: docs/02-what-is-tims.md, "Ten points".

    >>> theoretical_e4.__name__
    'theoretical_e4'
    """
    spot, price, strike, q = (a / E4 for a in (spot_e4, price_e4, strike_e4, dividend_yield_e4))
    rate, years = rate_e4 / E4, days / DAYS_OF_A_YEAR
    vol, _ = implied_vol(price, spot, strike, rate, q, years, is_call, is_american)
    moved = spot[:, None] * (1 + moves_e4 / E4)
    values: Floats = np.empty(moved.shape)
    for early in (False, True):
        at = is_american == early
        if at.any():
            price_of = american if early else european
            k, y, v, t, c = (a[at][:, None] for a in (strike, q, vol, years, is_call))
            values[at] = price_of(moved[at], k, rate, y, v, t, c)
    found: Ints = np.floor(values * E4 + 0.5).astype(np.int64)
    return found


def _days(terms: OptionTerms, on: date) -> int:
    days = (terms.expires_on - on).days
    if days < 0:
        raise MarginError(
            f"an option on {terms.underlying} that expires on {on} or later expected, "
            f"was {terms.expires_on}"
        )
    return days


def _e4(numbers: Iterable[Decimal]) -> Ints:
    return np.array([e4(number) for number in numbers], np.int64)
