"""`marginwatch package`: the streaming job as EMR Serverless wants it, in a folder."""

from __future__ import annotations

import json
from pathlib import Path

import click


@click.command(
    "package",
    epilog="Examples: `marginwatch package`; `marginwatch package --platform host --json`.",
)
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(".marginwatch/package"),
    show_default=True,
    help="A new folder, or one of an earlier package, which is replaced.",
)
@click.option(
    "--platform",
    type=click.Choice(("emr", "host")),
    default="emr",
    show_default=True,
    help="Compiled packages for EMR's ARM64, or for this machine.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def command(out: Path, platform: str, as_json: bool) -> None:
    """Package the streaming job: code, Python packages and jars. Nothing is uploaded.

    The same sources give the same bytes and the same version.
    """
    from local.emr_package import build

    package = build(out, platform=platform, progress=lambda line: click.echo(line, err=True))
    if as_json:
        found = {"version": package.version, "folder": str(out), "bytes": dict(package.sizes)}
        click.echo(json.dumps(found, indent=1))
        return
    for name, size in package.sizes.items():
        click.echo(f"{size / 1_000_000:9.3f} MB  {name}")
    total = sum(package.sizes.values())
    click.echo(f"{total / 1_000_000:9.3f} MB  in {out}, version {package.version}")
