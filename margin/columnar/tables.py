"""What a position is multiplied by, made once for every symbol and side instead of every position.

A line is a symbol held long (2 x symbol) or short (2 x symbol + 1).
"""

from dataclasses import dataclass, fields, replace
from typing import Final

import numpy as np

from margin.columnar.arithmetic import (
    CENT_E4,
    E4,
    SUM_LIMIT,
    Flags,
    Floats,
    Ints,
    amount_limit,
    e4,
    factor,
)
from margin.columnar.book import Book
from margin.columnar.class_groups import point_moves
from margin.columnar.rates import (
    betas_e4,
    exempt_symbols,
    floor_usd,
    maintenance_rates_e8,
    short_floors_e4,
    width,
)
from margin.rulebook import Rulebook

CENTS: Final = E4 * CENT_E4
ONE: Final = np.ones(1, np.int64)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tables:
    """Factors by line, for `numpy.rint(amount x factor)`; amounts in 1e-4.

    `price`: shares to market value. `maintenance`, `floor`: market value and shares to cents.
    `exposure`, `moves`: market value to 1e-4 USD, signed, of a position held so. `deepest`: market
    value to its loss at the worst point. `limit`: the largest market value for which all are exact.
    """

    price: Floats
    maintenance: Floats
    floor: Floats
    exposure: Floats
    deepest: Floats
    moves: Floats
    eligible: Flags
    limit: Floats
    reg_t: Floats
    addon: Floats
    to_cents: Floats

    def replaced(self, symbols: Ints, part: "Tables") -> "Tables":
        """These tables with the factors of some symbols taken from tables of them alone."""
        lines = np.stack([symbols * 2, symbols * 2 + 1], axis=1).ravel()
        columns = {name: getattr(self, name).copy() for name in BY_LINE}
        for name, column in columns.items():
            column[lines] = getattr(part, name)
        return replace(self, **columns)


BY_LINE: Final = tuple(
    field.name for field in fields(Tables) if field.name not in ("reg_t", "addon", "to_cents")
)


@dataclass(frozen=True, slots=True)
class Symbols:
    """What of a book the tables depend on, by symbol."""

    price_usd_e4: Ints
    beta_e4: Ints
    beta_known: Flags
    kind: Ints
    leverage_e4: Ints

    @classmethod
    def of(cls, book: Book) -> "Symbols":
        """A copy, so that a book whose arrays are changed in place is seen to have changed."""
        return cls(*(getattr(book, field.name).copy() for field in fields(cls)))

    def changed(self, book: Book) -> Ints:
        """Symbols of which a book says something else, sorted."""
        differs: Flags = np.zeros(len(self.kind), np.bool_)
        for field in fields(self):
            differs |= getattr(self, field.name) != getattr(book, field.name)
        return np.flatnonzero(differs)

    @classmethod
    def part(cls, book: Book, symbols: Ints) -> Book:
        """The book with some of its symbols alone; only fit for tables."""
        return replace(book, **{f.name: getattr(book, f.name)[symbols] for f in fields(cls)})


def tables_of(book: Book, rulebook: Rulebook, most_positions: int) -> Tables:
    """The factors of a market; `most_positions` is how many an account holds at most.

    Source: docs/01-finra-4210.md, "The figures of an account".

    >>> tables_of.__name__
    'tables_of'
    """
    price = book.price_usd_e4
    long_e8, short_e8 = maintenance_rates_e8(book, rulebook)
    floors, beta = short_floors_e4(book, rulebook), betas_e4(book, rulebook)
    moves = np.stack(point_moves(book, rulebook), axis=1)
    reg_t = ONE * e4(rulebook.reg_t_rate.value)
    addon = ONE * e4(rulebook.concentration_rate.value)
    shares_e4 = price / np.float64(E4)
    limits = [
        amount_limit(price, E4) * shares_e4,
        amount_limit(floors, CENTS) * shares_e4,
        amount_limit(long_e8, E4 * CENTS),
        amount_limit(short_e8, E4 * CENTS),
        amount_limit(beta, E4),
        amount_limit(moves, E4).min(axis=1),
        np.broadcast_to(
            np.minimum(amount_limit(reg_t, CENTS), amount_limit(addon, CENTS)), len(price)
        ),
        # The sums of an account, in 1e-4 USD, and all it owes for its shares.
        SUM_LIMIT
        / most_positions
        / (width(book, rulebook) + E4 * floor_usd(rulebook) / np.maximum(price, 1)),
    ]
    limit = np.minimum.reduce(limits)
    return Tables(
        price=np.repeat(factor(price, E4), 2),
        maintenance=_by_side(factor(long_e8, E4 * CENTS), factor(short_e8, E4 * CENTS)),
        floor=_by_side(np.zeros(len(price)), factor(floors * (price > 0), CENTS)),
        exposure=_by_side(factor(beta, E4), -factor(beta, E4)),
        deepest=_by_side(factor(-moves[:, 0], E4), factor(moves[:, -1], E4)),
        moves=np.repeat(factor(moves, E4), 2, axis=0) * _sides(len(price))[:, None],
        eligible=np.repeat(~exempt_symbols(book, rulebook), 2),
        limit=np.repeat(limit, 2),
        reg_t=factor(reg_t, CENTS),
        addon=factor(addon, CENTS),
        to_cents=factor(ONE, CENT_E4),
    )


def _by_side(held_long: Floats, held_short: Floats) -> Floats:
    both: Floats = np.stack([held_long, held_short], axis=1).ravel()
    return both


def _sides(symbols: int) -> Floats:
    sides: Floats = np.tile(np.array([1, -1], np.float64), symbols)
    return sides
