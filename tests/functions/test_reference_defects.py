"""The defects of the published reference design's functions, each by name: ours has none."""

from __future__ import annotations

import base64
import json
from decimal import Decimal

import pytest
from support.enforcement_world import ACCOUNT, TABLE, World


def test_records_are_decoded_from_base64(world: World) -> None:
    """The value of an MSK record was parsed as it came: every record failed."""
    raw = world.assessed("356.80")
    with pytest.raises(json.JSONDecodeError):
        json.loads(base64.b64encode(raw))
    assert world.route(raw) == []
    assert world.table.lock(ACCOUNT) is not None


def test_no_item_holds_a_float(world: World) -> None:
    """A float to DynamoDB raises; it was swallowed, and the state never saved."""
    world.feed("356.80")
    items = world.dynamodb.scan(TableName=TABLE)["Items"]
    assert items
    text = json.dumps(items, default=str)
    assert "-1040" in text
    for item in items:
        for value in item.values():
            assert not [v for v in value.values() if isinstance(v, float)]
    stored = world.table.state(ACCOUNT)
    assert stored is not None
    assert stored.event.figures_usd["excess"] == Decimal(-1040)
