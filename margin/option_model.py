"""The pairing of one class as an integer program: what may be grouped, and what it costs.

Costs are whole multiples of one small unit of USD, per contract, relative to everything standing
alone, so that a group which saves has a cost below 0.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from margin.market import OptionTerms, Right, Style
from margin.money import ZERO
from margin.option_book import Holding, OptionLeg, Underlying
from margin.option_hedged import (
    collar,
    conversion,
    covered_call,
    covered_put,
    protective_call,
    protective_put,
    reverse_conversion,
)
from margin.option_uncovered import is_long_term, loan_value, uncovered_margin
from margin.rulebook import Rulebook

# Decimal places of USD to which costs are compared; amounts of strategies are exact.
PLACES = 10

Combination = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Node:
    """One leg in whole numbers: contracts > 0, shares of each, and amounts in units of 10^-10 USD.

    Per contract: `margin` beyond market value and what it costs `alone`; per share: `strike`.
    """

    leg: OptionLeg
    short: bool
    count: int
    size: int
    margin: int
    alone: int
    strike: int

    @property
    def is_call(self) -> bool:
        """Whether the leg is of calls."""
        return self.leg.terms.right is Right.CALL


@dataclass(frozen=True, slots=True)
class Group:
    """A strategy of one contract of each leg, with a block of stock or not; cost below 0."""

    name: str
    members: tuple[int, ...]
    cost: int
    stock: int = 0


@dataclass(frozen=True, slots=True)
class Model:
    """Legs, groups that save, and combinations: the legs that may stand in one (`cutoffs`).

    `stock` is what of the holding can be grouped, in the measure of `Group.stock`.
    """

    nodes: tuple[Node, ...]
    groups: tuple[Group, ...]
    combinations: tuple[Combination, ...]
    stock: int


def build(
    stock: Holding | None,
    legs: Sequence[OptionLeg],
    underlying: Underlying,
    rulebook: Rulebook,
    on: date,
) -> Model:
    """Model of a class on a day. The order of the legs makes no difference.

    Source: docs/adr/0006-options-at-market-in-equity.md.

    >>> from margin.rulebook import REFERENCE
    >>> build(None, [], Underlying("XYZ", Decimal(95)), REFERENCE, date(2026, 1, 2)).groups
    ()
    """
    ordered = sorted(legs, key=_rank)
    nodes = tuple(_node(leg, underlying, rulebook, on) for leg in ordered)
    groups = list(_straddles(nodes))
    available = 0
    if stock is not None and stock.shares:
        sizes = {node.leg.terms.multiplier for node in nodes}
        block = sizes.pop() if len(sizes) == 1 else None
        available = units(abs(stock.shares)) if block is None else int(abs(stock.shares) // block)
        groups += _hedges(nodes, stock, underlying, rulebook, 1 if block else 0)
    return Model(nodes, tuple(groups), tuple(_combinations(nodes)), available)


def units(amount_usd: Decimal) -> int:
    """Amount in whole units of 10^-10, halves to even.

    Source: docs/adr/0006-options-at-market-in-equity.md.

    >>> units(Decimal("1.25"))
    12500000000
    """
    return round(amount_usd.scaleb(PLACES))


Rank = tuple[str, Decimal, date, str, Decimal, Decimal, Decimal, str]


def _rank(leg: OptionLeg) -> Rank:
    """Order of a leg. Names come last: legs that differ in nothing else are worth the same."""
    terms = leg.terms
    kind = terms.right.value, terms.strike_usd, terms.expires_on, terms.style.value
    return *kind, terms.multiplier, leg.contracts, leg.price_usd, leg.symbol


def _node(leg: OptionLeg, underlying: Underlying, rulebook: Rulebook, on: date) -> Node:
    terms, short = leg.terms, leg.contracts < 0
    margin_usd = ZERO
    if short:
        margin_usd = uncovered_margin(terms.right, terms.strike_usd, underlying, rulebook)
        alone_usd = leg.price_usd + margin_usd
    else:
        long_term = is_long_term(terms.expires_on, on, rulebook)
        alone_usd = -loan_value(leg.price_usd, long_term, rulebook)
    size = terms.multiplier
    return Node(
        leg=leg,
        short=short,
        count=abs(int(leg.contracts)),
        size=int(size),
        margin=units(margin_usd * size),
        alone=units(alone_usd * size),
        strike=units(terms.strike_usd),
    )


def _straddles(nodes: Sequence[Node]) -> Iterator[Group]:
    """A short call and a short put save the margin of the one that requires less."""
    shorts = [(index, node) for index, node in enumerate(nodes) if node.short]
    puts = [(index, node) for index, node in shorts if not node.is_call]
    for call_at, call in shorts:
        if not call.is_call:
            continue
        size = call.leg.terms.multiplier
        for put_at, put in puts:
            if put.leg.terms.multiplier == size:
                lesser = put if call.alone >= put.alone else call
                if lesser.margin:
                    yield Group("straddle", (call_at, put_at), -lesser.margin)


def _hedges(
    nodes: Sequence[Node],
    stock: Holding,
    underlying: Underlying,
    rulebook: Rulebook,
    block: int,
) -> Iterator[Group]:
    """Groups with a block of stock that cost less than their parts. `block` 0: count in shares."""
    long = stock.shares > 0
    share_usd = stock.maintenance_usd / abs(stock.shares)
    price_usd = underlying.price_usd
    shorts = [i for i, node in enumerate(nodes) if node.short and node.is_call is long]
    longs = [i for i, node in enumerate(nodes) if not node.short and node.is_call is not long]

    def group(name: str, members: tuple[int, ...], per_share_usd: Decimal) -> Iterator[Group]:
        size = nodes[members[0]].leg.terms.multiplier
        saved = units((per_share_usd - share_usd) * size)
        cost = saved - sum(nodes[member].alone for member in members)
        if cost < 0:
            yield Group(name, members, cost, block or units(size))

    for at in shorts:
        strike_usd = nodes[at].leg.terms.strike_usd
        covered = covered_call if long else covered_put
        name = "covered call" if long else "covered put"
        yield from group(name, (at,), covered(share_usd, strike_usd, price_usd))
    for at in longs:
        strike_usd = nodes[at].leg.terms.strike_usd
        if long:
            cost_usd = protective_put(strike_usd, price_usd, rulebook)
        else:
            cost_usd = protective_call(share_usd, strike_usd, price_usd, rulebook)
        yield from group("protective put" if long else "protective call", (at,), cost_usd)
    for at in shorts:
        for other in longs:
            sold, bought = nodes[at].leg.terms, nodes[other].leg.terms
            named = _three(sold, bought, price_usd, rulebook, long=long)
            if named is not None:
                yield from group(named[0], (at, other), named[1])


def _three(
    sold: OptionTerms, bought: OptionTerms, price_usd: Decimal, rulebook: Rulebook, *, long: bool
) -> tuple[str, Decimal] | None:
    """Name and cost per share of stock with a short and a long option of one expiry, if legal."""
    if sold.expires_on != bought.expires_on or sold.multiplier != bought.multiplier:
        return None
    strike_usd = sold.strike_usd
    if strike_usd == bought.strike_usd:
        if long:
            return "conversion", conversion(strike_usd, price_usd, rulebook)
        return "reverse conversion", reverse_conversion(strike_usd, price_usd, rulebook)
    if long and bought.strike_usd < strike_usd:
        return "collar", collar(bought.strike_usd, strike_usd, price_usd, rulebook)
    return None


def _combinations(nodes: Sequence[Node]) -> Iterator[Combination]:
    """Legs that may stand in one combination: one for each day on which the last short expires.

    Two combinations of one day never cost less apart, since a largest loss is no more than the
    sum of two, so one for each day is enough.
    """
    seen: set[Combination] = set()
    keys: set[tuple[Style, Decimal, date]] = {
        (node.leg.terms.style, node.leg.terms.multiplier, node.leg.terms.expires_on)
        for node in nodes
        if node.short
    }
    for style, size, last in sorted(keys):
        able = [
            at
            for at, node in enumerate(nodes)
            if (node.leg.terms.style, node.leg.terms.multiplier) == (style, size)
            and (node.leg.terms.expires_on <= last if node.short else True)
            and (node.short or node.leg.terms.expires_on >= last)
        ]
        rights = {nodes[at].leg.terms.right for at in able if not nodes[at].short}
        members = tuple(
            at for at in able if not nodes[at].short or nodes[at].leg.terms.right in rights
        )
        if any(nodes[at].short for at in members) and members not in seen:
            seen.add(members)
            yield members
