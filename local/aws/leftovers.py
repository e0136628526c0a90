"""What is left of a student's stacks, and what it costs by the hour."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from functions.adapters.inventory import Inventory, Leftover, take_inventory
from local.aws.account import Account
from local.cost.prices import TIMED, price


@dataclass(frozen=True, slots=True)
class Priced:
    """One leftover; `usd_an_hour` of 0 costs nothing while it idles."""

    leftover: Leftover
    usd_an_hour: Decimal

    def as_json(self) -> dict[str, Any]:
        return self.leftover.as_json() | {"usd_an_hour": str(self.usd_an_hour)}


@dataclass(frozen=True, slots=True)
class Found:
    """Everything that was found, the dearest first, and what could not be looked at."""

    leftovers: tuple[Priced, ...]
    unread: tuple[str, ...]

    @property
    def clean(self) -> bool:
        return not self.leftovers and not self.unread

    @property
    def usd_an_hour(self) -> Decimal:
        return sum((one.usd_an_hour for one in self.leftovers), Decimal(0))


def look(account: Account, student: str) -> Found:
    """Look by tag and by name. The free network may always stay."""
    return priced(take_inventory(student, account.client))


def priced(inventory: Inventory) -> Found:
    """Each leftover with its price by the hour."""
    found = [Priced(one, hourly(one.prices)) for one in inventory.leftovers]
    found.sort(key=lambda one: (-one.usd_an_hour, one.leftover.kind, one.leftover.name))
    return Found(tuple(found), inventory.unread)


def hourly(prices: Iterable[tuple[str, int]]) -> Decimal:
    """USD an hour of so many of each price; what is billed by use costs nothing by itself.

    >>> hourly([("msk_cluster", 1)]) > Decimal("0.7")
    True
    """
    return sum(
        (price(key).usd_an_hour * count for key, count in prices if price(key).per in TIMED),
        Decimal(0),
    )
