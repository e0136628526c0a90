"""The cheapest legal pairing of one class: exact for a small book, bounded for a large one."""

from dataclasses import dataclass

from margin.option_columns import program
from margin.option_greedy import Pairing, cost, greedy, least_cost
from margin.option_model import Model
from margin.option_program import Budget, minimise

# Largest program searched: legs and columns. Above, the pairing is greedy, with a lower bound.
LEGS = 40
COLUMNS = 400

# Work of one search: programs solved, and cells of them changed.
NODES = 400
CELLS = 600_000


@dataclass(frozen=True, slots=True)
class Found:
    """A pairing, what it costs and the least that any can, in units beyond all legs alone."""

    pairing: Pairing
    cost: int
    least: int
    nodes: int

    @property
    def proven(self) -> bool:
        """Whether no pairing can cost less."""
        return self.cost == self.least


def cheapest(model: Model, nodes: int = NODES, cells: int = CELLS) -> Found:
    """Cheapest pairing of a class that a fixed amount of work finds, in any order of its legs.

    Source: docs/adr/0006-options-at-market-in-equity.md.

    >>> cheapest(Model((), (), (), 0)).proven
    True
    """
    pairing = greedy(model)
    found = cost(model, pairing)
    least = least_cost(model)
    columns = len(model.groups) + sum(len(members) + 1 for members in model.combinations)
    if found == least or len(model.nodes) > LEGS or columns > COLUMNS:
        return Found(pairing, found, least, 0)
    budget = Budget(nodes, cells)
    searched, unit = program(model)
    # The costs of whole pairings are multiples of the unit, and so is the limit.
    outcome = minimise(searched, found // unit, budget)
    if outcome.values is not None:
        pairing = _pairing(model, outcome.values)
        found = cost(model, pairing)
    least = found if outcome.proven else max(least, min(found, outcome.bound * unit))
    return Found(pairing, found, least, nodes - budget.nodes)


def _pairing(model: Model, values: tuple[int, ...]) -> Pairing:
    """The pairing that the columns of a program stand for."""
    pairing = Pairing([(group, n) for group, n in zip(model.groups, values, strict=False) if n])
    column = len(model.groups)
    for members in model.combinations:
        counts = dict(zip(members, values[column : column + len(members)], strict=True))
        column += len(members)
        if any(counts[at] for at in members if model.nodes[at].short):
            pairing.combinations.append({at: count for at, count in counts.items() if count})
    return pairing
