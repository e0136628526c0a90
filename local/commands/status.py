"""`marginwatch status`: what is running."""

from __future__ import annotations

import json

import click

from local.errors import FindingError
from local.state import StateFolder


@click.command("status", epilog="Examples: `marginwatch status`; `marginwatch status --json`.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def command(as_json: bool) -> None:
    """What is running in this folder, where it listens, and how much memory it uses."""
    from local.processes import is_alive, resident_bytes

    running = StateFolder.here().running()
    parts = {
        name: {
            "pid": pid,
            "running": is_alive(pid),
            "rss_mb": round(resident_bytes([pid]) / 2**20),
        }
        for name, pid in running.parts.items()
    }
    found = {
        "pid": running.pid,
        "started_at": running.started_at,
        "kafka": running.kafka,
        "stream_prefix": running.stream_prefix,
        "aws": running.aws,
        "outputs": running.outputs,
        "parts": parts,
    }
    if as_json:
        click.echo(json.dumps(found, indent=1))
    else:
        click.echo(f"running since {running.started_at} (pid {running.pid})")
        click.echo(f"{running.line.address}, AWS at {running.aws}")
        for name, part in parts.items():
            state = "running" if part["running"] else "DEAD"
            click.echo(f"  {name:14} {state:8} pid {part['pid']:<8} {part['rss_mb']} MB")
    dead = [name for name, part in parts.items() if not part["running"]]
    if dead:
        raise FindingError(f"expected every part to run, found {', '.join(dead)} dead")
