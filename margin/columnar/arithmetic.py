"""Exact arithmetic on arrays of money: int64, and float64 where it is proven to be as exact.

Money, prices, quantities, rates and betas are integers in 1e-4.

A rounding multiplication in float64 takes two steps: times `factor`, then `numpy.rint`. The factor
is rate / divisor, raised by 2**-51 of itself: more than the three roundings on the way can lose,
so a half always goes away from zero; and less than the distance to the next half as long as the
product in lowest terms stays below PRODUCT_LIMIT. Above that, int64 takes over.
"""

from decimal import Decimal
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

Ints: TypeAlias = npt.NDArray[np.int64]
Flags: TypeAlias = npt.NDArray[np.bool_]
Floats: TypeAlias = npt.NDArray[np.float64]

E4: Final = 10_000
CENT_E4: Final = 100
RAISE_BITS: Final = 51
# x (2**-51 + 3 x 2**-53) = 7 x / 2**53 must stay below half of 1 / divisor.
PRODUCT_LIMIT: Final = 2**49
# Integers up to 2**53 add up exactly in float64, in any order.
SUM_LIMIT: Final = 2**52


def mul_div(a: Ints, b: Ints | int | np.int64, d: int) -> Ints:
    """a x b / d, rounded half up, for a and b >= 0; exact wherever the result fits.

    Split at d so that no step leaves int64: needs min(b, d) x d < 9e18.
    Source: docs/01-finra-4210.md, "The figures of an account".

    >>> mul_div(np.array([15]), 10**17, 10_000).tolist()
    [150000000000000]
    """
    above, below = np.divmod(a, d)
    b_above, b_below = np.divmod(b, d)
    rounded: Ints = above * b + below * b_above + (below * b_below + d // 2) // d
    return rounded


def e4(number: Decimal) -> int:
    """A rate, price or beta in 1e-4; ValueError where it has a fifth decimal.

    Source: docs/01-finra-4210.md, "The figures of an account".

    >>> e4(Decimal("0.25"))
    2500
    """
    scaled = number * E4
    if scaled != int(scaled):
        raise ValueError(f"at most four decimals expected, was {number}")
    return int(scaled)


def signed(amount: Ints, rate_e4: Ints | np.int64) -> Ints:
    """amount x rate in 1e-4 USD, both signed, rounded half away from zero.

    Source: docs/03-beta-weighting.md.

    >>> signed(np.array([-25]), np.int64(3000)).tolist()
    [-8]
    """
    product = mul_div(np.abs(amount), np.abs(rate_e4), E4)
    result: Ints = np.sign(amount) * np.sign(rate_e4) * product
    return result


def cents(amount: Ints, rate: Ints | int, one: int) -> Ints:
    """amount x rate / one in 1e-4 USD, never negative, rounded half up to whole cents.

    Source: docs/01-finra-4210.md, "The figures of an account".

    >>> cents(np.array([199_98]), 2500, E4).tolist()
    [5000]
    """
    return mul_div(amount, rate, one * CENT_E4) * CENT_E4


def share_down(amount: Ints, rate_e4: int) -> Ints:
    """amount x rate in 1e-4 USD, rounded down: an integer is above the share if above this.

    Source: docs/01-finra-4210.md, "Bands".

    >>> share_down(np.array([3, -3]), 5000).tolist()
    [1, -2]
    """
    whole = amount // E4
    share: Ints = whole * rate_e4 + (amount - whole * E4) * rate_e4 // E4
    return share


def sums(parts: Ints, starts: Ints) -> Ints:
    """Sum of each run parts[starts[i]:starts[i + 1]], in the unit of the parts; empty runs are 0.

    Source: docs/01-finra-4210.md, "The figures of an account".

    >>> sums(np.array([1, 2, 4]), np.array([0, 2, 2, 3])).tolist()
    [3, 0, 4]
    """
    running = np.concatenate([np.zeros(1, np.int64), np.cumsum(parts)])
    return np.diff(running[starts])


def factor(rate: Ints, divisor: int) -> Floats:
    """What numpy.rint(amount x factor) needs to be amount x rate / divisor, halves from zero.

    Exact for integer amounts up to `amount_limit`. Source: the proof at the head of this file.

    >>> np.rint(np.array([1, -3, 4]) * factor(np.array([5000]), E4)).tolist()
    [1.0, -2.0, 2.0]
    """
    plain = rate / np.float64(divisor)
    raised: Floats = plain + np.ldexp(plain, -RAISE_BITS)
    return raised


def amount_limit(rate: Ints, divisor: int) -> Floats:
    """The largest amount whose product with `factor(rate, divisor)` is rounded exactly.

    Source: the proof at the head of this file.

    >>> amount_limit(np.array([5000]), E4)[0] == PRODUCT_LIMIT
    np.True_
    """
    size = np.maximum(np.abs(rate), 1)
    terms = size // np.gcd(size, divisor)
    limit: Floats = PRODUCT_LIMIT / terms
    return limit


def whole(values: Floats) -> Ints:
    """Whole numbers as int64, in their own unit. What does not fit gives any number, no error.

    Amounts that large are over their limit, and integers redo them.
    Source: the proof at the head of this file.

    >>> whole(np.array([3], np.float64)).tolist()
    [3]
    """
    with np.errstate(invalid="ignore"):
        return values.astype(np.int64)
