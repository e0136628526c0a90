"""A good pairing of a large class without search, and a bound that no pairing can beat."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from margin.option_columns import loss_points, lost_at
from margin.option_model import Group, Model, Node


@dataclass(slots=True)
class Pairing:
    """Groups with their number, and combinations as contracts by leg. The rest stands alone."""

    groups: list[tuple[Group, int]] = field(default_factory=list)
    combinations: list[dict[int, int]] = field(default_factory=list)


def greedy(model: Model) -> Pairing:
    """Cheapest of a few pairings that take the best group first; never above all legs alone.

    Work grows with the pairs of legs. Source: docs/adr/0006-options-at-market-in-equity.md.

    >>> greedy(Model((), (), (), 0))
    Pairing(groups=[], combinations=[])
    """
    spreads = list(_spreads(model))
    groups = sorted(model.groups, key=_by_cost)
    saving = sorted((spread for spread in spreads if spread.cost < 0), key=_by_cost)
    narrow = sorted(spreads, key=lambda pair: (_width(model.nodes, pair.members), _by_cost(pair)))
    hedges = [group for group in groups if group.stock]
    straddles = [group for group in groups if not group.stock]
    orders = (
        sorted([*groups, *saving], key=_by_cost),
        [*saving, *groups],
        [*hedges, *narrow, *straddles],
        [*narrow, *groups],
        groups,
    )
    found = [_taken(model, order) for order in orders]
    found.append(Pairing())
    return min(found, key=lambda pairing: cost(model, pairing))


def cost(model: Model, pairing: Pairing) -> int:
    """What a pairing costs beyond all legs alone, in units; below 0 where it saves.

    Source: docs/adr/0006-options-at-market-in-equity.md.

    >>> cost(Model((), (), (), 0), Pairing())
    0
    """
    total = sum(group.cost * count for group, count in pairing.groups)
    for members in pairing.combinations:
        total += loss(model.nodes, members)
        total -= sum(model.nodes[at].alone * count for at, count in members.items())
    return total


def loss(nodes: Sequence[Node], members: dict[int, int]) -> int:
    """Largest loss at expiry of a combination of limited risk, in units, never negative.

    Source: FINRA Rule 4210(f)(2)(H)(iv).

    >>> loss((), {})
    0
    """
    points = loss_points(nodes, members)
    lost = (sum(lost_at(nodes[at], point) * members[at] for at in members) for point in points)
    return max(0, *lost)


def least_cost(model: Model) -> int:
    """A cost, in units beyond all legs alone, that no pairing is below.

    Each leg is given a share of the cost, at one price of the underlying at expiry: no more than
    its part of any strategy that it can be in. The shares add up to a bound; the price that gives
    the highest one is used. Source: docs/adr/0006-options-at-market-in-equity.md.

    >>> least_cost(Model((), (), (), 0))
    0
    """
    nodes = model.nodes
    limits = [0] * len(nodes)
    for group in model.groups:
        if not group.stock:
            for at in group.members:
                limits[at] = min(limits[at], group.cost // len(group.members))
    totals = []
    for point in loss_points(nodes, range(len(nodes))):
        shares = _shares(model, limits, point)
        total = sum(share * node.count for share, node in zip(shares, nodes, strict=True))
        totals.append((total, point))
    # The stock's share is looked for only at the best prices: it takes all groups with stock.
    best = sorted(totals, reverse=True)[:_POINTS_WITH_STOCK]
    return max(total + _of_stock(model, _shares(model, limits, point)) for total, point in best)


_POINTS_WITH_STOCK = 3


def _shares(model: Model, limits: Sequence[int], point: int) -> list[int]:
    """Share of each leg at a price; the price is nothing to a leg that no combination can hold."""
    shares = list(limits)
    for at in {at for members in model.combinations for at in members}:
        node = model.nodes[at]
        shares[at] = min(shares[at], lost_at(node, point) - node.alone)
    return shares


def _of_stock(model: Model, shares: Sequence[int]) -> int:
    """What all stock must carry so that no group with stock costs less than its shares."""
    each = 0
    for group in model.groups:
        if group.stock:
            rest = group.cost - sum(shares[at] for at in group.members)
            each = min(each, rest // group.stock)
    return each * model.stock


def _by_cost(group: Group) -> tuple[int, str, tuple[int, ...]]:
    return group.cost, group.name, group.members


def _spreads(model: Model) -> Iterator[Group]:
    """A short and a long contract of each kind that may stand in one combination."""
    nodes = model.nodes
    seen: set[tuple[int, int]] = set()
    for members in model.combinations:
        for short in members:
            if not nodes[short].short:
                continue
            for long in members:
                pair = (short, long)
                if nodes[long].short or nodes[long].is_call is not nodes[short].is_call:
                    continue
                if pair not in seen:
                    seen.add(pair)
                    alone = nodes[short].alone + nodes[long].alone
                    yield Group(_SPREAD, pair, _width(nodes, pair) - alone)


_SPREAD = "spread"


def _width(nodes: Sequence[Node], pair: tuple[int, ...]) -> int:
    """Largest loss of a short and a long contract of one type."""
    short, long = nodes[pair[0]], nodes[pair[1]]
    apart = long.strike - short.strike
    return max(0, apart if short.is_call else -apart) * short.size


def _taken(model: Model, order: Iterable[Group]) -> Pairing:
    """As many of each group, in order, as legs and stock are left for."""
    left = [node.count for node in model.nodes]
    stock, pairing, spreads = model.stock, Pairing(), []
    for group in order:
        count = min(left[at] for at in group.members)
        if count and group.stock:
            count = min(count, stock // group.stock)
        if not count:
            continue
        for at in group.members:
            left[at] -= count
        stock -= count * group.stock
        if group.name == _SPREAD:
            spreads.append((group.members, count))
        else:
            pairing.groups.append((group, count))
    pairing.combinations = _merged(model, spreads, left)
    return pairing


def _merged(
    model: Model, spreads: Sequence[tuple[tuple[int, ...], int]], left: list[int]
) -> list[dict[int, int]]:
    """Spreads put into as few combinations as may be, with the long legs that nothing uses."""
    merged: list[dict[int, int]] = []
    waiting = list(spreads)
    able = [frozenset(members) for members in model.combinations]
    while waiting:
        fits = [sum(able_in.issuperset(pair) for pair, _ in waiting) for able_in in able]
        chosen = able[max(range(len(able)), key=lambda number: fits[number])]
        members: dict[int, int] = {}
        for pair, count in waiting:
            if chosen.issuperset(pair):
                for at in pair:
                    members[at] = members.get(at, 0) + count
        waiting = [spread for spread in waiting if not chosen.issuperset(spread[0])]
        for at in sorted(chosen):
            node = model.nodes[at]
            if left[at] and not node.short and not node.alone:
                members[at] = members.get(at, 0) + left[at]
                left[at] = 0
        merged.append(members)
    return merged
