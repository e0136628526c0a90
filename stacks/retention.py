"""How long logs are kept. What must be kept for years is in the audit trail."""

from collections.abc import Mapping
from types import MappingProxyType

from aws_cdk import aws_logs as logs

LOG_RETENTION: Mapping[str, logs.RetentionDays] = MappingProxyType(
    {"class": logs.RetentionDays.ONE_WEEK, "prod": logs.RetentionDays.ONE_YEAR}
)


def log_retention(profile: str) -> logs.RetentionDays:
    return LOG_RETENTION[profile]
