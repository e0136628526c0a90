"""`marginwatch down`: end the running system."""

from __future__ import annotations

import os
import signal
import time

import click

from local.errors import NotRunningError, TimedOutError
from local.state import StateFolder

END_TIMEOUT_S = 20.0


@click.command("down", epilog="Examples: `marginwatch down`; `marginwatch down --purge`.")
@click.option("--purge", is_flag=True, help="Also remove what it has stored in .marginwatch/.")
def command(purge: bool) -> None:
    """End the system that runs in this folder, every part of it."""
    state = StateFolder.here()
    try:
        running = state.running()
    except NotRunningError:
        if not purge:
            raise
    else:
        os.kill(running.pid, signal.SIGTERM)
        _wait(state)
        click.echo("ended")
    if purge:
        with state.locked():
            state.forget()
        click.echo(f"removed what was stored in {state.root}")


def _wait(state: StateFolder) -> None:
    deadline = time.monotonic() + END_TIMEOUT_S
    while time.monotonic() < deadline:
        try:
            state.running()
        except NotRunningError:
            return
        time.sleep(0.1)
    raise TimedOutError(f"the system did not end within {END_TIMEOUT_S:g} s")
