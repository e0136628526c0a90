"""`marginwatch aws seed-data` and `aws demo`: a scenario in a student's account."""

from __future__ import annotations

import click

from local.commands.aws_options import STUDENT, WHERE, account_of

SCENARIO = click.argument("scenario", default="nvda-selloff", metavar="[SCENARIO]")


@click.command("seed-data", epilog="Example: `marginwatch aws seed-data --student ada`.")
@SCENARIO
@STUDENT
@WHERE
def seed_data(scenario: str, student: str, region: str | None, endpoint_url: str | None) -> None:
    """Feed a scenario's reference data: instruments, betas and accounts."""
    import time

    from local.aws import feeding
    from local.scenario import find, load

    account = account_of(region, endpoint_url)
    sent = feeding.seed(account, student, load(find(scenario)), time.time_ns() // 1_000_000)
    click.echo(f"{sent} events")


@click.command("demo", epilog="Example: `marginwatch aws demo --student ada --pause-s 30`.")
@SCENARIO
@STUDENT
@WHERE
@click.option(
    "--pause-s",
    type=click.FloatRange(min=0),
    default=20.0,
    show_default=True,
    help="Between two steps: the stream's batches take ten seconds.",
)
def demo(
    scenario: str, student: str, region: str | None, endpoint_url: str | None, pause_s: float
) -> None:
    """Play a falling market through the account's own system, and say where each account stands.

    No execution desk runs there: an order of a liquidation stays open.
    """
    from local.aws import feeding
    from local.scenario import find, load
    from local.table import print_rows

    account, found = account_of(region, endpoint_url), load(find(scenario))
    feeding.play(account, student, found, lambda line: click.echo(line, err=True), pause_s=pause_s)
    print_rows(
        ("account", "band", "excess", "last_action"), feeding.standing(account, student, found)
    )
