"""How the job reaches its channels: Kafka's brokers, or the Kinesis streams below a prefix."""

from dataclasses import dataclass
from typing import Final

from margin.channels import stream_name

IAM_OPTIONS: Final = {
    "kafka.security.protocol": "SASL_SSL",
    "kafka.sasl.mechanism": "AWS_MSK_IAM",
    "kafka.sasl.jaas.config": "software.amazon.msk.auth.iam.IAMLoginModule required;",
    "kafka.sasl.client.callback.handler.class": (
        "software.amazon.msk.auth.iam.IAMClientCallbackHandler"
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Kafka:
    """Brokers; auth is "none" or "iam" (MSK)."""

    servers: str
    auth: str = "none"

    def options(self) -> dict[str, str]:
        """Spark's options for source and sink.

        >>> Kafka(servers="127.0.0.1:9092").options()
        {'kafka.bootstrap.servers': '127.0.0.1:9092'}
        """
        own = {"kafka.bootstrap.servers": self.servers}
        return own | (IAM_OPTIONS if self.auth == "iam" else {})


@dataclass(frozen=True, slots=True, kw_only=True)
class Kinesis:
    """Streams `<prefix>-<channel>` of a region; with an endpoint, those of an emulator."""

    prefix: str
    region: str
    endpoint: str = ""

    def stream(self, channel: str) -> str:
        return stream_name(self.prefix, channel)

    @property
    def is_emulated(self) -> bool:
        return bool(self.endpoint)

    @property
    def url(self) -> str:
        """Where Kinesis is.

        >>> Kinesis(prefix="mw", region="us-east-1").url
        'https://kinesis.us-east-1.amazonaws.com'
        """
        return self.endpoint or f"https://kinesis.{self.region}.amazonaws.com"


Wire = Kafka | Kinesis
