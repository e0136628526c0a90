"""Plain values from the items of our DynamoDB table."""

from __future__ import annotations

from typing import Any


def plain(item: dict[str, dict[str, Any]]) -> dict[str, str]:
    """A DynamoDB item as name -> text. Only the types S, N and BOOL occur in our table."""
    return {name: str(next(iter(value.values()))) for name, value in item.items()}


def query(dynamodb: Any, table: str, pk: str, sk_prefix: str = "") -> list[dict[str, str]]:
    """All items of a partition, in order of the sort key."""
    pages = dynamodb.get_paginator("query").paginate(
        TableName=table,
        ConsistentRead=True,
        KeyConditionExpression="pk = :pk AND begins_with(sk, :sk)" if sk_prefix else "pk = :pk",
        ExpressionAttributeValues={":pk": {"S": pk}}
        | ({":sk": {"S": sk_prefix}} if sk_prefix else {}),
    )
    return [plain(item) for page in pages for item in page["Items"]]


def scan_states(dynamodb: Any, table: str) -> dict[str, dict[str, dict[str, str]]]:
    """account -> sort key (STATE, LADDER, AUDIT#HEAD) -> item, of every account.

    A scan: right for a laptop's table, never for a firm's.
    """
    found: dict[str, dict[str, dict[str, str]]] = {}
    for page in dynamodb.get_paginator("scan").paginate(TableName=table, ConsistentRead=True):
        for item in map(plain, page["Items"]):
            if item["pk"].startswith("ACCT#"):
                found.setdefault(item["pk"].removeprefix("ACCT#"), {})[item["sk"]] = item
    return found
