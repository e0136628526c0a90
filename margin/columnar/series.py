"""Option series of a book: what is wrong with them, and their values, priced once."""

from collections.abc import Mapping
from typing import Final

import numpy as np

from margin.columnar.arithmetic import E4, Flags, Ints, e4
from margin.columnar.book import OPTION_CODE, UNKNOWN, Book
from margin.columnar.class_groups import point_moves
from margin.columnar.theoretical import has_values, theoretical_e4
from margin.rulebook import Rulebook
from margin.valuation import DAY_MS

# Series that are priced together: a tree needs room for each of them.
CHUNK: Final = 512
INPUTS: Final = 9


def day_of(book: Book) -> int:
    """The day of a book, in days since 1970, UTC.

    Source: docs/01-finra-4210.md, "The figures of an account".

    >>> day_of.__name__
    'day_of'
    """
    return book.as_of_ms // DAY_MS


def on_symbol(book: Book) -> Ints:
    """By symbol, the underlying of an option; the symbol itself for anything else.

    Source: FINRA Rule 4210(f)(2)(A), "underlying security".

    >>> on_symbol.__name__
    'on_symbol'
    """
    return np.where(book.is_option, book.underlying, np.arange(len(book.kind)))


def product_groups(book: Book) -> Ints:
    """By symbol, its product group, else for an option that of its underlying, else UNKNOWN.

    Source: FINRA Rule 4210(g); docs/02-what-is-tims.md.

    >>> product_groups.__name__
    'product_groups'
    """
    return np.where(
        book.product_group == UNKNOWN, book.product_group[on_symbol(book)], book.product_group
    )


def is_special(book: Book) -> Flags:
    """Symbols whose accounts are valued with their classes and groups: options and their like.

    Source: FINRA Rule 4210(f)(2), (g).

    >>> is_special.__name__
    'is_special'
    """
    special: Flags = book.is_option | (product_groups(book) != UNKNOWN)
    return special


def series_faults(book: Book, rulebook: Rulebook) -> dict[str, Flags]:
    """What is wrong by symbol, beside the faults that any symbol can have.

    A price is stale when older than six hours (ms), strictly.
    Source: docs/01-finra-4210.md, "Unpriced accounts".

    >>> series_faults.__name__
    'series_faults'
    """
    option, of = book.is_option, on_symbol(book)
    price, age_ms = book.price_usd_e4[of], book.as_of_ms - book.price_at_ms[of]
    groups = product_groups(book)
    known = {name for name, _, _ in rulebook.product_group_offsets.value}
    strange = [code for code, name in enumerate(book.product_groups) if name not in known]
    return {
        "option_expired": option & (book.expires_day < day_of(book)),
        "multiplier_not_whole": option & (book.multiplier_e4 % E4 != 0),
        "underlying_missing": option & np.isin(book.kind[of], (UNKNOWN, OPTION_CODE)),
        "underlying_price_missing": option & (price == 0),
        "underlying_price_stale": option
        & (price > 0)
        & (age_ms > rulebook.stale_price_after_ms.value),
        "theoretical_missing": option & ~is_priceable(book, rulebook),
        "product_group_unknown": np.isin(groups, strange) & (groups != UNKNOWN),
    }


def is_priceable(book: Book, rulebook: Rulebook) -> Flags:
    """Series of which everything is known that a value needs, and that have one at every point.

    Source: docs/02-what-is-tims.md, "Ten points".

    >>> is_priceable.__name__
    'is_priceable'
    """
    of = on_symbol(book)
    known: Flags = book.is_option & (book.price_usd_e4 > 0) & (book.price_usd_e4[of] > 0)
    known &= book.expires_day >= day_of(book)
    known &= ~np.isin(book.kind[of], (UNKNOWN, OPTION_CODE))
    known &= has_values(book.expires_day - day_of(book), point_moves(book, rulebook)[0][of])
    return known


class Series:
    """Values of the held series of one book after another; only what changed is priced again."""

    def __init__(self, rulebook: Rulebook) -> None:
        """Nothing is priced yet."""
        self._rulebook = rulebook
        self._points = 2 * rulebook.tims_points_per_side.value
        self._priced: Flags = np.zeros(0, np.bool_)
        self._inputs: Ints = np.zeros((0, INPUTS), np.int64)
        self._values: Ints = np.zeros((0, self._points), np.int64)

    def values(self, book: Book) -> Mapping[int, Ints]:
        """By symbol of every series held, or that one held is on, its values in 1e-4 USD per share.

        Without those that cannot be priced.
        """
        wanted = is_priceable(book, self._rulebook)
        if not wanted.any():
            return {}
        held: Flags = np.zeros(len(wanted), np.bool_)
        held[book.symbol] = held[on_symbol(book)[book.symbol]] = True
        symbols = np.flatnonzero(wanted & held)
        self._grow(len(wanted))
        inputs = _inputs(book, symbols)
        stale = ~self._priced[symbols] | (self._inputs[symbols] != inputs).any(axis=1)
        self._price(book, symbols[stale])
        self._inputs[symbols], self._priced[symbols] = inputs, True
        return dict(zip(symbols.tolist(), self._values[symbols], strict=True))

    def _grow(self, count: int) -> None:
        more = count - len(self._priced)
        if more > 0:
            self._priced = np.append(self._priced, np.zeros(more, np.bool_))
            self._inputs = np.pad(self._inputs, ((0, more), (0, 0)))
            self._values = np.pad(self._values, ((0, more), (0, 0)))

    def _price(self, book: Book, symbols: Ints) -> None:
        moves = np.stack(point_moves(book, self._rulebook), axis=1)
        for first in range(0, len(symbols), CHUNK):
            part = symbols[first : first + CHUNK]
            of = book.underlying[part]
            self._values[part] = theoretical_e4(
                spot_e4=book.price_usd_e4[of],
                price_e4=book.price_usd_e4[part],
                strike_e4=book.strike_usd_e4[part],
                days=book.expires_day[part] - day_of(book),
                is_call=book.is_call[part].astype(np.bool_),
                is_american=book.is_american[part].astype(np.bool_),
                rate_e4=e4(self._rulebook.risk_free_rate.value),
                dividend_yield_e4=book.dividend_yield_e4[of],
                moves_e4=moves[of],
            )


def _inputs(book: Book, symbols: Ints) -> Ints:
    """Everything that the values of some series depend on, a row each."""
    of = book.underlying[symbols]
    columns = (
        book.price_usd_e4[of],
        book.price_usd_e4[symbols],
        book.strike_usd_e4[symbols],
        book.expires_day[symbols] - day_of(book),
        book.is_call[symbols] * 2 + book.is_american[symbols],
        book.dividend_yield_e4[of],
        book.kind[of],
        book.leverage_e4[of],
        of,
    )
    return np.stack([column.astype(np.int64) for column in columns], axis=1)
