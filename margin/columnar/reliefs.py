"""What product groups and portfolio groups take off portfolio margin, for the accounts with any."""

from decimal import Decimal

import numpy as np

from margin.columnar.arithmetic import Ints, e4
from margin.columnar.book import UNKNOWN, Book, GroupRisks
from margin.columnar.series import product_groups
from margin.money import VALUE_PLACES, ZERO
from margin.portfolio_groups import combine
from margin.rulebook import Rulebook
from margin.tims import ClassGroupRisk


def reliefs(book: Book, groups: GroupRisks, rulebook: Rulebook) -> Ints:
    """By account, what is added to the sum of its class groups' requirements, 1e-4 USD, <= 0.

    A product group that the rulebook does not know gives none: its account is UNPRICED.
    Source: FINRA Rule 4210(g); docs/02-what-is-tims.md.

    >>> reliefs.__name__
    'reliefs'
    """
    found = np.zeros(len(book.cash_usd_e4), np.int64)
    code = product_groups(book)[book.symbol]
    known = {name for name, _, _ in rulebook.product_group_offsets.value}
    named: dict[int, dict[int, str]] = {}
    for at in np.flatnonzero(code != UNKNOWN).tolist():
        name = book.product_groups[int(code[at])]
        group = int(book.class_group[book.symbol[at]])
        if name in known:
            mine = named.setdefault(int(book.account[at]), {})
            mine[group] = min(name, mine.get(group, name))
    for account, products in named.items():
        start, end = np.searchsorted(groups.account, (account, account + 1)).tolist()
        risks = [_risk(groups, row) for row in range(start, end)]
        combined = combine(risks, {_name(g): name for g, name in products.items()}, rulebook)
        found[account] = e4(sum((relief.relief_usd for relief in combined.reliefs), ZERO))
    return found


def _risk(groups: GroupRisks, row: int) -> ClassGroupRisk:
    points = tuple(_usd(point) for point in groups.points_usd_e4[row])
    requirement_usd, minimum_usd = (
        _usd(amounts[row]) for amounts in (groups.requirement_usd_e4, groups.minimum_usd_e4)
    )
    return ClassGroupRisk(
        class_group=_name(int(groups.class_group[row])),
        points=points,
        worst_usd=requirement_usd,
        minimum_usd=minimum_usd,
        requirement_usd=requirement_usd,
    )


def _name(group: int) -> str:
    return f"{group:010d}"


def _usd(amount_e4: int | np.int64) -> Decimal:
    return Decimal(int(amount_e4)).scaleb(-VALUE_PLACES)
