"""Closing a position of an account with options: the class of the symbol is paired anew."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from decimal import ROUND_FLOOR, Decimal
from typing import Final

from margin.assessment import requirement_of
from margin.errors import MarginError
from margin.market import Market
from margin.money import ZERO
from margin.portfolio import AccountType, Portfolio, Position
from margin.requirements import Requirements, requirements_of
from margin.rulebook import Rulebook
from margin.valuation import PositionFigures, as_of_date, position_figures

SAMPLES: Final = 32


def has_options(portfolio: Portfolio, market: Market) -> bool:
    """Whether a position of a priced portfolio is an option.

    Source: docs/01-finra-4210.md, "Liquidation sizing".

    >>> has_options(Portfolio(account_id="A"), Market(quotes={}, betas={}, instruments={}))
    False
    """
    return any(market.instruments[p.symbol].option is not None for p in portfolio.positions)


class OptionTrial:
    """One account with one position to shrink, in shares or contracts; amounts in USD.

    The day is that of the newest quote. Classes that the position is not in are computed once.
    """

    def __init__(
        self,
        portfolio: Portfolio,
        account_type: AccountType,
        market: Market,
        rulebook: Rulebook,
        symbol: str,
    ) -> None:
        """MarginError where the symbol is not held."""
        self._portfolio, self._account_type = portfolio, account_type
        self._market, self._rulebook = market, rulebook
        figures = position_figures(portfolio, market, rulebook)
        closing = next((f for f in figures if f.symbol == symbol), None)
        if closing is None:
            raise MarginError(f"a position in {symbol} expected, found none")
        self.closing = closing
        self._on: date = as_of_date(max(quote.at_ms for quote in market.quotes.values()))
        self._equity_usd = portfolio.cash_usd + sum((f.signed_value_usd for f in figures), ZERO)
        own = symbol if closing.option is None else closing.option.terms.underlying
        self._before = requirements_of(figures, rulebook, self._on)
        self._known = {name: c for name, c in self._before.classes.items() if name != own}
        self.excess_usd = self._equity_usd - self._counted(self._before)

    def after(self, quantity: Decimal) -> tuple[Decimal, Decimal]:
        """Excess and gross value, USD, once so much is closed at the latest price."""
        held = self.closing.position.quantity_shares
        left = Position(self.closing.symbol, held - quantity.copy_sign(held))
        others = (p for p in self._portfolio.positions if p.symbol != left.symbol)
        kept = replace(self._portfolio, positions=(*others, left))
        figures = position_figures(kept, self._market, self._rulebook)
        gross_usd = sum((f.market_value_usd for f in figures), ZERO)
        needed = requirements_of(figures, self._rulebook, self._on, self._known)
        # A sale at the latest price turns value into cash: equity stays.
        return self._equity_usd - self._counted(needed), gross_usd

    def released_usd(self) -> Decimal:
        """What closing the whole position takes off the requirement, USD; below 0 it adds."""
        return self._released_by(abs(self.closing.position.quantity_shares))

    def most_released_usd(self) -> Decimal:
        """What closing a part of the position takes off at most, USD, of up to 32 parts."""
        return max(map(self._released_by, self._parts()), default=ZERO)

    def _released_by(self, quantity: Decimal) -> Decimal:
        excess_usd, _ = self.after(quantity)
        return excess_usd - self.excess_usd

    def _parts(self) -> Iterator[Decimal]:
        whole = int(abs(self.closing.position.quantity_shares).to_integral_value(ROUND_FLOOR))
        # Evenly spaced, and one share: where only that helps, the first parts would miss it.
        yield from map(Decimal, sorted({1, *(whole * n // SAMPLES for n in range(SAMPLES))} - {0}))

    def _counted(self, needed: Requirements) -> Decimal:
        house_usd = needed.maintenance_usd + needed.concentration_usd
        return requirement_of(self._account_type, house_usd, needed.portfolio_margin_usd)


def order_of_options(trial: OptionTrial) -> tuple[int, Decimal, Decimal, str]:
    """Place of a position in the order of closing, by what that does to the requirement.

    First those whose closing lowers it: by beta, release per dollar and name. Then those of which
    only a part may go: by release. Then those that leave it as it is. In a perfect hedge whatever
    goes raises it: there short options are bought in first, then stock goes, and long options,
    which protect, are the last. Source: docs/01-finra-4210.md, "Liquidation sizing".

    >>> order_of_options.__name__
    'order_of_options'
    """
    f, released_usd = trial.closing, trial.released_usd()
    if released_usd > 0:
        # Only an order of sale: no requirement depends on this quotient.
        per_dollar = released_usd / f.market_value_usd if f.market_value_usd else ZERO
        return 0, -f.beta, -per_dollar, f.symbol
    part_usd = trial.most_released_usd()
    if part_usd > 0:
        return 1, -part_usd, ZERO, f.symbol
    if not released_usd:
        return 2, -f.beta, ZERO, f.symbol
    return _last_resort(f), -released_usd, ZERO, f.symbol


def _last_resort(f: PositionFigures) -> int:
    if f.option is None:
        return 4
    return 3 if f.position.quantity_shares < 0 else 5
