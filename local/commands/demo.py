"""`marginwatch demo`: the main job."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from local.errors import FindingError
from local.state import StateFolder

if TYPE_CHECKING:
    from local.demo import Moment
    from local.scenario import Scenario
    from local.supervisor import System
    from local.verdict import Verdict

BEGAN = time.monotonic()
FRAME_S = 0.25


@click.command(
    "demo",
    epilog="Examples: `marginwatch demo`; `marginwatch demo --json`; `marginwatch demo my.toml"
    " --speed 60 --keep`.",
)
@click.argument("scenario", default="nvda-selloff", metavar="[SCENARIO]")
@click.option("--speed", metavar="N", help="Scenario seconds per second of the ladder's clocks.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of tables.")
@click.option("--keep", is_flag=True, help="Stay up after the verdict, until Ctrl-C or `down`.")
@click.option(
    "--transport",
    type=click.Choice(("kafka", "kinesis")),
    default="kafka",
    help="What carries the events: Kafka, or Kinesis streams on the emulator.",
)
@click.option("--kafka-port", type=click.IntRange(1, 65535), help="Default 9092, or a free one.")
@click.option("--aws-port", type=click.IntRange(1, 65535), help="Default 4566, or a free one.")
@click.option("-q", "--quiet", is_flag=True, help="No progress on standard error.")
def command(
    scenario: str,
    speed: str | None,
    as_json: bool,
    keep: bool,
    transport: str,
    kafka_port: int | None,
    aws_port: int | None,
    quiet: bool,
) -> None:
    """Play a falling market through the whole system and judge the outcome.

    SCENARIO is the name of a shipped scenario (nvda-selloff) or a TOML file. Everything runs on
    this machine: Kafka or Kinesis, Spark, and our CloudFormation stacks on an AWS emulator. Exit
    code 0 where every account did what arithmetic says, 1 where one did not.
    """
    from local import scenario as scenarios
    from local.supervisor import Options, System, interrupt
    from margin.channels import Transport

    played = scenarios.load(scenarios.find(scenario))
    factor = played.speed if speed is None else scenarios.speed(speed)
    state = StateFolder.here()
    with state.locked():
        state.forget()
        signal.signal(signal.SIGTERM, interrupt)
        options = Options(
            speed=factor,
            heartbeat_ms=0,
            transport=Transport(transport),
            kafka_port=kafka_port,
            aws_port=aws_port,
        )
        with System(state, options, _say(quiet)) as system:
            verdict = _play(system, played, factor, plain=as_json or quiet)
            _report(verdict, as_json)
            if keep:
                _stay(system)
    if not verdict.passed:
        raise FindingError(f"{len(verdict.differences())} differences from what was expected")


def _say(quiet: bool) -> Callable[[str], None]:
    def say(line: str) -> None:
        if not quiet:
            click.echo(f"{time.monotonic() - BEGAN:5.1f} s  {line}", err=True)

    return say


def _play(system: System, scenario: Scenario, speed: object, *, plain: bool) -> Verdict:
    from decimal import Decimal

    from local.demo import play

    with _screen(scenario, plain) as show:
        return play(system, scenario, Decimal(str(speed)), began=BEGAN, show=show)


@contextmanager
def _screen(scenario: Scenario, plain: bool) -> Iterator[Callable[[Moment], None]]:
    """A table that updates in place on a terminal; elsewhere a line for each step."""
    from rich.console import Console
    from rich.live import Live

    from local.table import live

    console = Console(stderr=True)
    if plain or not console.is_terminal:
        yield _step_lines(quiet=plain)
        return
    with Live(console=console, auto_refresh=False, transient=True) as screen:
        last = 0.0

        def show(moment: Moment) -> None:
            nonlocal last
            if moment.seconds - last >= FRAME_S:
                last = moment.seconds
                screen.update(live(scenario, moment), refresh=True)

        yield show


def _step_lines(*, quiet: bool) -> Callable[[Moment], None]:
    said: list[str] = []

    def show(moment: Moment) -> None:
        if moment.step is not None and moment.step.at not in said:
            said.append(moment.step.at)
            if not quiet:
                click.echo(
                    f"{moment.seconds:5.1f} s  {moment.step.at} {moment.step.title}", err=True
                )

    return show


def _report(verdict: Verdict, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(verdict.as_json(), indent=1))
        return
    from local import table

    table.verdict(table.output_console(), verdict)


def _stay(system: System) -> None:
    click.echo(
        "the system stays up: try `marginwatch accounts`, `marginwatch workflow list`, "
        "`marginwatch observe` here; Ctrl-C or `marginwatch down` ends it",
        err=True,
    )
    try:
        while True:
            system.check()
            time.sleep(0.2)
    except KeyboardInterrupt:
        click.echo("ending", err=True)
