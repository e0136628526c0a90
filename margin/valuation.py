"""Every position of an account with its price, and why an account has none."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import groupby

from margin.exposure import beta_weighted_value
from margin.house import concentration_addon
from margin.maintenance import maintenance_requirement
from margin.market import Instrument, Kind, Market
from margin.money import ZERO
from margin.portfolio import Portfolio, Position, market_value, signed_market_value
from margin.reg_t import initial_requirement
from margin.rulebook import Rulebook
from margin.tims import ClassGroupRisk, class_group_risk, position_points, tims_moves


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

    @property
    def symbol(self) -> str:
        """Symbol of the position."""
        return self.position.symbol

    @property
    def market_value_usd(self) -> Decimal:
        """Market value, USD, never negative."""
        return abs(self.signed_value_usd)


def position_figures(
    portfolio: Portfolio, market: Market, rulebook: Rulebook
) -> tuple[PositionFigures, ...]:
    """Every position valued, with its part of each total, USD, in the order of symbols.

    The portfolio must be priced: see blocking_flags.
    Source: docs/01-finra-4210.md, "The figures of an account".

    >>> from margin.rulebook import REFERENCE
    >>> market = Market(quotes={}, betas={}, instruments={})
    >>> position_figures(Portfolio(account_id="A"), market, REFERENCE)
    ()
    """
    gross_usd = sum(
        (market_value(p, market.quotes[p.symbol].price_usd) for p in portfolio.positions), ZERO
    )
    return tuple(_figures(p, gross_usd, market, rulebook) for p in portfolio.positions)


def portfolio_margin(
    figures: Iterable[PositionFigures], rulebook: Rulebook
) -> tuple[ClassGroupRisk, ...]:
    """Ten-point risk of every class group, in the order of their names; requirements add up.

    Positions on one underlying offset in full, different underlyings never. USD.
    Source: FINRA Rule 4210(g); docs/02-what-is-tims.md.

    >>> from margin.rulebook import REFERENCE
    >>> portfolio_margin([], REFERENCE)
    ()
    """
    ordered = sorted(figures, key=_class_group)
    return tuple(
        class_group_risk(
            name,
            [position_points(f.signed_value_usd, tims_moves(f.instrument, rulebook)) for f in held],
        )
        for name, held in groupby(ordered, key=_class_group)
    )


def reposition(figures: PositionFigures, quantity_shares: Decimal) -> PositionFigures:
    """The same position with another quantity (shares, signed): only its value, USD, is redone.

    Source: docs/01-finra-4210.md, "Liquidation sizing".

    >>> reposition.__name__
    'reposition'
    """
    position = Position(figures.symbol, quantity_shares)
    value_usd = signed_market_value(position, figures.price_usd)
    return replace(figures, position=position, signed_value_usd=value_usd)


def blocking_flags(
    portfolio: Portfolio, market: Market, rulebook: Rulebook, as_of_ms: int
) -> tuple[str, ...]:
    """Why an account has no figures at a moment (ms), sorted; empty where it has.

    A price is stale when it is older than six hours of event time, strictly.
    Source: docs/01-finra-4210.md, "Unpriced accounts".

    >>> from margin.rulebook import REFERENCE
    >>> book = Portfolio(account_id="A", positions=(Position("NVDA", Decimal(500)),))
    >>> blocking_flags(book, Market(quotes={}, betas={}, instruments={}), REFERENCE, 0)
    ('INSTRUMENT_MISSING:NVDA', 'PRICE_MISSING:NVDA')
    """
    found = (_blocking(p.symbol, market, rulebook, as_of_ms) for p in portfolio.positions)
    return tuple(sorted(flag for flags in found for flag in flags))


def information_flags(portfolio: Portfolio, market: Market) -> tuple[str, ...]:
    """What was assumed for an account, sorted: a missing beta counts as 1.

    Source: docs/03-beta-weighting.md, "Missing betas".

    >>> book = Portfolio(account_id="A", positions=(Position("NVDA", Decimal(500)),))
    >>> information_flags(book, Market(quotes={}, betas={}, instruments={}))
    ('BETA_MISSING:NVDA',)
    """
    return tuple(
        f"BETA_MISSING:{p.symbol}" for p in portfolio.positions if p.symbol not in market.betas
    )


def _class_group(figures: PositionFigures) -> str:
    return figures.instrument.class_group


def _blocking(symbol: str, market: Market, rulebook: Rulebook, as_of_ms: int) -> Iterator[str]:
    quote = market.quotes.get(symbol)
    if quote is None:
        yield f"PRICE_MISSING:{symbol}"
    elif as_of_ms - quote.at_ms > rulebook.stale_price_after_ms.value:
        yield f"PRICE_STALE:{symbol}"
    instrument = market.instruments.get(symbol)
    if instrument is None:
        yield f"INSTRUMENT_MISSING:{symbol}"
    elif instrument.kind is Kind.OPTION:
        yield f"OPTION_UNSUPPORTED:{symbol}"


def _figures(
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
