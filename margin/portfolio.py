"""The holdings of one account: cash and positions, moved by fills and cash movements."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum

from margin.errors import PortfolioError
from margin.money import VALUE_PLACES, ZERO, half_up


class AccountType(StrEnum):
    """How an account is margined. The method belongs to the account, never to the cheaper sum."""

    CASH = "cash"
    MARGIN = "margin"
    PORTFOLIO_MARGIN = "portfolio_margin"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fill:
    """One execution. Quantity: bought positive, sold negative. Price > 0, fee >= 0, in USD.

    `multiplier` > 0 is in shares per unit of quantity: 100 for most options, else 1.
    """

    fill_id: str
    account_id: str
    symbol: str
    quantity_shares: Decimal
    price_usd: Decimal
    fee_usd: Decimal = ZERO
    multiplier: Decimal = Decimal(1)
    liquidation_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CashMovement:
    """Cash into the account (positive) or out of it (negative), USD."""

    movement_id: str
    account_id: str
    amount_usd: Decimal
    kind: str


@dataclass(frozen=True, slots=True)
class Position:
    """Shares of one symbol, long positive, short negative."""

    symbol: str
    quantity_shares: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Portfolio:
    """Cash (a debit is negative) and positions of one account, sorted by symbol, none of 0."""

    account_id: str
    cash_usd: Decimal = ZERO
    positions: tuple[Position, ...] = ()

    def __post_init__(self) -> None:
        kept = (position for position in self.positions if position.quantity_shares)
        ordered = tuple(sorted(kept, key=lambda position: position.symbol))
        symbols = [position.symbol for position in ordered]
        if len(set(symbols)) != len(symbols):
            raise PortfolioError(f"one position per symbol expected, found {symbols}")
        object.__setattr__(self, "positions", ordered)

    def quantity_of(self, symbol: str) -> Decimal:
        """Shares held of a symbol, signed; 0 where there are none."""
        held = (p.quantity_shares for p in self.positions if p.symbol == symbol)
        return next(held, ZERO)


def market_value(position: Position, price_usd: Decimal) -> Decimal:
    """Market value of a position, USD, never negative: |quantity| x price, to 0.0001.

    Long and short sides stay apart. Source: FINRA Rule 4210(a), "current market value".

    >>> market_value(Position("TSLA", Decimal(-500)), Decimal("224"))
    Decimal('112000.0000')
    """
    return half_up(abs(position.quantity_shares) * price_usd, VALUE_PLACES)


def signed_market_value(position: Position, price_usd: Decimal) -> Decimal:
    """Market value of a position, USD, negative for a short. Never the basis of a requirement.

    Source: docs/03-beta-weighting.md.

    >>> signed_market_value(Position("TSLA", Decimal(-500)), Decimal("224"))
    Decimal('-112000.0000')
    """
    return market_value(position, price_usd).copy_sign(position.quantity_shares)


def apply_fill(portfolio: Portfolio, fill: Fill) -> Portfolio:
    """Portfolio after one execution; cash moves by -quantity x price x multiplier - fee, USD.

    Source: docs/04-architecture.md, "Fills move cash".

    >>> fill = Fill(fill_id="f1", account_id="A", symbol="NVDA", quantity_shares=Decimal(500),
    ...             price_usd=Decimal("400"))
    >>> after = apply_fill(Portfolio(account_id="A", cash_usd=Decimal("100000")), fill)
    >>> after.cash_usd, after.positions
    (Decimal('-100000.0000'), (Position(symbol='NVDA', quantity_shares=Decimal('500')),))
    """
    _check_fill(portfolio, fill)
    moved = Position(fill.symbol, fill.quantity_shares)
    held = portfolio.quantity_of(fill.symbol) + fill.quantity_shares
    others = tuple(p for p in portfolio.positions if p.symbol != fill.symbol)
    paid_usd = signed_market_value(moved, fill.price_usd * fill.multiplier)
    return replace(
        portfolio,
        cash_usd=portfolio.cash_usd - paid_usd - fill.fee_usd,
        positions=(*others, Position(fill.symbol, held)),
    )


def apply_cash(portfolio: Portfolio, movement: CashMovement) -> Portfolio:
    """Portfolio after one cash movement, USD; deposits positive, withdrawals negative.

    Source: docs/04-architecture.md, "Cash comes from cash.v1 and fills".

    >>> deposit = CashMovement(movement_id="c1", account_id="A", amount_usd=Decimal("8000"),
    ...                        kind="deposit")
    >>> apply_cash(Portfolio(account_id="A"), deposit).cash_usd
    Decimal('8000')
    """
    _check_account(portfolio, movement.account_id)
    return replace(portfolio, cash_usd=portfolio.cash_usd + movement.amount_usd)


def equity(portfolio: Portfolio, prices_usd: Mapping[str, Decimal]) -> Decimal:
    """Cash + long market value - short market value, USD, signed.

    Source: 12 CFR 220.2; FINRA Rule 4210(a)(5).

    >>> book = Portfolio(account_id="A", cash_usd=Decimal("-117000"),
    ...                  positions=(Position("NVDA", Decimal(500)),))
    >>> equity(book, {"NVDA": Decimal("342.40")})
    Decimal('54200.0000')
    """
    missing = [p.symbol for p in portfolio.positions if p.symbol not in prices_usd]
    if missing:
        raise PortfolioError(f"a price for every position expected, none for {missing}")
    values = (signed_market_value(p, prices_usd[p.symbol]) for p in portfolio.positions)
    return portfolio.cash_usd + sum(values, ZERO)


def _check_account(portfolio: Portfolio, account_id: str) -> None:
    if account_id != portfolio.account_id:
        raise PortfolioError(f"account {portfolio.account_id} expected, was {account_id}")


def _check_fill(portfolio: Portfolio, fill: Fill) -> None:
    _check_account(portfolio, fill.account_id)
    if fill.price_usd <= 0:
        raise PortfolioError(f"price for {fill.symbol} must be > 0, was {fill.price_usd}")
    if fill.multiplier <= 0:
        raise PortfolioError(f"multiplier for {fill.symbol} must be > 0, was {fill.multiplier}")
    if not fill.quantity_shares:
        raise PortfolioError(f"quantity of fill {fill.fill_id} must not be 0")
    if fill.fee_usd < 0:
        raise PortfolioError(f"fee of fill {fill.fill_id} must be >= 0, was {fill.fee_usd}")
