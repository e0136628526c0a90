"""The boto3 client of a task: one for each Python worker, kept for the life of it."""

from functools import cache
from typing import Any

import boto3
from botocore.config import Config

CONFIG = Config(connect_timeout=3, read_timeout=30, retries={"mode": "standard", "max_attempts": 5})


@cache
def kinesis_client(region: str, endpoint: str) -> Any:
    """A client of the region; with an endpoint, of an emulator, which no real key ever reaches."""
    if not endpoint:
        return boto3.client("kinesis", region_name=region, config=CONFIG)
    return boto3.client(
        "kinesis",
        region_name=region,
        endpoint_url=endpoint,
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=CONFIG.merge(Config(proxies={})),
    )
