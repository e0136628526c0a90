"""The control topics in Kafka: nothing counts as told before every replica has it."""

from typing import Any

from kafka import KafkaProducer
from kafka.errors import KafkaError

from functions.errors import PublishError
from functions.settings import Settings, needed

# Shorter than the time-out of the function, so that it can still say what failed.
DELIVERY_MS = 8_000
REQUEST_MS = 4_000


class ControlTopic:
    """A producer made at the first use and kept for the life of the process."""

    def __init__(self, bootstrap: str, auth: str = "none", make: Any = KafkaProducer) -> None:
        self._bootstrap = bootstrap
        self._auth = auth
        self._make = make
        self._producer: Any = None

    @classmethod
    def of(cls, settings: Settings) -> "ControlTopic":
        bootstrap = needed(settings.kafka_bootstrap, "KAFKA_BOOTSTRAP")
        return cls(bootstrap, settings.kafka_auth)

    def send(self, *messages: tuple[str, str, bytes]) -> None:
        """Send (topic, key, value) each and wait until all are confirmed."""
        try:
            producer = self._connected()
            futures = [
                producer.send(topic, key=key.encode(), value=value)
                for topic, key, value in messages
            ]
            producer.flush(timeout=DELIVERY_MS / 1000)
            for future in futures:
                future.get(timeout=DELIVERY_MS / 1000)
        except KafkaError as error:
            self.close()
            raise PublishError(f"Kafka: {type(error).__name__}") from error

    def close(self) -> None:
        """Drop the producer and what it still holds; the next use makes another."""
        if self._producer is not None:
            self._producer.close(timeout=0)
            self._producer = None

    def _connected(self) -> Any:
        if self._producer is None:
            self._producer = self._make(
                bootstrap_servers=self._bootstrap.split(","),
                acks="all",
                linger_ms=0,
                bootstrap_timeout_ms=DELIVERY_MS,
                request_timeout_ms=REQUEST_MS,
                delivery_timeout_ms=DELIVERY_MS,
                max_block_ms=DELIVERY_MS,
                **security(self._auth),
            )
        return self._producer


def security(auth: str) -> dict[str, str]:
    if auth == "iam":
        return {"security_protocol": "SASL_SSL", "sasl_mechanism": "AWS_MSK_IAM"}
    return {"security_protocol": "PLAINTEXT"}
