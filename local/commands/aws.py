"""`marginwatch aws`: the system in a student's account, and nothing of it afterwards."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from local.commands.aws_feed import demo, seed_data
from local.commands.aws_job import job, start_job
from local.commands.aws_options import AS_JSON, SHAPE, STUDENT, WHERE, account_of, choice_of

if TYPE_CHECKING:
    from local.aws.account import Account
    from local.aws.deploying import Choice
    from local.aws.leftovers import Found


@click.group(
    "aws",
    epilog="Examples: `marginwatch aws doctor`; `marginwatch aws deploy --student ada`; "
    "`marginwatch aws verify-clean --student ada`.",
)
def command() -> None:
    """The system in an AWS account: looked into, deployed, and taken down again.

    It uses the shell's AWS credentials, and never prints them.
    """


@command.command("doctor", epilog="Example: `marginwatch aws doctor --region us-east-1`.")
@WHERE
@AS_JSON
def doctor(region: str | None, endpoint_url: str | None, as_json: bool) -> None:
    """Check what an account must have before a deploy; exit 4 where it lacks anything."""
    from local.aws.doctor import checks
    from local.errors import MissingPrerequisiteError

    found = list(checks(account_of(region, endpoint_url)))
    if as_json:
        click.echo(json.dumps([{k: getattr(c, k) for k in c.__slots__} for c in found], indent=1))
    else:
        words = {True: "ok", False: "NO", None: "?"}
        for check in found:
            click.echo(f"{words[check.ok]:3} {check.name:22} {check.found}")
            if check.advice:
                click.echo(f"    {'':22} {check.advice}")
    if wrong := [check.name for check in found if check.ok is False]:
        raise MissingPrerequisiteError(
            f"expected everything a deploy needs, found {', '.join(wrong)} wrong"
        )


@command.command("deploy", epilog="Example: `marginwatch aws deploy --student ada --ttl-hours 2`.")
@STUDENT
@SHAPE
@WHERE
@click.option("--email", default="", help="Whom a monthly budget tells when it is used up.")
@click.option("--budget-usd", type=click.IntRange(1, 999_999), default=25, show_default=True)
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--dry-run", is_flag=True, help="Say what it costs and what would be run.")
def deploy(
    student: str,
    profile: str,
    transport: str,
    esm_mode: str,
    ttl_hours: int,
    region: str | None,
    endpoint_url: str | None,
    email: str,
    budget_usd: int,
    yes: bool,
    dry_run: bool,
) -> None:
    """Say what it costs, ask, deploy every stack, upload the job and start it.

    A thin wrapper of `cdk deploy`. The teardown is deployed first, with its time.
    """
    from datetime import UTC, datetime

    from local.aws import deploying

    choice = choice_of(student, profile, transport, esm_mode, ttl_hours)
    choice = replace(choice, email=email, budget_usd=budget_usd)
    expires_at = deploying.expiry(choice, datetime.now(UTC))
    _announce(choice, deploying.expiry_text(expires_at))
    commands = deploying.deploy_commands(choice, expires_at)
    if dry_run:
        for line in commands:
            click.echo(" ".join(line))
        return
    account = account_of(region, endpoint_url)
    identity = account.identity()
    click.echo(f"account {identity.account}, region {identity.region}, as {identity.arn}")
    if not yes:
        click.confirm("deploy?", abort=True)
    for line in commands:
        deploying.run(line, identity.region)
    start_job(account, choice)


@command.command("outputs", epilog="Example: `marginwatch aws outputs --student ada`.")
@STUDENT
@WHERE
def outputs(student: str, region: str | None, endpoint_url: str | None) -> None:
    """Print what the stacks published: names and addresses, as JSON."""
    account = account_of(region, endpoint_url)
    found: dict[str, str] = {}
    path = f"/marginwatch/{student}/"
    pages = account.client("ssm").get_paginator("get_parameters_by_path")
    for page in pages.paginate(Path=path, Recursive=True):
        found |= {p["Name"].removeprefix(path): p["Value"] for p in page["Parameters"]}
    if not found:
        from local.errors import FindingError

        raise FindingError(
            f"expected parameters below {path}, found none; "
            f"deploy first: `marginwatch aws deploy --student {student}`"
        )
    click.echo(json.dumps(dict(sorted(found.items())), indent=1))


@command.command("hotswap", epilog="Example: `marginwatch aws hotswap --student ada`.")
@STUDENT
@SHAPE
@WHERE
def hotswap(
    student: str,
    profile: str,
    transport: str,
    esm_mode: str,
    ttl_hours: int,
    region: str | None,
    endpoint_url: str | None,
) -> None:
    """Put new code of functions and state machine up in seconds, past CloudFormation."""
    from datetime import UTC, datetime

    from local.aws import deploying

    choice = choice_of(student, profile, transport, esm_mode, ttl_hours)
    identity = account_of(region, endpoint_url).identity()
    expires_at = deploying.expiry(choice, datetime.now(UTC))
    deploying.run(deploying.hotswap_command(choice, expires_at), identity.region)


@command.command("destroy", epilog="Example: `marginwatch aws destroy --student ada`.")
@STUDENT
@WHERE
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--poll-s", type=click.FloatRange(min=0.1), default=10.0, hidden=True)
def destroy(
    student: str, region: str | None, endpoint_url: str | None, yes: bool, poll_s: float
) -> None:
    """Run the teardown now and follow it, delete the teardown itself, then look for what is left.

    The network stays, because it is free.
    """
    from local.aws import destroying

    account = account_of(region, endpoint_url)
    identity = account.identity()
    if not yes:
        click.confirm(
            f"take down everything of {student} in account {identity.account}?", abort=True
        )
    execution = destroying.start(account, student)
    destroying.follow(account, execution, lambda state: click.echo(state, err=True), poll_s=poll_s)
    destroying.end(account, student, poll_s=poll_s)
    _judge(_look(account, student), student)


@command.command("verify-clean", epilog="Example: `marginwatch aws verify-clean --student ada`.")
@STUDENT
@WHERE
@AS_JSON
def verify_clean(student: str, region: str | None, endpoint_url: str | None, as_json: bool) -> None:
    """Look for anything of a student that is left, by tag and by name; exit 1 when there is.

    The free network may stay. What is left is priced by the hour.
    """
    found = _look(account_of(region, endpoint_url), student)
    if as_json:
        click.echo(json.dumps(_as_json(found), indent=1))
    _judge(found, student, quiet=as_json)


@command.command("leftovers", epilog="Example: `marginwatch aws leftovers --student ada`.")
@STUDENT
@WHERE
@AS_JSON
def leftovers(student: str, region: str | None, endpoint_url: str | None, as_json: bool) -> None:
    """List what a student has in the account, with its price by the hour, and judge nothing."""
    found = _look(account_of(region, endpoint_url), student)
    if as_json:
        click.echo(json.dumps(_as_json(found), indent=1))
    else:
        _show(found)


for _part in (job, seed_data, demo):
    command.add_command(_part)


def _announce(choice: Choice, expires_at: str) -> None:
    """What it will cost, in plain words, before anything is asked or made."""
    from local.cost.estimate import demo, idle, usd
    from local.cost.model import Shape

    shape = Shape(transport=choice.transport, esm_mode=choice.esm_mode)
    hour, month = demo(shape), idle(shape)
    click.echo(f"{usd(hour.usd)} an hour while it runs, and {usd(month.usd)} a month left idle:")
    click.echo(f"  {month.note}.")
    click.echo(
        f"The teardown is set to {expires_at}, in {choice.ttl_hours} hours: "
        f"about {usd(hour.usd * choice.ttl_hours)} until then."
    )


def _look(account: Account, student: str) -> Found:
    from local.aws.leftovers import look

    account.identity()
    return look(account, student)


def _judge(found: Found, student: str, *, quiet: bool = False) -> None:
    from local.errors import FindingError

    if not quiet:
        _show(found)
    if not found.clean:
        raise FindingError(
            f"expected nothing of {student}, found {len(found.leftovers)} left at "
            f"${found.usd_an_hour:.4f} an hour, {len(found.unread)} listings unread; "
            f"take it down: `marginwatch aws destroy --student {student}`"
        )


def _show(found: Found) -> None:
    for one in found.leftovers:
        left = one.leftover
        click.echo(f"${one.usd_an_hour:9.4f}/h  {left.kind:22} {left.name}  (by {left.found_by})")
    for unread in found.unread:
        click.echo(f"unread: {unread}")
    if found.clean:
        click.echo("nothing is left")


def _as_json(found: Found) -> dict[str, Any]:
    return {
        "clean": found.clean,
        "usd_an_hour": str(found.usd_an_hour),
        "leftovers": [one.as_json() for one in found.leftovers],
        "unread": list(found.unread),
    }
