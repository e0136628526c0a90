"""`marginwatch audit`: the chain of decisions."""

from __future__ import annotations

import json
from pathlib import Path

import click

from local.errors import FindingError, NotRunningError
from local.state import StateFolder


@click.group(
    "audit", epilog="Examples: `marginwatch audit verify`; `marginwatch audit verify COPY`."
)
def command() -> None:
    """Check the chain of decisions."""


@command.command("verify", epilog="Example: `marginwatch audit verify .marginwatch/audit --json`.")
@click.argument("folder", required=False, type=click.Path(path_type=Path, file_okay=False))
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def verify(folder: Path | None, as_json: bool) -> None:
    """Check that no record was altered, dropped, added or moved.

    FOLDER is an exported trail. Without it: the running system's, else what the last one left.
    """
    from local import audit_verify

    place = folder or _own_trail()
    found = audit_verify.verify(place)
    if as_json:
        click.echo(
            json.dumps(
                {
                    "verified": found.problem is None,
                    "accounts": found.accounts,
                    "records": found.records,
                    "problem": found.problem,
                    "folder": str(place),
                }
            )
        )
    elif found.problem is None:
        click.echo(f"{found.records} records of {found.accounts} accounts verified in {place}")
    if found.problem is not None:
        raise FindingError(f"audit: {found.problem}")


def _own_trail() -> Path:
    """The trail of this folder, copied anew where the system is running."""
    from local import audit_files

    state = StateFolder.here()
    try:
        running = state.running()
    except NotRunningError:
        return state.audit
    audit_files.export(state.audit, running.aws, running.outputs)
    return state.audit
