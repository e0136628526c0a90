"""How much of which position to liquidate: the smallest whole-share order that cures."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from margin.assessment import requirement_of
from margin.errors import MarginError
from margin.house import concentration_addon
from margin.liquidation_options import OptionTrial, has_options, order_of_options
from margin.maintenance import maintenance_requirement
from margin.market import Market
from margin.money import VALUE_PLACES, ZERO, half_up
from margin.portfolio import AccountType, Portfolio, Position, market_value
from margin.rulebook import Rulebook
from margin.valuation import PositionFigures, portfolio_margin, position_figures, reposition


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What must be reached: an excess in USD, and a fraction of the gross value that is left."""

    excess_usd: Decimal = ZERO
    gross_rate: Decimal = ZERO


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizing:
    """Shares or contracts to close, and what follows, USD; None where no quantity cures.

    `fallback_shares` is what goes where none cures.
    """

    fallback_shares: Decimal
    shares: Decimal | None
    excess_after_usd: Decimal | None
    proceeds_usd: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LiquidationOrder:
    """The order: sell negative, buy positive. Figures in USD after it is filled at `price_usd`.

    `excess_after_usd` is None where the whole position does not cure the account.
    `unsecured_debit_usd` is what no collateral covers: max(0, -equity).
    """

    symbol: str
    quantity_shares: Decimal
    price_usd: Decimal
    excess_after_usd: Decimal | None
    unsecured_debit_usd: Decimal


def size_liquidation(
    portfolio: Portfolio,
    account_type: AccountType,
    market: Market,
    rulebook: Rulebook,
    symbol: str,
    target: Target | None = None,
) -> Sizing:
    """Smallest whole-share order in one symbol after which the excess reaches the target, USD.

    Recomputed share by share, because weights change and the release is not linear. The last
    candidate is the whole position. Source: docs/01-finra-4210.md, "Liquidation sizing".

    >>> from margin.market import Instrument, Kind, Quote
    >>> from margin.rulebook import REFERENCE
    >>> book = Portfolio(account_id="A", cash_usd=Decimal("-117000"),
    ...                  positions=(Position("NVDA", Decimal(500)),))
    >>> market = Market(quotes={"NVDA": Quote(Decimal("342.40"), 0)}, betas={},
    ...                 instruments={"NVDA": Instrument(symbol="NVDA", kind=Kind.STOCK)})
    >>> size_liquidation(book, AccountType.MARGIN, market, REFERENCE, "NVDA").shares
    Decimal('48')
    """
    aim = target if target is not None else Target()
    trial: _Trial | OptionTrial = (
        OptionTrial(portfolio, account_type, market, rulebook, symbol)
        if has_options(portfolio, market)
        else _trial(portfolio, account_type, market, rulebook, symbol)
    )
    unit_usd = trial.closing.price_usd * trial.closing.instrument.multiplier
    whole = abs(trial.closing.position.quantity_shares)
    before_usd, _ = trial.after(ZERO)
    best_usd, best = before_usd, whole
    for shares in _candidates(whole):
        excess_usd, gross_usd = trial.after(shares)
        if excess_usd > before_usd and excess_usd >= best_usd:
            best_usd, best = excess_usd, shares
        if excess_usd >= max(aim.excess_usd, aim.gross_rate * gross_usd):
            return Sizing(
                fallback_shares=shares,
                shares=shares,
                excess_after_usd=excess_usd,
                proceeds_usd=half_up(shares * unit_usd, VALUE_PLACES),
            )
    # Without options the whole position goes; with them the rest of it may protect another.
    fallback = best if isinstance(trial, OptionTrial) else whole
    return Sizing(fallback_shares=fallback, shares=None, excess_after_usd=None, proceeds_usd=None)


