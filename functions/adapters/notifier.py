"""Notices to the people who run the system, by SNS."""

from typing import Any

from functions.adapters.clients import client
from functions.settings import Settings, needed
from margin.canonical import JsonObject, canonical_json


class Notifier:
    """One SNS topic."""

    def __init__(self, topic_arn: str, sns: Any) -> None:
        self._topic_arn = topic_arn
        self._sns = sns

    @classmethod
    def of(cls, settings: Settings) -> "Notifier":
        return cls(needed(settings.notices_topic_arn, "NOTICES_TOPIC_ARN"), client("sns"))

    def tell(self, subject: str, notice: JsonObject) -> None:
        message = canonical_json(notice).decode()
        self._sns.publish(TopicArn=self._topic_arn, Subject=subject, Message=message)
