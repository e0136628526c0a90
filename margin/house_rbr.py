"""Rules-based requirement of a position: a base, and add-ons by weight, liquidity and size."""

from dataclasses import dataclass
from decimal import Decimal

from margin.errors import MarginError
from margin.money import CENT_PLACES, ZERO, half_up
from margin.rulebook import Rulebook, Tiers


@dataclass(frozen=True, slots=True, kw_only=True)
class RbrPosition:
    """What the requirement of one position depends on; None is no add-on of that kind.

    Shares of gross market value, of the shares outstanding and of an industry are fractions >= 0;
    liquidity is the quantity in days of the average volume of 20 days. `largest_share` is that of
    the account's largest position, None: this one.
    """

    short: bool = False
    share_of_gross: Decimal | None = None
    days_of_volume: Decimal | None = None
    ownership: Decimal | None = None
    industry_share: Decimal | None = None
    largest_share: Decimal | None = None


def tier_rate(tiers: Tiers, value: Decimal) -> Decimal:
    """Add-on (a fraction) of the tier that a value falls in; upper bounds belong to their tier.

    A value below 0 or above the last tier raises MarginError. Source: Fidelity RBR, as published.

    >>> tiers = ((Decimal("0.10"), Decimal(0)), (Decimal("0.20"), Decimal("0.05")))
    >>> tier_rate(tiers, Decimal("0.10")), tier_rate(tiers, Decimal("0.1001"))
    (Decimal('0'), Decimal('0.05'))
    """
    if value >= 0:
        for up_to, rate in tiers:
            if up_to is None or value <= up_to:
                return rate
    raise MarginError(f"a value from 0 to {tiers[-1][0]} expected, was {value}")


def rbr_addon(position: RbrPosition, rulebook: Rulebook) -> Decimal:
    """Sum of all add-ons of a position, a fraction >= 0; a value outside its tiers: MarginError.

    Source: Fidelity RBR, as published; FINRA Rule 4210(d).

    >>> from margin.rulebook import REFERENCE
    >>> rbr_addon(RbrPosition(share_of_gross=Decimal("0.35")), REFERENCE)
    Decimal('0.10')
    """
    concentration = (
        rulebook.rbr_short_concentration if position.short else rulebook.rbr_long_concentration
    )
    parts = (
        (concentration, position.share_of_gross),
        (rulebook.rbr_liquidity, position.days_of_volume),
        (rulebook.rbr_ownership, position.ownership),
        (rulebook.rbr_industry, _industry_share(position, rulebook)),
    )
    rates = (tier_rate(tiers.value, value) for tiers, value in parts if value is not None)
    return sum(rates, ZERO)


def _industry_share(position: RbrPosition, rulebook: Rulebook) -> Decimal | None:
    largest = max(position.largest_share or ZERO, position.share_of_gross or ZERO)
    if largest > rulebook.rbr_industry_only_if_no_position_above.value:
        return None
    return position.industry_share


def rbr_rate(position: RbrPosition, rulebook: Rulebook) -> Decimal:
    """Requirement of a position as a fraction of its market value: base and all add-ons.

    Source: Fidelity RBR, as published; FINRA Rule 4210(d).

    >>> from margin.rulebook import REFERENCE
    >>> rbr_rate(RbrPosition(share_of_gross=Decimal(1), industry_share=Decimal(1)), REFERENCE)
    Decimal('0.60')
    """
    return rulebook.rbr_base.value + rbr_addon(position, rulebook)


def rbr_requirement(value_usd: Decimal, position: RbrPosition, rulebook: Rulebook) -> Decimal:
    """Requirement of a position, USD; market value USD >= 0.

    Source: Fidelity RBR, as published; FINRA Rule 4210(d).

    >>> from margin.rulebook import REFERENCE
    >>> rbr_requirement(Decimal(10000), RbrPosition(share_of_gross=Decimal("0.2")), REFERENCE)
    Decimal('3500.00')
    """
    return half_up(value_usd * rbr_rate(position, rulebook), CENT_PLACES)
