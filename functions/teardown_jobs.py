"""Cancels the streaming jobs of the stacks."""

from typing import Any

from functions.adapters.clients import client
from functions.adapters.reaper import Reaper


def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """What is left; the machine calls again until that is nothing."""
    return {"left": Reaper(client).cancel_jobs(event["stacks"])}