def buffer_target(deficiency_usd: Decimal, rulebook: Rulebook) -> Target:
    """Target of an excess of 10 % of the deficiency (USD, >= 0).

    Source: reference design, exercise 5.

    >>> from margin.rulebook import REFERENCE
    >>> buffer_target(Decimal(5720), REFERENCE).excess_usd
    Decimal('572.00')
    """
    return Target(excess_usd=deficiency_usd * rulebook.liquidation_buffer_rate.value)


def warning_target(rulebook: Rulebook) -> Target:
    """Target that clears the warning: an excess of 5 % of the gross value that is left.

    Source: docs/01-finra-4210.md, "Liquidation sizing".

    >>> from margin.rulebook import REFERENCE
    >>> warning_target(REFERENCE).gross_rate
    Decimal('0.05')
    """
    return Target(gross_rate=rulebook.warning_rate.value)


def choose_symbol(
    portfolio: Portfolio,
    market: Market,
    rulebook: Rulebook,
    account_type: AccountType = AccountType.MARGIN,
) -> str:
    """Symbol to liquidate first: highest beta, then largest release per dollar, then by name.

    With options, one whose closing lowers the requirement comes before any that does not.
    Source: reference design, exercise 5; docs/01-finra-4210.md, "Liquidation sizing".

    >>> from margin.market import Instrument, Kind, Quote
    >>> from margin.rulebook import REFERENCE
    >>> book = Portfolio(account_id="A", positions=(Position("KO", Decimal(9)),))
    >>> market = Market(quotes={"KO": Quote(Decimal(60), 0)}, betas={},
    ...                 instruments={"KO": Instrument(symbol="KO", kind=Kind.STOCK)})
    >>> choose_symbol(book, market, REFERENCE)
    'KO'
    """
    figures = position_figures(portfolio, market, rulebook)
    if not figures:
        raise MarginError(f"a position to liquidate expected in {portfolio.account_id}, found none")
    if has_options(portfolio, market):
        orders = {
            f.symbol: order_of_options(
                OptionTrial(portfolio, account_type, market, rulebook, f.symbol)
            )
            for f in figures
        }
        return min(orders, key=lambda symbol: orders[symbol])
    return min(figures, key=_order_of_sale).symbol


def plan_liquidation(
    portfolio: Portfolio,
    account_type: AccountType,
    market: Market,
    rulebook: Rulebook,
    target: Target | None = None,
) -> LiquidationOrder:
    """The next liquidation order of an account: shares signed, figures in USD.

    The smallest order in the chosen symbol that cures, else the whole of that position; with
    options, else so much of it as leaves the highest excess.
    Source: docs/01-finra-4210.md, "Liquidation sizing".

    >>> from margin.market import Instrument, Kind, Quote
    >>> from margin.rulebook import REFERENCE
    >>> book = Portfolio(account_id="A", cash_usd=Decimal("150000"),
    ...                  positions=(Position("TSLA", Decimal(-500)),))
    >>> market = Market(quotes={"TSLA": Quote(Decimal(224), 0)}, betas={},
    ...                 instruments={"TSLA": Instrument(symbol="TSLA", kind=Kind.STOCK)})
    >>> plan_liquidation(book, AccountType.MARGIN, market, REFERENCE).quantity_shares
    Decimal('76')
    """
    symbol = choose_symbol(portfolio, market, rulebook, account_type)
    sizing = size_liquidation(portfolio, account_type, market, rulebook, symbol, target)
    held_shares = portfolio.quantity_of(symbol)
    shares = sizing.fallback_shares if sizing.shares is None else sizing.shares
    figures = position_figures(portfolio, market, rulebook)
    equity_usd = portfolio.cash_usd + sum((f.signed_value_usd for f in figures), ZERO)
    return LiquidationOrder(
        symbol=symbol,
        quantity_shares=-shares if held_shares > 0 else shares,
        price_usd=market.quotes[symbol].price_usd,
        excess_after_usd=sizing.excess_after_usd,
        unsecured_debit_usd=max(ZERO, -equity_usd),
    )


