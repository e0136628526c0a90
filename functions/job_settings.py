"""What the job controller is given: one application, one role, one bucket, one longest run."""

import os
from collections.abc import Mapping
from dataclasses import dataclass

from functions.settings import SettingsError, needed


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSettings:
    """`longest_minutes` of 0 sets no limit to a run."""

    application_id: str
    role_arn: str
    artifact_bucket: str
    longest_minutes: int
    student: str


def read_job_settings(environment: Mapping[str, str] = os.environ) -> JobSettings:
    """The settings of the controller; a value that cannot be used is refused at once."""
    minutes = environment.get("LONGEST_MINUTES", "")
    if not minutes.isdecimal():
        raise SettingsError(f"LONGEST_MINUTES must be a whole number >= 0, was {minutes!r}")
    return JobSettings(
        application_id=_named(environment, "EMR_APPLICATION_ID"),
        role_arn=_named(environment, "JOB_ROLE_ARN"),
        artifact_bucket=_named(environment, "ARTIFACT_BUCKET"),
        longest_minutes=int(minutes),
        student=_named(environment, "STUDENT"),
    )


def _named(environment: Mapping[str, str], variable: str) -> str:
    return needed(environment.get(variable, ""), variable)
