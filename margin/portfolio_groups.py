"""Portfolio margin across underlyings: product groups and portfolio groups offset in part."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from margin.errors import MarginError
from margin.money import CENT_PLACES, VALUE_PLACES, ZERO, half_up
from margin.rulebook import Rulebook
from margin.tims import ClassGroupRisk


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupRelief:
    """What a portfolio group takes off the sum of its class groups, USD.

    `points` after offsets, signed; `requirement_usd` of the group; `relief_usd` <= 0 is that
    requirement less the sum of the requirements of its class groups.
    """

    name: str
    class_groups: tuple[str, ...]
    points: tuple[Decimal, ...]
    requirement_usd: Decimal
    relief_usd: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class PortfolioRisk:
    """Portfolio margin of an account, USD: its class groups' requirements and the reliefs."""

    requirement_usd: Decimal
    reliefs: tuple[GroupRelief, ...]


def combine(
    risks: Sequence[ClassGroupRisk], product_group_of: Mapping[str, str], rulebook: Rulebook
) -> PortfolioRisk:
    """Portfolio margin of class groups, USD, by product group and portfolio group.

    At each point losses count in full and gains at the offset of the group. A class group without
    a product group stands alone: two different stocks never offset. A product group that the
    rulebook does not know raises MarginError.
    Source: FINRA Rule 4210(g); OCC CPM group structure; the offsets are placeholders.

    >>> from margin.rulebook import REFERENCE
    >>> combine([], {}, REFERENCE).requirement_usd
    Decimal('0')
    """
    offsets = {name: (rate, parent) for name, rate, parent in rulebook.product_group_offsets.value}
    members: dict[str, dict[str, list[ClassGroupRisk]]] = {}
    for risk in risks:
        product = product_group_of.get(risk.class_group, "")
        if not product:
            continue
        if product not in offsets:
            known = ", ".join(sorted(offsets))
            raise MarginError(
                f"product group of {risk.class_group}: {known} expected, was {product}"
            )
        members.setdefault(offsets[product][1], {}).setdefault(product, []).append(risk)
    parents = dict(rulebook.portfolio_group_offsets.value)
    reliefs = tuple(
        _relief(name, products, {p: offsets[p][0] for p in products}, parents.get(name, ZERO))
        for name, products in sorted(members.items())
    )
    total_usd = sum((risk.requirement_usd for risk in risks), ZERO)
    relief_usd = sum((relief.relief_usd for relief in reliefs), ZERO)
    return PortfolioRisk(
        requirement_usd=total_usd + relief_usd,
        reliefs=tuple(relief for relief in reliefs if relief.relief_usd),
    )


def offset_points(rows: Iterable[Sequence[Decimal]], offset: Decimal) -> tuple[Decimal, ...]:
    """Sum at each point, USD, signed, to 0.0001: losses in full, gains times the offset (0 to 1).

    One row alone keeps its gains only in part too: what is left may offset a loss elsewhere.
    Source: FINRA Rule 4210(g); OCC CPM, product group offset.

    >>> a, b = (Decimal(-1000), Decimal(1000)), (Decimal(900), Decimal(-900))
    >>> offset_points([a, b], Decimal("0.9"))
    (Decimal('-190.0000'), Decimal('0.0000'))
    """
    return tuple(
        sum((half_up(p if p < 0 else p * offset, VALUE_PLACES) for p in column), ZERO)
        for column in zip(*rows, strict=True)
    )


def group_requirement(points: Iterable[Decimal], minimum_usd: Decimal) -> Decimal:
    """Requirement of a group from its points and the sum of its minimum charges, USD, in cents.

    Source: FINRA Rule 4210(g).

    >>> group_requirement([Decimal(-190), Decimal(0)], Decimal(75))
    Decimal('190.00')
    """
    return half_up(max(ZERO, -min(points), minimum_usd), CENT_PLACES)


def _relief(
    name: str,
    products: Mapping[str, Sequence[ClassGroupRisk]],
    offsets: Mapping[str, Decimal],
    parent_offset: Decimal,
) -> GroupRelief:
    rows = [
        offset_points([risk.points for risk in held], offsets[product])
        for product, held in sorted(products.items())
    ]
    # One product group has no other to offset: its points are those of the portfolio group.
    points = rows[0] if len(rows) == 1 else offset_points(rows, parent_offset)
    held = sorted((r for group in products.values() for r in group), key=lambda r: r.class_group)
    apart_usd = sum((risk.requirement_usd for risk in held), ZERO)
    minimum_usd = sum((risk.minimum_usd for risk in held), ZERO)
    required_usd = min(group_requirement(points, minimum_usd), apart_usd)
    return GroupRelief(
        name=name,
        class_groups=tuple(risk.class_group for risk in held),
        points=points,
        requirement_usd=required_usd,
        relief_usd=required_usd - apart_usd,
    )
