"""`marginwatch cost`: what AWS would charge."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from local.state import StateFolder

if TYPE_CHECKING:
    from local.cost.estimate import Estimate

SCENARIOS = ("demo", "class", "idle", "always")


@click.group("cost", epilog="Examples: `marginwatch cost estimate`; `marginwatch cost meter`.")
def command() -> None:
    """What AWS would charge: before a deploy, and for what an offline run did.

    US dollars in us-east-1 from the dated price table local/cost/prices.toml, no free tier.
    """


@command.command(
    "estimate",
    epilog="Examples: `marginwatch cost estimate`; `marginwatch cost estimate idle --json`.",
)
@click.argument("scenario", required=False, type=click.Choice(SCENARIOS))
@click.option(
    "--transport",
    type=click.Choice(("kafka", "kinesis")),
    default="kafka",
    show_default=True,
    help="MSK Serverless, or Kinesis shards.",
)
@click.option(
    "--esm-mode",
    type=click.Choice(("on-demand", "provisioned")),
    default="on-demand",
    show_default=True,
    help="Who reads Kafka for the router: endpoints by the hour, or pollers.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def estimate(scenario: str | None, transport: str, esm_mode: str, as_json: bool) -> None:
    """One hour, a class, a month idle, a month around the clock; all of them without SCENARIO.

    Beside each: what the reference design says that it costs.
    """
    from local.cost.estimate import SCENARIOS as KNOWN
    from local.cost.estimate import unsourced
    from local.cost.model import Shape

    shape = Shape(transport=transport, esm_mode=esm_mode)
    found = [KNOWN[name](shape) for name in ([scenario] if scenario else KNOWN)]
    if as_json:
        about = {"transport": transport, "esm_mode": esm_mode, "currency": "USD"}
        listed = {"scenarios": [one.as_json() for one in found], "unsourced": unsourced(found)}
        click.echo(json.dumps(about | listed, indent=1))
        return
    for one in found:
        _show(one)
    click.echo("no source was found for: " + ", ".join(unsourced(found)), err=True)


def _show(one: Estimate) -> None:
    from local.cost.estimate import usd
    from local.cost.model import by_part

    click.echo(f"{usd(one.usd):>9}  {one.name}: {one.title}")
    parts = ", ".join(f"{part} {usd(amount)}" for part, amount in by_part(one.lines).items())
    click.echo(f"           {parts}")
    if one.claims_usd:
        said = " and ".join(usd(claim) for claim in one.claims_usd)
        times = " and ".join(f"{factor:.1f}" for factor in one.factors)
        wrong = f"; this is {times} times that" if times else ""
        click.echo(f"           the reference design says {said}{wrong}")
    if one.note:
        click.echo(f"           {one.note}")


@command.command("meter", epilog="Examples: `marginwatch cost meter`; `... meter --json`.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def meter(as_json: bool) -> None:
    """What the system that runs here has done so far, priced as if it had run on AWS.

    Bytes, records and batches are counted in the channels, invocations and transitions in the
    emulator. Start one with `marginwatch demo --keep` or `marginwatch up`.
    """
    from local.cost.estimate import usd
    from local.cost.meter import bill, measure

    running = StateFolder.here().running()
    measured = measure(running, StateFolder.here().part("spark") / "checkpoint")
    billed = bill(measured)
    if as_json:
        click.echo(json.dumps({"measured": measured.as_json(), "bill": billed.as_json()}, indent=1))
        return
    for name, count in measured.as_json().items():
        click.echo(f"{count:>14}  {name.replace('_', ' ')}")
    click.echo(f"{usd(billed.usd_by_use):>14}  for what happened")
    click.echo(f"{usd(billed.usd_by_time):>14}  for the time that the stacks stood and the job ran")
