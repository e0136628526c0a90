"""`marginwatch aws job`: the streaming job on EMR Serverless."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from local.commands.aws_options import SHAPE, STUDENT, WHERE, account_of, choice_of

if TYPE_CHECKING:
    from local.aws.account import Account
    from local.aws.deploying import Choice


@click.group("job", epilog="Example: `marginwatch aws job status --student ada`.")
def job() -> None:
    """The streaming job on EMR Serverless, through its controller."""


@job.command("start", epilog="Example: `marginwatch aws job start --student ada`.")
@STUDENT
@SHAPE
@WHERE
def job_start(
    student: str,
    profile: str,
    transport: str,
    esm_mode: str,
    ttl_hours: int,
    region: str | None,
    endpoint_url: str | None,
) -> None:
    """Package the job, upload what changed, and start it unless it runs."""
    choice = choice_of(student, profile, transport, esm_mode, ttl_hours)
    start_job(account_of(region, endpoint_url), choice)


@job.command("stop", epilog="Example: `marginwatch aws job stop --student ada`.")
@STUDENT
@WHERE
def job_stop(student: str, region: str | None, endpoint_url: str | None) -> None:
    """Ask for the end of the run; its checkpoint knows how far it came."""
    _ask_job("stop", student, region, endpoint_url)


@job.command("status", epilog="Example: `marginwatch aws job status --student ada`.")
@STUDENT
@WHERE
def job_status(student: str, region: str | None, endpoint_url: str | None) -> None:
    """What the newest run is doing, as JSON."""
    _ask_job("status", student, region, endpoint_url)


def start_job(account: Account, choice: Choice) -> None:
    """Package, upload, start; what the controller said."""
    from pathlib import Path

    from local.aws import jobs
    from local.emr_package import build

    package = build(
        Path(".marginwatch") / "package", progress=lambda line: click.echo(line, err=True)
    )
    place = jobs.upload(account, choice.student, package)
    click.echo(f"package {package.version} is at {place}", err=True)
    click.echo(json.dumps(jobs.start(account, choice, package), indent=1))


def _ask_job(action: str, student: str, region: str | None, endpoint_url: str | None) -> None:
    from local.aws import jobs

    answer = jobs.ask(account_of(region, endpoint_url), student, action)
    click.echo(json.dumps(answer, indent=1))
