"""Closing a position of an account with options: the class of the symbol is paired anew."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

from margin.assessment import requirement_of
from margin.errors import MarginError
from margin.market import Market
from margin.money import ZERO
from margin.portfolio import AccountType, Portfolio, Position
from margin.requirements import Requirements, requirements_of
from margin.rulebook import Rulebook
from margin.valuation import as_of_date, position_figures


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
        excess_usd, _ = self.after(abs(self.closing.position.quantity_shares))
        return excess_usd - (self._equity_usd - self._counted(self._before))

    def _counted(self, needed: Requirements) -> Decimal:
        house_usd = needed.maintenance_usd + needed.concentration_usd
        return requirement_of(self._account_type, house_usd, needed.portfolio_margin_usd)


def order_of_options(trial: OptionTrial) -> tuple[bool, Decimal, Decimal, str]:
    """Place of a position in the order of closing: first what lowers the requirement.

    Then by beta, release per dollar and name. Source: docs/01-finra-4210.md, "Liquidation sizing".

    >>> order_of_options.__name__
    'order_of_options'
    """
    released_usd = trial.released_usd()
    f = trial.closing
    # Only an order of sale: no requirement depends on this quotient.
    per_dollar = released_usd / f.market_value_usd if f.market_value_usd else ZERO
    return released_usd <= 0, -f.beta, -per_dollar, f.symbol
