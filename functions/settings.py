"""The environment of a function as one frozen value."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from margin.channels import Transport
from margin.errors import MarginError


class SettingsError(MarginError):
    """An environment variable is missing or cannot be used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Each function is given only what it uses; the rest stays empty."""

    table_name: str = ""
    audit_bucket: str = ""
    notices_topic_arn: str = ""
    state_machine_arn: str = ""
    transport: Transport = Transport.KAFKA
    kafka_bootstrap: str = ""
    kafka_auth: str = "none"
    stream_prefix: str = ""
    unrouted_queue_url: str = ""
    ladder_speed: Decimal = Decimal(1)


def read_settings(environment: Mapping[str, str] = os.environ) -> Settings:
    """The settings of this function; a value that cannot be used is refused at once."""
    auth = environment.get("KAFKA_AUTH", "none")
    if auth not in ("none", "iam"):
        raise SettingsError(f"KAFKA_AUTH must be none or iam, was {auth!r}")
    return Settings(
        table_name=environment.get("TABLE_NAME", ""),
        audit_bucket=environment.get("AUDIT_BUCKET", ""),
        notices_topic_arn=environment.get("NOTICES_TOPIC_ARN", ""),
        state_machine_arn=environment.get("STATE_MACHINE_ARN", ""),
        transport=_transport(environment.get("TRANSPORT", Transport.KAFKA)),
        kafka_bootstrap=environment.get("KAFKA_BOOTSTRAP", ""),
        kafka_auth=auth,
        stream_prefix=environment.get("STREAM_PREFIX", ""),
        unrouted_queue_url=environment.get("UNROUTED_QUEUE_URL", ""),
        ladder_speed=_speed(environment.get("LADDER_SPEED", "1")),
    )


def needed(value: str, variable: str) -> str:
    """The value, or an error that names the missing variable."""
    if not value:
        raise SettingsError(f"{variable} must be set, was empty")
    return value


def _transport(text: str) -> Transport:
    try:
        return Transport(text)
    except ValueError as error:
        raise SettingsError(f"TRANSPORT must be kafka or kinesis, was {text!r}") from error


def _speed(text: str) -> Decimal:
    try:
        speed = Decimal(text)
    except InvalidOperation:
        speed = Decimal(0)
    if not speed.is_finite() or speed <= 0:
        raise SettingsError(f"LADDER_SPEED must be a decimal > 0, was {text!r}")
    return speed