def shares_to_release(amount_usd: Decimal, rate: Decimal, price_usd: Decimal) -> Decimal:
    """Whole shares whose sale releases an amount (USD, >= 0) at one fixed rate, rounded up.

    A first estimate: it ignores that weights change. Source: FINRA Rule 4210(c)(1).

    >>> shares_to_release(Decimal(5720), Decimal("0.35"), Decimal("342.40"))
    Decimal('48')
    """
    return (amount_usd / (rate * price_usd)).to_integral_value(ROUND_CEILING)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Trial:
    """One account with one position to shrink; the others stay as they are."""

    account_type: AccountType
    equity_usd: Decimal
    closing: PositionFigures
    others: tuple[PositionFigures, ...]
    others_gross_usd: Decimal
    others_maintenance_usd: Decimal
    rulebook: Rulebook

    def after(self, shares: Decimal) -> tuple[Decimal, Decimal]:
        """Excess and gross value, USD, once that many shares are closed at the latest price."""
        held = self.closing.position.quantity_shares
        left = held - shares.copy_sign(held)
        value_usd = market_value(Position(self.closing.symbol, left), self.closing.price_usd)
        gross_usd = self.others_gross_usd + value_usd
        # A sale at the latest price turns value into cash: equity stays.
        return self.equity_usd - self._requirement(left, value_usd, gross_usd), gross_usd

    def _requirement(self, left: Decimal, value_usd: Decimal, gross_usd: Decimal) -> Decimal:
        if self.account_type is AccountType.PORTFOLIO_MARGIN:
            moved = reposition(self.closing, left)
            risks = portfolio_margin((*self.others, moved), self.rulebook)
            margin_usd = sum((risk.requirement_usd for risk in risks), ZERO)
            return requirement_of(self.account_type, ZERO, margin_usd)
        closing, rules = self.closing, self.rulebook
        position = Position(closing.symbol, left)
        kept_usd = maintenance_requirement(position, closing.price_usd, closing.instrument, rules)
        kept_usd += concentration_addon(value_usd, gross_usd, closing.instrument.kind, rules)
        addons = (
            concentration_addon(f.market_value_usd, gross_usd, f.instrument.kind, rules)
            for f in self.others
        )
        house_usd = self.others_maintenance_usd + kept_usd + sum(addons, ZERO)
        return requirement_of(self.account_type, house_usd, ZERO)


def _trial(
    portfolio: Portfolio,
    account_type: AccountType,
    market: Market,
    rulebook: Rulebook,
    symbol: str,
) -> _Trial:
    figures = position_figures(portfolio, market, rulebook)
    closing = next((f for f in figures if f.symbol == symbol), None)
    if closing is None:
        raise MarginError(f"a position in {symbol} expected, found none")
    others = tuple(f for f in figures if f.symbol != symbol)
    return _Trial(
        account_type=account_type,
        equity_usd=portfolio.cash_usd + sum((f.signed_value_usd for f in figures), ZERO),
        closing=closing,
        others=others,
        others_gross_usd=sum((f.market_value_usd for f in others), ZERO),
        others_maintenance_usd=sum((f.maintenance_usd for f in others), ZERO),
        rulebook=rulebook,
    )


def _candidates(held_shares: Decimal) -> Iterator[Decimal]:
    whole = int(abs(held_shares).to_integral_value(ROUND_FLOOR))
    yield from (Decimal(shares) for shares in range(1, whole + 1))
    if whole != abs(held_shares):
        yield abs(held_shares)


def _order_of_sale(f: PositionFigures) -> tuple[Decimal, Decimal, str]:
    release_usd = f.maintenance_usd + f.concentration_usd
    # Only an order of sale: no requirement depends on this quotient.
    per_dollar = release_usd / f.market_value_usd if f.market_value_usd else ZERO
    return -f.beta, -per_dollar, f.symbol
