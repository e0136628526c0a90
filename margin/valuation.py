"""Every position of an account with its price, and its part of every total."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from itertools import groupby
from typing import Final

from margin.exposure import beta_weighted_value
from margin.house import concentration_addon
from margin.maintenance import maintenance_requirement
from margin.market import Instrument, Market, OptionTerms
from margin.money import CENT_PLACES, VALUE_PLACES, ZERO, half_up
from margin.portfolio import Portfolio, Position, market_value, signed_market_value
from margin.reg_t import initial_requirement
from margin.rulebook import Rulebook
from margin.tims import (
    ClassGroupRisk,
    class_group_risk,
    minimum_charge,
    option_points,
    position_points,
    tims_moves,
)

DAY_MS: Final = 86_400_000
_EPOCH_ORDINAL: Final = date(1970, 1, 1).toordinal()


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionFigures:
    """What an option is valued from: USD per share, its values from the deepest fall upward."""

    terms: OptionTerms
    underlying: Instrument
    underlying_price_usd: Decimal
    theoretical_usd: tuple[Decimal, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionFigures:
    """One position, what is known of it, and its part of every total, in USD."""

    position: Position
    price_usd: Decimal
    beta: Decimal
    instrument: Instrument
    signed_value_usd: Decimal
    maintenance_usd: Decimal
    concentration_usd: Decimal
    reg_t_usd: Decimal
    beta_weighted_usd: Decimal
    option: OptionFigures | None = None

    @property
    def symbol(self) -> str:
        """Symbol of the position."""
        return self.position.symbol

    @property
    def market_value_usd(self) -> Decimal:
        """Market value, USD, never negative."""
        return abs(self.signed_value_usd)


def as_of_date(as_of_ms: int) -> date:
    """UTC date of a moment in ms since 1970.

    Source: docs/01-finra-4210.md, "The figures of an account".

    >>> as_of_date(86_399_999), as_of_date(86_400_000)
    (datetime.date(1970, 1, 1), datetime.date(1970, 1, 2))
    """
    return date.fromordinal(_EPOCH_ORDINAL + as_of_ms // DAY_MS)


def position_figures(
    portfolio: Portfolio, market: Market, rulebook: Rulebook
) -> tuple[PositionFigures, ...]:
    """Every position valued, with its part of each total, USD, in the order of symbols.

    The portfolio must be priced: see margin/flags.py. An option has no part of maintenance and
    Regulation T of its own: its class has. Its value is |contracts| x price x multiplier.
    Source: docs/01-finra-4210.md, "The figures of an account".

    >>> from margin.rulebook import REFERENCE
    >>> market = Market(quotes={}, betas={}, instruments={})
    >>> position_figures(Portfolio(account_id="A"), market, REFERENCE)
    ()
    """
    gross_usd = sum(
        (market_value(p, _unit_price(p.symbol, market)) for p in portfolio.positions), ZERO
    )
    return tuple(
        _stock_figures(p, gross_usd, market, rulebook)
        if (terms := market.instruments[p.symbol].option) is None
        else _option_figures(p, terms, market, rulebook)
        for p in portfolio.positions
    )


def portfolio_margin(
    figures: Iterable[PositionFigures], rulebook: Rulebook
) -> tuple[ClassGroupRisk, ...]:
    """Ten-point risk of every class group, in the order of their names, before any relief.

    Positions on one underlying offset in full. USD.
    Source: FINRA Rule 4210(g); docs/02-what-is-tims.md.

    >>> from margin.rulebook import REFERENCE
    >>> portfolio_margin([], REFERENCE)
    ()
    """
    ordered = sorted(figures, key=_class_group)
    groups = ((name, list(held)) for name, held in groupby(ordered, key=_class_group))
    return tuple(
        class_group_risk(
            name,
            [_points(f, rulebook) for f in held],
            sum((_minimum(f, rulebook) for f in held), ZERO),
        )
        for name, held in groups
    )


def reposition(figures: PositionFigures, quantity_shares: Decimal) -> PositionFigures:
    """The same position with another quantity (shares, signed): only its value, USD, is redone.

    Source: docs/01-finra-4210.md, "Liquidation sizing".

    >>> reposition.__name__
    'reposition'
    """
    position = Position(figures.symbol, quantity_shares)
    unit_usd = figures.price_usd * figures.instrument.multiplier
    value_usd = signed_market_value(position, unit_usd)
    return replace(figures, position=position, signed_value_usd=value_usd)


def _class_group(figures: PositionFigures) -> str:
    return figures.instrument.class_group


def _unit_price(symbol: str, market: Market) -> Decimal:
    return market.quotes[symbol].price_usd * market.instruments[symbol].multiplier


def _points(f: PositionFigures, rulebook: Rulebook) -> tuple[Decimal, ...]:
    if f.option is None:
        return position_points(f.signed_value_usd, tims_moves(f.instrument, rulebook))
    contracts = f.position.quantity_shares
    return option_points(contracts, f.instrument.multiplier, f.price_usd, f.option.theoretical_usd)


def _minimum(f: PositionFigures, rulebook: Rulebook) -> Decimal:
    if f.option is None:
        return ZERO
    contracts = f.position.quantity_shares
    return minimum_charge(contracts, f.instrument.multiplier, f.market_value_usd, rulebook)


def _stock_figures(
    position: Position, gross_usd: Decimal, market: Market, rulebook: Rulebook
) -> PositionFigures:
    price_usd = market.quotes[position.symbol].price_usd
    instrument = market.instruments[position.symbol]
    beta = market.betas.get(position.symbol, rulebook.missing_beta.value)
    value_usd = market_value(position, price_usd)
    return PositionFigures(
        position=position,
        price_usd=price_usd,
        beta=beta,
        instrument=instrument,
        signed_value_usd=signed_market_value(position, price_usd),
        maintenance_usd=maintenance_requirement(position, price_usd, instrument, rulebook),
        concentration_usd=concentration_addon(value_usd, gross_usd, instrument.kind, rulebook),
        reg_t_usd=initial_requirement(value_usd, rulebook),
        beta_weighted_usd=beta_weighted_value(position, price_usd, beta),
    )


def _option_figures(
    position: Position, terms: OptionTerms, market: Market, rulebook: Rulebook
) -> PositionFigures:
    underlying = market.instruments[terms.underlying]
    beta = market.betas.get(terms.underlying, rulebook.missing_beta.value)
    theoretical_usd = market.theoretical_usd[position.symbol]
    moves = tims_moves(underlying, rulebook)
    nearest = rulebook.tims_points_per_side.value
    rise_usd = theoretical_usd[nearest] - theoretical_usd[nearest - 1]
    shares = position.quantity_shares * terms.multiplier
    # Products first: one quotient, rounded once.
    weighted_usd = shares * rise_usd * beta / (moves[nearest] - moves[nearest - 1])
    none_usd = half_up(ZERO, CENT_PLACES)
    return PositionFigures(
        position=position,
        price_usd=market.quotes[position.symbol].price_usd,
        beta=beta,
        instrument=market.instruments[position.symbol],
        signed_value_usd=signed_market_value(position, _unit_price(position.symbol, market)),
        maintenance_usd=none_usd,
        concentration_usd=none_usd,
        reg_t_usd=none_usd,
        beta_weighted_usd=half_up(weighted_usd, VALUE_PLACES),
        option=OptionFigures(
            terms=terms,
            underlying=underlying,
            underlying_price_usd=market.quotes[terms.underlying].price_usd,
            theoretical_usd=theoretical_usd,
        ),
    )
