"""The queue of what the router could not take, on SQS."""

from typing import Any

from functions.adapters.clients import client
from margin.canonical import JsonObject, canonical_json


class UnroutedQueue:
    """One queue by its address."""

    def __init__(self, url: str, sqs: Any = None) -> None:
        self._url = url
        self._sqs = sqs or client("sqs")

    def put(self, place: JsonObject) -> None:
        self._sqs.send_message(QueueUrl=self._url, MessageBody=canonical_json(place).decode())
