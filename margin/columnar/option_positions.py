"""Positions in options over arrays: their values, gains at the points, charges and exposure."""

from collections.abc import Mapping

import numpy as np

from margin.columnar.arithmetic import CENT_E4, E4, Ints, e4, mul_div
from margin.columnar.book import Book
from margin.rulebook import Rulebook


def whole_contracts(book: Book, symbol: Ints, quantity_e4: Ints) -> Ints:
    """Shares that whole contracts stand for, signed, in shares; parts of a contract are left out.

    An account that holds a part of a contract is UNPRICED.
    Source: docs/01-finra-4210.md, "Unpriced accounts".

    >>> whole_contracts.__name__
    'whole_contracts'
    """
    shares: Ints = (
        np.sign(quantity_e4) * (np.abs(quantity_e4) // E4) * (book.multiplier_e4[symbol] // E4)
    )
    return shares


def position_values(book: Book, symbol: Ints, quantity_e4: Ints) -> Ints:
    """Market value of positions in 1e-4 USD, never negative, rounded half up.

    Source: docs/01-finra-4210.md, "The figures of an account".

    >>> position_values.__name__
    'position_values'
    """
    value = mul_div(np.abs(quantity_e4), book.price_usd_e4[symbol], E4)
    option = book.is_option[symbol]
    if not option.any():
        return value
    shares = np.abs(whole_contracts(book, symbol, quantity_e4))
    return np.where(option, shares * book.price_usd_e4[symbol], value)


def option_gains(
    book: Book, symbol: Ints, shares: Ints, theoretical_usd_e4: Mapping[int, Ints], points: int
) -> Ints:
    """Gain or loss of option positions at every point, 1e-4 USD, signed, a row each.

    `shares` are signed contracts x multiplier. A series without values gains nothing: its account
    is UNPRICED. Source: FINRA Rule 4210(g); docs/02-what-is-tims.md, "Ten points".

    >>> option_gains.__name__
    'option_gains'
    """
    series, row = np.unique(symbol, return_inverse=True)
    change = np.zeros((len(series), points), np.int64)
    for at, code in enumerate(series.tolist()):
        if code in theoretical_usd_e4:
            change[at] = theoretical_usd_e4[code] - book.price_usd_e4[code]
    gains: Ints = shares[:, None] * change[row]
    return gains


def minimum_charges(shares: Ints, value: Ints, rulebook: Rulebook) -> Ints:
    """Least portfolio margin of option positions, 1e-4 USD in whole cents, never negative.

    `shares` are signed contracts x multiplier, `value` signed in 1e-4 USD; a long option owes no
    more than that value. Source: FINRA Rule 4210(g); OCC practice for the cap on long options.

    >>> from margin.rulebook import REFERENCE
    >>> minimum_charges(np.array([-1000, 1000]), np.array([-1, 500_000]), REFERENCE).tolist()
    [3750000, 500000]
    """
    charge = np.abs(shares) * e4(rulebook.option_minimum_charge.value)
    charge = np.where(shares > 0, np.minimum(charge, value), charge)
    rounded: Ints = (charge + CENT_E4 // 2) // CENT_E4 * CENT_E4
    return rounded


def option_exposures(
    book: Book,
    symbol: Ints,
    shares: Ints,
    *,
    theoretical_usd_e4: Mapping[int, Ints],
    moves_e4: Ints,
    beta_e4: Ints,
) -> Ints:
    """Beta-weighted value of option positions, 1e-4 USD, signed, rounded half away from zero.

    Shares (signed contracts x multiplier) x slope of the value at the nearest points x beta of the
    underlying. `moves_e4` has a row of points for every symbol, `beta_e4` a beta.
    Source: docs/03-beta-weighting.md.

    >>> option_exposures.__name__
    'option_exposures'
    """
    series, row = np.unique(symbol, return_inverse=True)
    rise_beta = np.zeros(len(series), np.int64)
    width = np.ones(len(series), np.int64)
    near = moves_e4.shape[1] // 2
    for at, code in enumerate(series.tolist()):
        of = int(book.underlying[code])
        if code in theoretical_usd_e4:
            values = theoretical_usd_e4[code]
            rise_beta[at] = (values[near] - values[near - 1]) * beta_e4[of]
            width[at] = moves_e4[of, near] - moves_e4[of, near - 1]
    size, slope, per = np.abs(shares), np.abs(rise_beta)[row], width[row]
    # No step leaves int64: whole widths first, as mul_div does, with a divisor of each row's own.
    above, below = np.divmod(slope, per)
    product = above * size + (below * size + per // 2) // per
    exposure: Ints = np.sign(shares) * np.sign(rise_beta)[row] * product
    return exposure
