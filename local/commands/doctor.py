"""`marginwatch doctor`: what this machine has and lacks."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click

from local.errors import MissingPrerequisiteError


@click.command("doctor", epilog="Examples: `marginwatch doctor`; `marginwatch doctor --json`.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def command(as_json: bool) -> None:
    """Check what this machine has and lacks for the offline system."""
    from local.checks import run_all

    findings = run_all(Path.cwd())
    if as_json:
        click.echo(json.dumps({"checks": [asdict(f) for f in findings]}, indent=1))
    else:
        for finding in findings:
            mark = {True: "ok", None: "note", False: "MISSING"}[finding.ok]
            fix = f"; {finding.fix}" if finding.ok is not True and finding.fix else ""
            click.echo(f"{mark:8} {finding.name:14} {finding.found}{fix}")
    missing = [finding.name for finding in findings if finding.ok is False]
    if missing:
        raise MissingPrerequisiteError(f"expected nothing missing, found {', '.join(missing)}")
