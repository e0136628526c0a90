"""Sums by account over the positions of a book, in float64 and exact, in full or for a few symbols.

Values are in 1e-4 USD, requirements in cents; all are whole numbers.
"""

from typing import Final

import numpy as np

from margin.columnar.arithmetic import Flags, Floats, Ints, e4, share_down, whole
from margin.columnar.book import Book
from margin.columnar.class_groups import expanded
from margin.columnar.layout import Layout
from margin.columnar.tables import Symbols, Tables, tables_of
from margin.rulebook import Rulebook

GROSS, NET, MAINTENANCE, REG_T, EXPOSURE, RISK = range(6)
SUMMED: Final = 6
ROOM: Final = SUMMED + 1
# Positions that are redone together.
PART: Final = 8192


class Totals:
    """Sums of every row of a layout. They follow the tables; equal tables give equal sums."""

    def __init__(self, layout: Layout, rulebook: Rulebook) -> None:
        """Nothing is added up yet."""
        rows = len(layout.held)
        self._layout, self._rulebook = layout, rulebook
        self._tables: Tables | None = None
        self._weight_e4 = e4(rulebook.concentration_above.value)
        self.sums: Floats = np.zeros((SUMMED, rows))
        self.addon: Floats = np.zeros(rows)
        # Rows with a position too large for float64: their sums are not to be used.
        self.over: Flags = np.zeros(rows, np.bool_)
        # No market value of the row is above this.
        self._most: Floats = np.zeros(rows)
        self._group_risk: Floats = np.zeros(len(layout.shared_account))
        # Room for the parts of a block of positions, used again and again.
        self._room: Floats = np.empty((ROOM, self._longest()))
        self._rooms: Floats = np.empty((2, ROOM, PART))

    def add_up(self, book: Book) -> None:
        """Take a book of the layout, and add up everything."""
        self._symbols = Symbols.of(book)
        self._tables = tables_of(book, self._rulebook, self._layout.most_positions)
        self.over[:], self._group_risk[:] = False, 0
        least = self._tables.limit.min(initial=np.inf)
        for first, last in self._layout.blocks:
            self._add_block(slice(first, last), self._tables, least)
        self._add_groups(np.arange(len(self._group_risk)), self._tables)
        self._weigh(np.arange(len(self.over)), self._tables)

    def follow(self, book: Book) -> None:
        """Take a book of the layout: only positions in symbols that changed are redone."""
        old = self._tables
        if old is None:
            return self.add_up(book)
        symbols = self._symbols.changed(book)
        if not len(symbols):
            return None
        self._symbols = Symbols.of(book)
        part = tables_of(Symbols.part(book, symbols), self._rulebook, self._layout.most_positions)
        new = self._tables = old.replaced(symbols, part)
        again, touched = self.over.copy(), self.over.copy()
        found = self._layout.by_symbol
        at = found.holding(symbols)
        for first in range(0, len(at), PART):
            self._move(at[first : first + PART], old, new, again)
        touched[found.row[at]] = True
        self._redo(np.flatnonzero(again), new)
        self._add_groups(self._groups_with(found.place[at]), new)
        self._weigh(np.flatnonzero(touched), new)
        return None

    def _move(self, at: Ints, old: Tables, new: Tables, again: Flags) -> None:
        """Replace what some positions added, and mark the rows where one is too large."""
        found = self._layout.by_symbol
        line, shares_e4, sign, alone = (
            found.line[at],
            found.shares_e4[at],
            found.sign[at],
            found.alone[at],
        )
        rows = found.row[at]
        rooms = self._rooms[:, :, : len(at)]
        before = _parts(old, line, shares_e4, sign, alone, rooms[0])
        after = _parts(new, line, shares_e4, sign, alone, rooms[1])
        np.subtract(after, before, out=before)
        for total, change in zip(self.sums, before, strict=True):
            np.add.at(total, rows, change)
        np.maximum.at(self._most, rows, after[GROSS])
        again[rows[after[GROSS] > new.limit[line]]] = True

    def _longest(self) -> int:
        starts = self._layout.starts
        return max((int(starts[b] - starts[a]) for a, b in self._layout.blocks), default=0)

    def _add_block(self, rows: slice, tables: Tables, least: np.float64) -> None:
        layout = self._layout
        first, last = int(layout.starts[rows.start]), int(layout.starts[rows.stop])
        places, begins = slice(first, last), layout.starts[rows] - first
        line = layout.line[places]
        room = self._room[:, : last - first]
        _fill(tables, line, layout.shares_e4[places], layout.sign[places], room)
        if len(layout.shared):
            room[RISK] *= layout.alone[places]
        for total, part in zip(self.sums, room[:SUMMED], strict=True):
            np.add.reduceat(part, begins, out=total[rows])
        np.maximum.reduceat(room[GROSS], begins, out=self._most[rows])
        if self._most[rows].max() > least:
            over = room[GROSS] > tables.limit[line]
            np.logical_or.reduceat(over, begins, out=self.over[rows])

    def _redo(self, rows: Ints, tables: Tables) -> None:
        """Add up some rows from nothing: a sum that was over may have lost its last digits."""
        if not len(rows):
            return
        layout = self._layout
        places, begins = layout.positions_of(rows), layout.run_starts(rows)
        columns = (layout.shares_e4, layout.sign, layout.alone)
        shares_e4, sign, alone = (column[places] for column in columns)
        room: Floats = np.empty((ROOM, len(places)))
        parts = _parts(tables, layout.line[places], shares_e4, sign, alone, room)
        self.sums[:, rows] = np.add.reduceat(parts, begins, axis=1)
        self._most[rows] = np.maximum.reduceat(parts[GROSS], begins)
        over = parts[GROSS] > tables.limit[layout.line[places]]
        self.over[rows] = np.logical_or.reduceat(over, begins)
        groups = np.flatnonzero(np.isin(layout.shared_account, layout.held[rows]))
        self._group_risk[groups] = 0
        self._add_groups(groups, tables)

    def _add_groups(self, groups: Ints, tables: Tables) -> None:
        """Bring the requirement of some shared class groups, and of their rows, up to date."""
        if not len(groups):
            return
        layout, starts = self._layout, self._layout.shared_starts
        places = layout.shared[expanded(starts[groups], starts[groups + 1])]
        counts = starts[groups + 1] - starts[groups]
        line = layout.line[places]
        value = np.rint(tables.price[line] * layout.shares_e4[places])
        points = np.rint(value[:, None] * tables.moves[line])
        lowest = np.add.reduceat(points, np.cumsum(counts) - counts, axis=0).min(axis=1)
        risk = np.rint(np.maximum(0, -lowest) * tables.to_cents)
        rows = np.searchsorted(layout.held, layout.shared_account[groups])
        np.add.at(self.sums[RISK], rows, risk - self._group_risk[groups])
        self._group_risk[groups] = risk

    def _groups_with(self, places: Ints) -> Ints:
        """Shared class groups that hold one of these positions."""
        layout = self._layout
        if not len(layout.shared):
            return np.zeros(0, np.int64)
        changed = np.zeros(len(layout.line), np.bool_)
        changed[places] = True
        return np.flatnonzero(
            np.logical_or.reduceat(changed[layout.shared], layout.shared_starts[:-1])
        )

    def _weigh(self, rows: Ints, tables: Tables) -> None:
        """The concentration add-on of some rows; only one with a heavy position is looked into."""
        layout = self._layout
        self.addon[rows] = 0
        limit = share_down(whole(self.sums[GROSS, rows]), self._weight_e4)
        heavy = self._most[rows] > limit
        rows, limit = rows[heavy], limit[heavy]
        if not len(rows):
            return
        places, begins = layout.positions_of(rows), layout.run_starts(rows)
        line = layout.line[places]
        value = np.rint(tables.price[line] * layout.shares_e4[places])
        counts = layout.starts[rows + 1] - layout.starts[rows]
        concentrated = (value > np.repeat(limit, counts)) & tables.eligible[line]
        addon = np.rint(value * tables.addon) * concentrated
        self.addon[rows] = np.add.reduceat(addon, begins)
        self._most[rows] = np.maximum.reduceat(value, begins)


