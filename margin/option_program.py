"""Least cost in whole numbers: an exact simplex with branch and bound, in integers only.

A program is: minimise the cost of columns >= 0, where each row adds up to at most (or exactly) its
right side. Work is counted in programs solved and in cells changed, never in time.
"""

from dataclasses import dataclass
from math import gcd

Row = list[int]


@dataclass(frozen=True, slots=True)
class Program:
    """Costs of the columns and rows (coefficients, right side >= 0) of "at most".

    The first `whole` columns must be whole numbers in a solution. A row that must be met exactly
    is one whose slack costs too much to be used.
    """

    costs: tuple[int, ...]
    rows: tuple[tuple[tuple[tuple[int, int], ...], int], ...]
    whole: int


@dataclass(slots=True)
class Budget:
    """Programs that may be solved and cells that may be changed; both count down to 0."""

    nodes: int
    cells: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """Best whole solution (None where none beats the limit), and a bound no solution is below."""

    values: tuple[int, ...] | None
    bound: int
    proven: bool


@dataclass(slots=True)
class _Tableau:
    """Rows of coefficients, basic variables positive in their own row only; right side last.

    The last row is the objective: reduced costs, then its own scale, then minus scale x cost.
    """

    rows: list[Row]
    basis: list[int]

    def copy(self) -> "_Tableau":
        return _Tableau([row[:] for row in self.rows], self.basis[:])

    def cost(self) -> tuple[int, int]:
        """Cost so far as numerator and positive denominator."""
        return -self.rows[-1][-1], self.rows[-1][-2]

    def pivot(self, at: int, column: int, budget: Budget) -> None:
        """Bring a column into the basis in place of that of a row; its entry must be > 0."""
        source = self.rows[at]
        head = source[column]
        for index, row in enumerate(self.rows):
            entry = row[column]
            if not entry or index == at:
                continue
            common = gcd(head, entry)
            keep, take = head // common, entry // common
            changed = [keep * old - take * new for old, new in zip(row, source, strict=True)]
            common = gcd(*changed)
            self.rows[index] = changed if common < 2 else [cell // common for cell in changed]
            budget.cells -= len(changed)
        self.basis[at] = column


def minimise(program: Program, limit: int, budget: Budget) -> Outcome:
    """Cheapest whole solution below a limit on its cost, with a bound on what any would cost.

    `proven` says that the bound is the least cost (or the limit, where nothing is cheaper). The
    budget is used up as it goes; when it ends first, the best solution so far and the lowest open
    bound are given. Source: docs/adr/0006-options-at-market-in-equity.md.

    >>> halves = Program((-3, -2), ((((0, 2), (1, 1)), 3),), whole=2)
    >>> minimise(halves, 0, Budget(nodes=9, cells=999))
    Outcome(values=(0, 3), bound=-6, proven=True)
    """
    best: tuple[int, ...] | None = None
    open_bounds: list[int] = []
    root = _tableau(program)
    stack = [(root, True)]
    while stack:
        table, is_root = stack.pop()
        # The root's cost bounds nothing until it is solved; a branch starts at its parent's.
        before = _NO_BOUND if is_root else _bound(table)
        feasible: bool | None = None
        if budget.nodes > 0 and budget.cells > 0:
            budget.nodes -= 1
            feasible = _primal(table, budget) if is_root else _dual(table, budget)
        if feasible is None:
            open_bounds.append(before)
            continue
        if not feasible or (bound := _bound(table)) >= limit:
            continue
        column, low = _fractional(table, program.whole)
        if column < 0:
            limit, best = bound, _values(table, len(program.costs))
            continue
        stack.append((_with_bound(table, column, low + 1, up=True), False))
        stack.append((_with_bound(table, column, low, up=False), False))
    lowest = min([limit, *open_bounds])
    return Outcome(best, lowest, lowest == limit)


# Less than the cost of any book; stands for "no bound is known".
_NO_BOUND = -(10**40)


def _tableau(program: Program) -> _Tableau:
    columns, slacks = len(program.costs), len(program.rows)
    width = columns + slacks + 2
    rows = []
    for number, (entries, right) in enumerate(program.rows):
        row = [0] * width
        for column, entry in entries:
            row[column] = entry
        row[columns + number], row[-1] = 1, right
        rows.append(row)
    rows.append([*program.costs, *([0] * slacks), 1, 0])
    return _Tableau(rows, list(range(columns, columns + slacks)))


def _bound(table: _Tableau) -> int:
    """Cost of the tableau, up to the next whole number: no whole solution below it costs less."""
    cost, scale = table.cost()
    return -(-cost // scale)


def _primal(table: _Tableau, budget: Budget) -> bool | None:
    """Lower the cost from a feasible start to its least. None where the budget ended first."""
    stalled = 0
    while budget.cells > 0:
        objective = table.rows[-1]
        column = _entering(objective, stalled > len(table.basis))
        if column < 0:
            return True
        at = _leaving(table, column)
        before = table.cost()
        table.pivot(at, column, budget)
        after = table.cost()
        stalled = stalled + 1 if before[0] * after[1] == after[0] * before[1] else 0
    return None


def _entering(objective: Row, first: bool) -> int:
    """Column of the lowest reduced cost below 0, or the first one (which never cycles), or -1."""
    best, found = 0, -1
    for column in range(len(objective) - 2):
        if objective[column] < best:
            best, found = objective[column], column
            if first:
                break
    return found


def _leaving(table: _Tableau, column: int) -> int:
    """Row that limits a column most; of equals that of the lowest basic variable."""
    found, top, bottom = -1, 1, 0
    for at, basic in enumerate(table.basis):
        row = table.rows[at]
        if (entry := row[column]) <= 0:
            continue
        difference = row[-1] * bottom - top * entry
        if difference < 0 or (difference == 0 and basic < table.basis[found]):
            found, top, bottom = at, row[-1], entry
    assert found >= 0, "a cost without a least: every column needs a limit"
    return found


def _dual(table: _Tableau, budget: Budget) -> bool | None:
    """Restore feasibility at least cost. False where there is none, None where the budget ended."""
    while budget.cells > 0:
        below = [at for at in range(len(table.basis)) if table.rows[at][-1] < 0]
        if not below:
            return True
        at = min(below, key=lambda index: table.basis[index])
        column = _dual_entering(table.rows[at], table.rows[-1])
        if column < 0:
            return False
        table.rows[at] = [-cell for cell in table.rows[at]]
        table.pivot(at, column, budget)
    return None


def _dual_entering(row: Row, objective: Row) -> int:
    found, top, bottom = -1, 1, 0
    for column in range(len(row) - 2):
        if (entry := -row[column]) > 0 and objective[column] * bottom < top * entry:
            found, top, bottom = column, objective[column], entry
    return found


def _fractional(table: _Tableau, whole: int) -> tuple[int, int]:
    """Lowest column that must be whole and is not, with its value rounded down; else (-1, 0)."""
    found = min(
        (
            (basic, at)
            for at, basic in enumerate(table.basis)
            if basic < whole and table.rows[at][-1] % table.rows[at][basic]
        ),
        default=None,
    )
    if found is None:
        return -1, 0
    row = table.rows[found[1]]
    return found[0], row[-1] // row[found[0]]


def _with_bound(table: _Tableau, column: int, limit: int, *, up: bool) -> _Tableau:
    """Copy with one more row: the column is at most (or, `up`, at least) a limit."""
    at = table.basis.index(column)
    source = table.rows[at]
    scale = source[column]
    rows = [[*row[:-2], 0, *row[-2:]] for row in table.rows]
    sign = 1 if up else -1
    added = [sign * cell for cell in source]
    added[column] = 0
    added[-1] = sign * (source[-1] - limit * scale)
    # At most: x + slack = limit, with x = (right - others) / scale.
    rows.insert(-1, [*added[:-2], scale, *added[-2:]])
    return _Tableau(rows, [*table.basis, len(table.rows[0]) - 2])


def _values(table: _Tableau, columns: int) -> tuple[int, ...]:
    values = [0] * columns
    for at, basic in enumerate(table.basis):
        if basic < columns:
            values[basic] = table.rows[at][-1] // table.rows[at][basic]
    return tuple(values)
