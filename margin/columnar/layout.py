"""How the positions of a book lie: made once for a composition, used for every valuation of it."""

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np

from margin.columnar.arithmetic import SUM_LIMIT, Flags, Floats, Ints
from margin.columnar.book import Book
from margin.columnar.class_groups import expanded

BLOCK: Final = 16_384


@dataclass(frozen=True, slots=True, kw_only=True)
class BySymbol:
    """Positions in the order of symbols: those of one symbol lie together in memory."""

    starts: Ints
    place: Ints
    row: Ints
    line: Ints
    shares_e4: Floats
    sign: Floats
    alone: Floats

    def holding(self, symbols: Ints) -> Ints:
        """Where the positions in some symbols are in this order."""
        return expanded(self.starts[symbols], self.starts[symbols + 1])


class Layout:
    """Positions in runs by account, symbol and class group. A row is an account that holds some."""

    def __init__(self, book: Book) -> None:
        """Read the positions of a book; nothing of its prices, cash or account types."""
        self.account, self.symbol = book.account, book.symbol
        self.quantity_e4, self.class_group = book.quantity_e4, book.class_group.copy()
        self.accounts = len(book.cash_usd_e4)
        counts = np.bincount(book.account, minlength=self.accounts)
        self.held = np.flatnonzero(counts)
        ends = np.cumsum(counts[self.held])
        self.starts: Ints = np.append(0, ends)
        self.most_positions = int(counts.max(initial=1))
        is_short = book.quantity_e4 < 0
        self.line: Ints = book.symbol * 2 + is_short
        self.shares_e4: Floats = np.abs(book.quantity_e4).astype(np.float64)
        self.sign: Floats = 1 - np.float64(2) * is_short
        # So many shares that even without a price their floor may be too much for an account.
        hoard = self.shares_e4 > SUM_LIMIT // (16 * self.most_positions)
        self.hoarding: Flags = np.zeros(self.accounts, np.bool_)
        self.hoarding[book.account[hoard]] = True
        self.blocks = self._blocks()
        self._find_shared()

    def fits(self, book: Book) -> bool:
        """Whether a book has the same accounts, positions and class groups.

        The arrays of positions are taken as unchanged where they are the same objects.
        """
        pairs = (
            (self.account, book.account),
            (self.symbol, book.symbol),
            (self.quantity_e4, book.quantity_e4),
        )
        same = all(mine is theirs or np.array_equal(mine, theirs) for mine, theirs in pairs)
        same = same and np.array_equal(self.class_group, book.class_group)
        return same and self.accounts == len(book.cash_usd_e4)

    @cached_property
    def row(self) -> Ints:
        """Row of every position."""
        return np.repeat(np.arange(len(self.held)), np.diff(self.starts))

    @cached_property
    def by_symbol(self) -> "BySymbol":
        """The positions in the order of their symbols."""
        few = len(self.class_group) <= np.iinfo(np.uint16).max
        order = np.argsort(self.symbol.astype(np.uint16) if few else self.symbol, kind="stable")
        counts = np.bincount(self.symbol, minlength=len(self.class_group))
        return BySymbol(
            starts=np.append(0, np.cumsum(counts)),
            place=order,
            row=self.row[order],
            line=self.line[order],
            shares_e4=self.shares_e4[order],
            sign=self.sign[order],
            alone=self.alone[order],
        )

    def positions_of(self, rows: Ints) -> Ints:
        """Places of the positions of some rows, row by row."""
        return expanded(self.starts[rows], self.starts[rows + 1])

    def run_starts(self, rows: Ints) -> Ints:
        """Where the run of each row starts among `positions_of` these rows."""
        counts = self.starts[rows + 1] - self.starts[rows]
        begins: Ints = np.cumsum(counts) - counts
        return begins

    def _blocks(self) -> list[tuple[int, int]]:
        """Ranges of rows with about BLOCK positions: what is worked on stays in the cache."""
        marks = np.arange(BLOCK, int(self.starts[-1]), BLOCK)
        cuts = np.unique([0, *np.searchsorted(self.starts, marks).tolist(), len(self.held)])
        return list(zip(cuts[:-1].tolist(), cuts[1:].tolist(), strict=True))

    def _find_shared(self) -> None:
        """The positions whose class group another position of the account shares, group by group.

        Most class groups have one symbol, and then there is nothing to sort.
        """
        used = np.bincount(self.symbol, minlength=len(self.class_group)) > 0
        span = int(self.class_group.max(initial=0)) + 1
        holders = np.bincount(self.class_group[used], minlength=span)
        crowded: Flags = (holders[self.class_group] > 1) & used
        some = np.flatnonzero(crowded[self.symbol]) if crowded.any() else np.zeros(0, np.int64)
        key = self.account[some] * span + self.class_group[self.symbol[some]]
        order = np.argsort(key)
        ordered = key[order]
        first = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1])[: len(ordered)])
        counts = np.diff(np.append(first, len(ordered)))
        several = counts > 1
        self.shared: Ints = some[order[expanded(first[several], (first + counts)[several])]]
        self.shared_starts: Ints = np.append(0, np.cumsum(counts[several]))
        self.alone: Floats = np.ones(len(self.line))
        self.alone[self.shared] = 0
        self.shared_account: Ints = self.account[self.shared[self.shared_starts[:-1]]]
