"""The topics of a cluster, as its administrator sees and changes them."""

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from kafka import KafkaAdminClient
from kafka.admin import ConfigResource
from kafka.errors import KafkaError, TopicAlreadyExistsError

from functions.adapters.control_topic import security
from functions.errors import TopicError

REQUEST_MS = 20_000
# MSK Serverless takes two such requests a second, and refuses more.
PAUSE_S = 0.5


class KafkaTopics:
    """A client for one pass: close it afterwards. Kafka's errors are raised as TopicError.

    `pause` is called before each request but the first.
    """

    def __init__(
        self,
        bootstrap: str,
        auth: str,
        pause: Callable[[], None] = lambda: time.sleep(PAUSE_S),
        make: Any = KafkaAdminClient,
    ) -> None:
        self._pause = pause
        self._asked = False
        self._admin = self._told(
            lambda: make(
                bootstrap_servers=bootstrap.split(","),
                bootstrap_timeout_ms=REQUEST_MS,
                request_timeout_ms=REQUEST_MS,
                **security(auth),
            )
        )

    def partitions(self) -> dict[str, int]:
        """Every topic there is, and how many partitions it has."""
        found = self._ask(lambda: self._admin.describe_topics())
        return {topic["name"]: len(topic["partitions"]) for topic in found}

    def configs(self, topics: Iterable[str], names: Iterable[str]) -> dict[str, dict[str, str]]:
        """The named settings of each topic as they are, a default too."""
        wanted = [ConfigResource("topic", topic, list(names)) for topic in topics]
        found = self._ask(lambda: self._admin.describe_configs(wanted, config_filter="all"))
        return {
            topic: {name: str(entry["value"]) for name, entry in settings.items()}
            for topic, settings in found.get("topic", {}).items()
        }

    def create(self, requests: Mapping[str, Mapping[str, object]]) -> None:
        """All in one request. One that another pass has just made is no error."""

        def make() -> None:
            try:
                self._admin.create_topics(
                    dict(requests), timeout_ms=REQUEST_MS, wait_for_metadata=True
                )
            except TopicAlreadyExistsError:
                self._admin.wait_for_topics(list(requests), timeout_ms=REQUEST_MS)

        self._ask(make)

    def grow(self, partitions: Mapping[str, int]) -> None:
        """Give each topic that many partitions in all; Kafka cannot take one away."""
        self._ask(lambda: self._admin.create_partitions(dict(partitions), timeout_ms=REQUEST_MS))

    def configure(self, configs: Mapping[str, Mapping[str, str]]) -> None:
        """Set these and leave the others as they are."""
        changed = [ConfigResource("topic", topic, dict(of)) for topic, of in configs.items()]
        self._ask(lambda: self._admin.alter_configs(changed))

    def close(self) -> None:
        self._admin.close()

    def _ask(self, request: Callable[[], Any]) -> Any:
        if self._asked:
            self._pause()
        self._asked = True
        return self._told(request)

    def _told(self, request: Callable[[], Any]) -> Any:
        try:
            return request()
        except KafkaError as error:
            raise TopicError(f"Kafka: {type(error).__name__}: {error}") from error
