"""Every figure of every account at once: in full, or after a few prices moved."""

from dataclasses import fields, replace
from typing import Final

import numpy as np

from margin.columnar import exact
from margin.columnar.arithmetic import (
    CENT_E4,
    E4,
    Flags,
    Floats,
    Ints,
    amount_limit,
    e4,
    factor,
    whole,
)
from margin.columnar.book import ACCOUNT_TYPES, UNKNOWN, Book, Valuation
from margin.columnar.class_groups import positions_of
from margin.columnar.class_margins import ClassMargins
from margin.columnar.layout import Layout
from margin.columnar.series import Series, is_special
from margin.columnar.totals import EXPOSURE, GROSS, MAINTENANCE, NET, REG_T, RISK, Totals
from margin.portfolio import AccountType
from margin.rulebook import Rulebook
from margin.stress import is_severe

# Half of what an account may be worth at all: with more cash than this, integers decide.
MOST_CASH_E4: Final = exact.LARGEST_USD * E4 // 2


class Valuer:
    """Values books one after the other, and redoes only what has changed since the last.

    The figures of a book never depend on what was valued before it. Its arrays by symbol and by
    account may be changed in place between two books; those of its positions must be new ones.
    """

    def __init__(self, rulebook: Rulebook) -> None:
        """Nothing is known of any book yet."""
        self._rulebook = rulebook
        self._known: tuple[Layout, Totals] | None = None
        self._series, self._classes = Series(rulebook), ClassMargins(rulebook)

    def full(self, book: Book) -> Valuation:
        """Every figure of every account, in 1e-4 USD; the layout is kept, nothing else."""
        layout, totals = self._fitting(book)
        totals.add_up(book)
        return self._with_options(book, layout, totals)

    def value(self, book: Book) -> Valuation:
        """The same figures as `full`, from what is known of the last book."""
        layout, totals = self._fitting(book)
        totals.follow(book)
        return self._with_options(book, layout, totals)

    def _with_options(self, book: Book, layout: Layout, totals: Totals) -> Valuation:
        """The sums hold for stock; accounts with options or product groups are valued whole."""
        figures = _valuation(book, layout, totals, self._rulebook)
        special = is_special(book)
        if not special.any():
            return figures
        values = self._series.values(book)
        accounts = np.unique(book.account[special[book.symbol]])
        part = _part(book, accounts)
        _put(figures, accounts, exact.value_accounts(part, self._rulebook, values, self._classes))
        return replace(figures, theoretical_usd_e4=values)

    def _fitting(self, book: Book) -> tuple[Layout, Totals]:
        if self._known is None or not self._known[0].fits(book):
            layout = Layout(book)
            self._known = layout, Totals(layout, self._rulebook)
        return self._known


def value_accounts(book: Book, rulebook: Rulebook) -> Valuation:
    """Every figure of every account, in 1e-4 USD; the twin of `assess`.

    Source: docs/01-finra-4210.md, "The figures of an account".

    >>> value_accounts.__name__
    'value_accounts'
    """
    return Valuer(rulebook).full(book)


def _valuation(book: Book, layout: Layout, totals: Totals, rulebook: Rulebook) -> Valuation:
    """The figures of accounts from their sums."""
    sums = [_spread(total, layout) for total in totals.sums]
    gross, net = whole(sums[GROSS]), whole(sums[NET])
    maintenance, reg_t, risk = (whole(sums[kind]) * CENT_E4 for kind in (MAINTENANCE, REG_T, RISK))
    addon = whole(_spread(totals.addon, layout)) * CENT_E4
    long_value = (gross + net) // 2
    by_risk = book.account_type == ACCOUNT_TYPES.index(AccountType.PORTFOLIO_MARGIN)
    house = maintenance + addon
    requirement = house + by_risk * (risk - house)
    equity = book.cash_usd_e4 + net
    excess = equity - requirement
    moves = np.array([e4(move) for move in rulebook.stress_moves.value], np.int64)
    pnl = np.empty((len(moves), layout.accounts), np.int64)
    for found, move in zip(pnl, factor(moves, E4), strict=True):
        found[:] = whole(np.rint(sums[EXPOSURE] * move))
    severe = [is_severe(move, rulebook) for move in rulebook.stress_moves.value]
    worst = excess + pnl[severe].min(axis=0)
    warning = np.array([e4(rulebook.warning_rate.value)], np.int64)
    faults = exact.faults_of(book, rulebook)
    unpriced = book.overflown | exact.faulty_accounts(book, faults)
    unpriced |= book.account_type == UNKNOWN
    mark = exact.warning_mark(gross, rulebook)
    figures = Valuation(
        band=exact.bands(book, unpriced, excess, threshold=mark, worst=worst),
        unpriced=unpriced,
        too_large=book.overflown.copy(),
        long_market_value_usd_e4=long_value,
        short_market_value_usd_e4=gross - long_value,
        equity_usd_e4=equity,
        maintenance_requirement_usd_e4=maintenance,
        concentration_addon_usd_e4=addon,
        portfolio_margin_usd_e4=risk,
        reg_t_requirement_usd_e4=reg_t,
        requirement_usd_e4=requirement,
        excess_usd_e4=excess,
        warning_threshold_usd_e4=whole(np.rint(sums[GROSS] * factor(warning, E4))),
        beta_weighted_exposure_usd_e4=whole(sums[EXPOSURE]),
        pnl_usd_e4=pnl.T,
        worst_severe_excess_usd_e4=worst,
        faults=faults,
    )
    _blank(figures, unpriced)
    large = layout.hoarding | _spread_flags(totals.over, layout)
    large |= np.abs(book.cash_usd_e4) > MOST_CASH_E4
    large |= sums[GROSS] > amount_limit(warning, E4)
    large |= np.abs(sums[EXPOSURE]) > amount_limit(moves, E4).min()
    if large.any():
        accounts = np.flatnonzero(large)
        _put(figures, accounts, exact.value_accounts(_part(book, accounts), rulebook))
    return figures


def _spread(values: Floats, layout: Layout) -> Floats:
    """By account what is known by row; 0 for an account without positions."""
    if len(values) == layout.accounts:
        return values
    spread: Floats = np.zeros(layout.accounts)
    spread[layout.held] = values
    return spread


def _spread_flags(flags: Flags, layout: Layout) -> Flags:
    spread: Flags = np.zeros(layout.accounts, np.bool_)
    spread[layout.held] = flags
    return spread


def _blank(figures: Valuation, unpriced: Flags) -> None:
    """Set every figure of an unpriced account to 0, in place."""
    if unpriced.any():
        for name in AMOUNTS:
            getattr(figures, name)[unpriced] = 0


def _part(book: Book, accounts: Ints) -> Book:
    """The book with some of its accounts alone."""
    place = positions_of(book.account, accounts)
    return replace(
        book,
        account_type=book.account_type[accounts],
        cash_usd_e4=book.cash_usd_e4[accounts],
        overflown=book.overflown[accounts],
        account=np.searchsorted(accounts, book.account[place]),
        symbol=book.symbol[place],
        quantity_e4=book.quantity_e4[place],
    )


def _put(figures: Valuation, accounts: Ints, found: Valuation) -> None:
    """Replace the figures of some accounts, in place."""
    for name in BY_ACCOUNT:
        getattr(figures, name)[accounts] = getattr(found, name)


BY_ACCOUNT: Final = tuple(
    f.name for f in fields(Valuation) if f.name not in ("faults", "theoretical_usd_e4")
)
AMOUNTS: Final = tuple(name for name in BY_ACCOUNT if name.endswith("_usd_e4"))
