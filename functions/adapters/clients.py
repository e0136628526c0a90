"""boto3 clients. boto3 has no types, so `Any` begins and ends in the adapters."""

from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

# Every call must end well within the time-out of the function that makes it.
_CONFIG = Config(connect_timeout=3, read_timeout=8, retries={"mode": "standard"})


def client(service: str) -> Any:
    """A client for the region and endpoint of the environment."""
    return boto3.client(service, config=_CONFIG)


def code_of(error: ClientError) -> str:
    """The name AWS gives an error, such as ConditionalCheckFailedException."""
    return str(error.response["Error"]["Code"])
