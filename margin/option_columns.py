"""A model of pairing as an integer program, and the losses at expiry that its rows hold."""

from collections.abc import Iterable, Sequence
from math import gcd

from margin.option_model import Model, Node
from margin.option_program import Program


def loss_points(nodes: Sequence[Node], members: Iterable[int]) -> list[int]:
    """Prices, in units per share, one of which is the worst for any quantities: 0, long strikes.

    A value of limited risk turns upward only at the strike of a long leg.
    Source: FINRA Rule 4210(f)(2)(H)(iv).

    >>> loss_points((), ())
    [0]
    """
    return sorted({0, *(nodes[at].strike for at in members if not nodes[at].short)})


def lost_at(node: Node, price: int) -> int:
    """What exercise of one contract costs at a price, in units: below 0 for a long one.

    Source: FINRA Rule 4210(f)(2)(H)(iv).

    >>> from datetime import date
    >>> from decimal import Decimal
    >>> from margin.market import OptionTerms, Right
    >>> from margin.option_book import OptionLeg
    >>> terms = OptionTerms(underlying="XYZ", right=Right.PUT, strike_usd=Decimal(80),
    ...                     expires_on=date(2026, 6, 19))
    >>> leg = OptionLeg("XYZ-P80", terms, Decimal(1), Decimal(2))
    >>> lost_at(Node(leg, False, 1, size=100, margin=0, alone=0, strike=80), 79)
    -100
    """
    gain = price - node.strike if node.is_call else node.strike - price
    value = max(gain, 0) * node.size
    return value if node.short else -value


def program(model: Model) -> tuple[Program, int]:
    """The model as an integer program, and the number of units that its costs are counted in.

    Columns: groups, then the legs of each combination, then the loss of each combination.
    Source: docs/adr/0006-options-at-market-in-equity.md.

    >>> program(Model((), (), (), 0))
    (Program(costs=(), rows=(), whole=0), 1)
    """
    nodes = model.nodes
    costs = [group.cost for group in model.groups]
    used: list[list[tuple[int, int]]] = [[] for _ in nodes]
    stock: list[tuple[int, int]] = []
    for column, group in enumerate(model.groups):
        for at in group.members:
            used[at].append((column, 1))
        if group.stock:
            stock.append((column, group.stock))
    columns: list[dict[int, int]] = []
    for members in model.combinations:
        columns.append({at: len(costs) + number for number, at in enumerate(members)})
        costs += [-nodes[at].alone for at in members]
        for at in members:
            used[at].append((columns[-1][at], 1))
    whole = len(costs)
    values = [
        (whole + number, {column: lost_at(nodes[at], price) for at, column in at_column.items()})
        for number, at_column in enumerate(columns)
        for price in loss_points(nodes, at_column)
    ]
    unit = gcd(*costs, *(value for _, row in values for value in row.values())) or 1
    rows: list[tuple[tuple[tuple[int, int], ...], int]] = [
        (tuple(entries), nodes[at].count) for at, entries in enumerate(used) if entries
    ]
    if stock:
        rows.append((tuple(stock), model.stock))
    for at_column in columns:
        for is_call in (True, False):
            balance = tuple(
                (column, 1 if nodes[at].short else -1)
                for at, column in at_column.items()
                if nodes[at].is_call is is_call
            )
            if any(sign > 0 for _, sign in balance):
                rows.append((balance, 0))
    for loss, row in values:
        entries = tuple((column, value // unit) for column, value in row.items() if value)
        if any(value > 0 for _, value in entries):
            rows.append(((*entries, (loss, -1)), 0))
    whole_costs = [cost // unit for cost in costs]
    return Program((*whole_costs, *(1 for _ in columns)), tuple(rows), whole), unit