def _parts(
    tables: Tables, line: Ints, shares_e4: Floats, sign: Floats, alone: Floats, room: Floats
) -> Floats:
    """What some positions add to each sum; those in shared class groups no risk of their own."""
    _fill(tables, line, shares_e4, sign, room)
    room[RISK] *= alone
    return room[:SUMMED]


def _fill(tables: Tables, line: Ints, shares_e4: Floats, sign: Floats, room: Floats) -> None:
    """What every position adds to each sum, into the rows of `room`; its last is scratch."""
    value, net, maintenance, reg_t, exposure, risk, spare = room
    np.take(tables.price, line, out=value, mode="clip")
    np.rint(np.multiply(value, shares_e4, out=value), out=value)
    np.multiply(value, sign, out=net)
    np.take(tables.maintenance, line, out=maintenance, mode="clip")
    np.multiply(maintenance, value, out=maintenance)
    np.take(tables.floor, line, out=spare, mode="clip")
    np.multiply(spare, shares_e4, out=spare)
    # Rounding keeps the order: the larger of two, rounded, is the larger of the two rounded.
    np.rint(np.maximum(maintenance, spare, out=maintenance), out=maintenance)
    np.rint(np.multiply(value, tables.reg_t, out=reg_t), out=reg_t)
    np.take(tables.exposure, line, out=exposure, mode="clip")
    np.rint(np.multiply(exposure, value, out=exposure), out=exposure)
    np.take(tables.deepest, line, out=risk, mode="clip")
    np.rint(np.multiply(risk, value, out=risk), out=risk)
    np.rint(np.multiply(risk, tables.to_cents, out=risk), out=risk)
