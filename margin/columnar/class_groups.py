"""Portfolio margin over arrays: the ten points of every class group, as they are shown."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import numpy as np

from margin.columnar.arithmetic import E4, Ints, cents, e4, mul_div, signed, sums
from margin.columnar.book import KINDS, Book, GroupRisks
from margin.columnar.option_positions import (
    minimum_charges,
    option_gains,
    position_values,
    whole_contracts,
)
from margin.market import Kind
from margin.rulebook import Rates, Rulebook

NO_VALUES: Final[Mapping[int, Ints]] = MappingProxyType({})


def class_group_risks(
    book: Book,
    accounts: Ints,
    rulebook: Rulebook,
    theoretical_usd_e4: Mapping[int, Ints] = NO_VALUES,
) -> GroupRisks:
    """The ten points and the requirement of every class group of some accounts, in 1e-4 USD.

    `theoretical_usd_e4`: values of the options at the points, by symbol. A valuation has the
    requirements in its figures; the points are made here, for the accounts that are shown.
    Source: FINRA Rule 4210(g).

    >>> class_group_risks.__name__
    'class_group_risks'
    """
    place = positions_of(book.account, accounts)
    account, symbol, quantity = (a[place] for a in (book.account, book.symbol, book.quantity_e4))
    span = int(book.class_group.max(initial=0)) + 1
    key = account * span + book.class_group[symbol]
    order = np.argsort(key, kind="stable")
    keys, first = np.unique(key[order], return_index=True)
    starts = np.append(first, len(key))
    value = position_values(book, symbol, quantity) * np.sign(quantity)
    option = book.is_option[symbol]
    moves = point_moves(book, rulebook)
    gains = np.stack([signed(np.where(option, 0, value), m[symbol]) for m in moves], axis=1)
    minimum = np.zeros(len(place), np.int64)
    at = np.flatnonzero(option)
    if len(at):
        held = symbol[at], whole_contracts(book, symbol[at], quantity[at])
        gains[at] = option_gains(book, *held, theoretical_usd_e4, len(moves))
        minimum[at] = minimum_charges(held[1], value[at], rulebook)
    points = np.stack([sums(column[order], starts) for column in gains.T], axis=1)
    least = sums(minimum[order], starts)
    worst = cents(np.maximum(0, -points.min(axis=1, initial=0)), 1, 1)
    return GroupRisks(
        account=keys // span,
        class_group=keys % span,
        points_usd_e4=points,
        requirement_usd_e4=np.maximum(worst, least),
        minimum_usd_e4=least,
    )


def positions_of(account: Ints, accounts: Ints) -> Ints:
    """Places of the positions of some accounts, given the account of every position, sorted.

    Source: docs/01-finra-4210.md, "The figures of an account".

    >>> positions_of(np.array([0, 0, 1, 3]), np.array([0, 3])).tolist()
    [0, 1, 3]
    """
    starts, ends = np.searchsorted(account, accounts), np.searchsorted(account, accounts + 1)
    return expanded(starts, ends)


def expanded(starts: Ints, ends: Ints) -> Ints:
    """All numbers of the runs starts[i] to ends[i] (not included), one run after the other.

    Source: docs/01-finra-4210.md, "The figures of an account".

    >>> expanded(np.array([0, 5]), np.array([2, 6])).tolist()
    [0, 1, 5]
    """
    counts = ends - starts
    before = np.cumsum(counts) - counts
    places: Ints = np.arange(counts.sum()) + np.repeat(starts - before, counts)
    return places


def point_moves(book: Book, rulebook: Rulebook) -> list[Ints]:
    """By point, from the deepest fall to the highest rise, the signed move of every symbol, 1e-4.

    Source: FINRA Rule 4210(g); docs/02-what-is-tims.md.

    >>> point_moves.__name__
    'point_moves'
    """
    ranges = [[e4(rate) for rate in kind_range(kind, rulebook)] for kind in KINDS]
    up, down = np.array(ranges, np.int64)[book.kind].T
    count = rulebook.tims_points_per_side.value
    falls = [-mul_div(book.leverage_e4, down * k, E4 * count) for k in range(count, 0, -1)]
    rises = [mul_div(book.leverage_e4, up * k, E4 * count) for k in range(1, count + 1)]
    return falls + rises


def kind_range(kind: Kind, rulebook: Rulebook) -> Rates:
    """Range of a kind of instrument up and down, fractions, before its leverage.

    Source: FINRA Rule 4210(g); docs/02-what-is-tims.md.

    >>> from margin.rulebook import REFERENCE
    >>> kind_range(Kind.BROAD_ETF, REFERENCE)
    (Decimal('0.06'), Decimal('0.08'))
    """
    if kind is Kind.BROAD_ETF:
        return rulebook.tims_broad_etf_up.value, rulebook.tims_broad_etf_down.value
    if kind is Kind.ETF:
        return rulebook.tims_etf_up.value, rulebook.tims_etf_down.value
    if kind is Kind.INDEX:
        return rulebook.tims_index_up.value, rulebook.tims_index_down.value
    if kind is Kind.BROAD_INDEX:
        return rulebook.tims_broad_index_up.value, rulebook.tims_broad_index_down.value
    # Options have values of their own; an unknown instrument makes its account UNPRICED.
    return rulebook.tims_stock_up.value, rulebook.tims_stock_down.value
