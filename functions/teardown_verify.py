"""Looks at the account as a stranger would: what is left, by tag and by name."""

import os
from typing import Any

from functions.adapters.clients import client
from functions.adapters.inventory import Inventory, take_inventory
from functions.settings import needed

# The machine that asks is itself still there; `marginwatch aws destroy` removes it, or the next
# deploy uses it again. Its alarms cost thirty cents a month while it waits.
OWN_STACK = "teardown"
# A notice is 256 KiB at most, and a state's data too.
TOLD = 100


def handler(_event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """`{"left": [...]}`, one line each, for the notice."""
    student = needed(os.environ.get("STUDENT", ""), "STUDENT")
    kept = (OWN_STACK, *os.environ.get("KEPT_STACKS", "").split())
    return {"left": told(take_inventory(student, client, kept_stacks=kept))}


def told(inventory: Inventory) -> list[str]:
    """The leftovers in words, then the listings that gave no answer."""
    found = [f"{one.kind} {one.name}, found by its {one.found_by}" for one in inventory.leftovers]
    lines = [*found, *(f"not known: {line}" for line in inventory.unread)]
    more = [f"and {len(lines) - TOLD} more"] if len(lines) > TOLD else []
    return [*lines[:TOLD], *more]
