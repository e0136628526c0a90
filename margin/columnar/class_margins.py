"""Margin of classes with options under the strategy rules, for many accounts, paired once.

The pairing is the scalar one: the same class with the same prices is not paired again.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final, TypeAlias

import numpy as np

from margin.columnar.arithmetic import E4, Flags, Ints, e4
from margin.columnar.book import KINDS, Book
from margin.columnar.series import day_of
from margin.market import OptionTerms, Right, Style
from margin.option_book import Holding, OptionLeg, Underlying
from margin.option_margin import class_margin
from margin.rulebook import Rulebook

EPOCH_DAY: Final = date(1970, 1, 1).toordinal()

# Underlying, stock, legs and day: all that a class margin depends on.
Key: TypeAlias = tuple[Underlying, Holding | None, tuple[OptionLeg, ...], int]


@dataclass(frozen=True, slots=True, kw_only=True)
class ByAccount:
    """Maintenance and initial margin of all classes with options, 1e-4 USD by account.

    `in_class`: positions that these contain, options and the stock that they are on.
    """

    maintenance_usd_e4: Ints
    initial_usd_e4: Ints
    in_class: Flags


class ClassMargins:
    """Class margins of one book after another; what was paired for the last one is known."""

    def __init__(self, rulebook: Rulebook) -> None:
        """Nothing is paired yet."""
        self._rulebook = rulebook
        self._known: dict[Key, tuple[int, int]] = {}

    def of(self, book: Book, priced: Flags, maintenance_usd_e4: Ints) -> ByAccount:
        """Margins of the accounts that are `priced`.

        `maintenance_usd_e4`: of every position as if it stood alone, 1e-4 USD.
        """
        accounts = len(book.cash_usd_e4)
        maintenance, initial = np.zeros(accounts, np.int64), np.zeros(accounts, np.int64)
        in_class: Flags = np.zeros(len(book.account), np.bool_)
        legs = _Legs(book)
        used: dict[Key, tuple[int, int]] = {}
        for (account, of), places, stock in _classes(book, priced):
            in_class[places] = True
            holding = None
            if stock is not None:
                in_class[stock] = True
                holding = legs.holding(stock, int(maintenance_usd_e4[stock]))
            key = (legs.underlying(of), holding, tuple(map(legs.leg, places)), day_of(book))
            found = self._known.get(key) or used.get(key) or self._paired(key)
            used[key] = found
            maintenance[account] += found[0]
            initial[account] += found[1]
        self._known = used
        return ByAccount(maintenance_usd_e4=maintenance, initial_usd_e4=initial, in_class=in_class)

    def _paired(self, key: Key) -> tuple[int, int]:
        underlying, holding, legs, day = key
        on = date.fromordinal(EPOCH_DAY + day)
        found = class_margin(holding, legs, underlying, self._rulebook, on)
        return e4(found.maintenance_usd), e4(found.initial_usd)


def _classes(book: Book, priced: Flags) -> Iterator[tuple[tuple[int, int], list[int], int | None]]:
    """Account and underlying, places of the options on it, and that of its stock."""
    option = book.is_option[book.symbol]
    places: dict[tuple[int, int], list[int]] = {}
    for at in np.flatnonzero(option & priced[book.account]).tolist():
        key = int(book.account[at]), int(book.underlying[book.symbol[at]])
        places.setdefault(key, []).append(at)
    if not places:
        return
    stocks = np.flatnonzero(~option & priced[book.account])
    at_stock = {(int(book.account[at]), int(book.symbol[at])): at for at in stocks.tolist()}
    for key, held in places.items():
        yield key, held, at_stock.get(key)


class _Legs:
    """The scalar values of a book's symbols, made once; a symbol is named by its number."""

    def __init__(self, book: Book) -> None:
        self._book = book
        self._terms: dict[int, OptionTerms] = {}
        self._underlyings: dict[int, Underlying] = {}

    def leg(self, at: int) -> OptionLeg:
        symbol = int(self._book.symbol[at])
        contracts = Decimal(int(self._book.quantity_e4[at]) // E4)
        price_usd = _number(self._book.price_usd_e4[symbol])
        return OptionLeg(_name(symbol), self._terms_of(symbol), contracts, price_usd)

    def holding(self, at: int, maintenance_usd_e4: int) -> Holding:
        symbol = int(self._book.symbol[at])
        return Holding(
            _name(symbol),
            _number(self._book.quantity_e4[at]),
            _number(self._book.price_usd_e4[symbol]),
            _number(maintenance_usd_e4),
        )

    def underlying(self, symbol: int) -> Underlying:
        if symbol not in self._underlyings:
            book = self._book
            self._underlyings[symbol] = Underlying(
                _name(symbol),
                _number(book.price_usd_e4[symbol]),
                KINDS[int(book.kind[symbol])],
                _number(book.leverage_e4[symbol]),
            )
        return self._underlyings[symbol]

    def _terms_of(self, symbol: int) -> OptionTerms:
        if symbol not in self._terms:
            book = self._book
            self._terms[symbol] = OptionTerms(
                underlying=_name(int(book.underlying[symbol])),
                right=Right.CALL if book.is_call[symbol] else Right.PUT,
                strike_usd=_number(book.strike_usd_e4[symbol]),
                expires_on=date.fromordinal(EPOCH_DAY + int(book.expires_day[symbol])),
                style=Style.AMERICAN if book.is_american[symbol] else Style.EUROPEAN,
                multiplier=_number(book.multiplier_e4[symbol]),
            )
        return self._terms[symbol]


def _name(symbol: int) -> str:
    return f"{symbol:010d}"


def _number(number_e4: int | np.int64) -> Decimal:
    return Decimal(int(number_e4)).scaleb(-4)
