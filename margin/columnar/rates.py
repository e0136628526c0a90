"""What a position is multiplied by under the rules, by symbol, in whole numbers."""

import math

import numpy as np

from margin.columnar.arithmetic import E4, Flags, Floats, Ints, e4
from margin.columnar.book import KINDS, Book
from margin.columnar.class_groups import kind_range
from margin.rulebook import Rulebook


def betas_e4(book: Book, rulebook: Rulebook) -> Ints:
    """Beta of every symbol in 1e-4, signed; 1 where none is known.

    Source: docs/03-beta-weighting.md, "Missing betas".

    >>> betas_e4.__name__
    'betas_e4'
    """
    return np.where(book.beta_known, book.beta_e4, e4(rulebook.missing_beta.value))


def width(book: Book, rulebook: Rulebook) -> Floats:
    """By symbol, what the figures of a position can add up to at most, in market values.

    Source: docs/01-finra-4210.md, "Unpriced accounts".

    >>> width.__name__
    'width'
    """
    widest = max(e4(max(kind_range(kind, rulebook))) for kind in KINDS)
    most: Floats = 4 + np.abs(book.beta_e4) / E4 + book.leverage_e4 / E4 * (widest / E4)
    return most


def floor_usd(rulebook: Rulebook) -> int:
    """The highest floor of a short position, USD per share, rounded up.

    Source: FINRA Rule 4210(c)(2)-(3).

    >>> from margin.rulebook import REFERENCE
    >>> floor_usd(REFERENCE)
    5
    """
    return math.ceil(max(rulebook.short_floor.value, rulebook.low_priced_short_floor.value))


def maintenance_rates_e8(book: Book, rulebook: Rulebook) -> tuple[Ints, Ints]:
    """Maintenance rate of every symbol held long and held short, in 1e-8.

    Source: FINRA Rule 4210(c)(1)-(3); Regulatory Notice 09-53.

    >>> maintenance_rates_e8.__name__
    'maintenance_rates_e8'
    """
    cap_e8 = e4(rulebook.leveraged_rate_cap.value) * E4
    # Beyond 10,000 times any rate is at the cap; the product of rates must stay in int64.
    leverage = np.minimum(book.leverage_e4, E4 * E4)
    long_e8 = np.minimum(cap_e8, e4(rulebook.long_rate.value) * leverage)
    short_e8 = np.minimum(cap_e8, e4(rulebook.short_rate.value) * leverage)
    low_e8 = e4(rulebook.low_priced_short_rate.value) * E4
    return long_e8, np.where(is_low_priced(book, rulebook), low_e8, short_e8)


def short_floors_e4(book: Book, rulebook: Rulebook) -> Ints:
    """Least margin of a share held short, by symbol, in 1e-4 USD.

    Source: FINRA Rule 4210(c)(2)-(3).

    >>> short_floors_e4.__name__
    'short_floors_e4'
    """
    low = is_low_priced(book, rulebook)
    return np.where(low, e4(rulebook.low_priced_short_floor.value), e4(rulebook.short_floor.value))


def is_low_priced(book: Book, rulebook: Rulebook) -> Flags:
    """Which symbols cost less than 5 USD.

    Source: FINRA Rule 4210(c)(2)-(3).

    >>> is_low_priced.__name__
    'is_low_priced'
    """
    low: Flags = book.price_usd_e4 < e4(rulebook.low_priced_below.value)
    return low


def exempt_symbols(book: Book, rulebook: Rulebook) -> Flags:
    """Which symbols may weigh what they like in an account: broad-index ETFs.

    Source: FINRA Rule 4210(d); docs/01-finra-4210.md, "The figures of an account".

    >>> exempt_symbols.__name__
    'exempt_symbols'
    """
    kinds = [KINDS.index(kind) for kind in rulebook.concentration_exempt.value]
    return np.isin(book.kind, kinds)
