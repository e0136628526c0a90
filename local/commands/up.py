"""`marginwatch up`: the system, running until it is told to end."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

import click

from local.errors import NotRunningError, TimedOutError
from local.state import StateFolder

DETACHED_START_S = 180.0


@click.command(
    "up",
    epilog="Examples: `marginwatch up`; `marginwatch up --detach`; `marginwatch up --fresh"
    " --kafka-port 19092`.",
)
@click.option("--detach", is_flag=True, help="Return once it is ready; `marginwatch down` ends it.")
@click.option("--fresh", is_flag=True, help="Forget what an earlier run left in .marginwatch/.")
@click.option("--speed", default="1", metavar="N", help="Divide the ladder's timers by N.")
@click.option(
    "--target",
    type=click.Choice(("embedded", "docker", "foreign")),
    default="embedded",
    help="Our own parts; LocalStack and Redpanda in Docker; or what runs at --kafka and --aws.",
)
@click.option(
    "--transport",
    type=click.Choice(("kafka", "kinesis")),
    default="kafka",
    help="What carries the events: Kafka, or Kinesis streams on the emulator.",
)
@click.option("--kafka", metavar="HOST:PORT", help="Brokers that run already (target foreign).")
@click.option("--aws", metavar="URL", help="An emulator that runs already (target foreign).")
@click.option("--kafka-port", type=click.IntRange(1, 65535), help="Default 9092, or a free one.")
@click.option("--aws-port", type=click.IntRange(1, 65535), help="Default 4566, or a free one.")
def command(
    detach: bool,
    fresh: bool,
    speed: str,
    target: str,
    transport: str,
    kafka: str | None,
    aws: str | None,
    kafka_port: int | None,
    aws_port: int | None,
) -> None:
    """Start the whole system and leave it running.

    It takes up where the last run in this folder ended, unless --fresh.
    """
    from local.foreign import at_target, containers
    from local.scenario import speed as checked_speed
    from local.supervisor import Options, System, interrupt
    from margin.channels import Transport

    options = Options(
        speed=checked_speed(speed),
        resumes=not fresh,
        kafka_port=kafka_port,
        aws_port=aws_port,
        transport=Transport(transport),
        foreign=at_target(target, kafka, aws, Transport(transport)),
    )
    state = StateFolder.here()
    if detach:
        _detach(state)
        return
    with state.locked():
        if fresh:
            state.forget()
        signal.signal(signal.SIGTERM, interrupt)
        with (
            containers(target, state.logs / "compose.log"),
            System(state, options, lambda line: click.echo(line, err=True)) as system,
        ):
            click.echo(f"{system.line.address}, AWS at {system.aws}  (Ctrl-C ends it)")
            try:
                while True:
                    system.check()
                    time.sleep(0.2)
            except KeyboardInterrupt:
                click.echo("ending", err=True)


def _detach(state: StateFolder) -> None:
    """Run the same command, without --detach, in a session of its own; wait for its note."""
    try:
        running = state.running()
    except NotRunningError:
        pass
    else:
        raise NotRunningError(f"a system is already running in {state.root} (pid {running.pid})")
    arguments = [a for a in sys.argv[1:] if a != "--detach"]
    state.root.mkdir(parents=True, exist_ok=True)
    log = state.root / "up.log"
    with log.open("ab") as output:
        child = subprocess.Popen(
            [sys.executable, "-m", "local.cli", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    deadline = time.monotonic() + DETACHED_START_S
    while time.monotonic() < deadline:
        if child.poll() is not None:
            last = log.read_text(errors="replace").strip().splitlines()[-1:]
            raise NotRunningError(f"the system did not start: {' '.join(last)}; see {log}")
        try:
            running = state.running()
        except NotRunningError:
            time.sleep(0.2)
            continue
        click.echo(f"{running.line.address}, AWS at {running.aws}  (pid {running.pid})")
        return
    child.terminate()
    raise TimedOutError(f"the system was not ready within {DETACHED_START_S:g} s; see {log}")
