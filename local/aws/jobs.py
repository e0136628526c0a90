"""The streaming job on EMR Serverless: its package in the artifact bucket, its controller asked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from local.aws.account import Account
from local.aws.deploying import Choice
from local.emr_package import Package
from spark_jobs.submission import StreamJob, parameters
from spark_jobs.transports import Kafka, Kinesis, Wire

PACKAGES, CHECKPOINTS = "packages", "checkpoints"
MINUTES_AN_HOUR = 60


def upload(account: Account, student: str, package: Package) -> str:
    """Put a package where the job reads it; files that are there already are not sent again.

    The address of the package, s3://BUCKET/packages/VERSION.
    """
    bucket = account.parameter(student, "artifact-bucket")
    s3, prefix = account.client("s3"), f"{PACKAGES}/{package.version}"
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=f"{prefix}/")
    there = {entry["Key"]: entry["Size"] for page in pages for entry in page.get("Contents", ())}
    for name, size in package.sizes.items():
        key = f"{prefix}/{name}"
        if there.get(key) != size:
            s3.upload_file(str(Path(package.folder, name)), bucket, key)
    return f"s3://{bucket}/{prefix}"


def start(account: Account, choice: Choice, package: Package) -> dict[str, Any]:
    """Start the job of an uploaded package, unless one runs already."""
    student = choice.student
    artifacts = account.parameter(student, "artifact-bucket")
    checkpoints = account.parameter(student, "checkpoint-bucket")
    job = StreamJob(
        name=choice.prefix,
        artifacts=f"s3://{artifacts}/{PACKAGES}/{package.version}",
        checkpoints=f"s3://{checkpoints}/{CHECKPOINTS}",
        jars=package.jars,
        wire=_wire(account, choice),
        ttl_minutes=choice.ttl_hours * MINUTES_AN_HOUR if choice.profile == "class" else 0,
    )
    return ask(account, student, "start", job=parameters(job))


def _wire(account: Account, choice: Choice) -> Wire:
    if choice.transport == "kafka":
        return Kafka(servers=account.parameter(choice.student, "kafka-bootstrap"), auth="iam")
    region = str(account.client("sts").meta.region_name)
    return Kinesis(prefix=choice.prefix, region=region)


def ask(account: Account, student: str, action: str, **more: object) -> dict[str, Any]:
    """The controller's answer to start, stop or status."""
    function = account.parameter(student, "job-controller")
    answer: dict[str, Any] = account.invoke(
        function, json.dumps({"action": action, **more}).encode()
    )
    return answer
