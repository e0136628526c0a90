"""The audit trail as files, copied from S3 byte by byte.

audit/heads.json                     account -> {sequence, hash}, from the table
audit/<account>/<sequence>.json      one record, the very bytes of its S3 object
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from local import items
from local.emulator import aws_client

PREFIX = "audit/v1/"
HEADS = "heads.json"


def export(folder: Path, endpoint: str, outputs: Mapping[str, str]) -> None:
    """Copy every audit object and every account's head. Heads first: a record that comes later
    is then one too many, which is harmless, and never one too few."""
    dynamodb = aws_client(endpoint, "dynamodb")
    states = items.scan_states(dynamodb, outputs["TableName"])
    heads = {
        account: {
            "sequence": int(held["AUDIT#HEAD"]["sequence"]),
            "hash": held["AUDIT#HEAD"]["hash"],
        }
        for account, held in states.items()
        if "AUDIT#HEAD" in held
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / HEADS).write_text(json.dumps(heads, indent=1, sort_keys=True))
    s3 = aws_client(endpoint, "s3")
    bucket = outputs["AuditBucket"]
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=PREFIX):
        for found in page.get("Contents", ()):
            path = folder / found["Key"].removeprefix(PREFIX)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(s3.get_object(Bucket=bucket, Key=found["Key"])["Body"].read())
