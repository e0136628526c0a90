"""Our own CDK templates, synthesized on this machine; made anew only when their sources change."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from local.errors import MissingPrerequisiteError
from local.processes import RUN_VARIABLE
from margin.channels import Transport

ROOT = Path(__file__).resolve().parents[1]
OFFLINE = ("--fast", "--offline")
SOURCES = ("app.py", "cdk.json", "pyproject.toml", "stacks", "functions", "margin")


def synthesize(
    folder: Path, log: Path, run_id: str, transport: Transport = Transport.KAFKA
) -> Path:
    """The cloud assembly (a cdk.out folder) of app.py for a transport, below `folder`.

    Needs no credentials, no network and no Docker. Raises MissingPrerequisiteError where the
    sources are not beside the installed package or where synthesis fails.
    """
    if not (ROOT / "app.py").is_file():
        raise MissingPrerequisiteError(
            f"expected app.py in {ROOT}, found none; run from a clone: `uv run marginwatch demo`"
        )
    out = folder / f"{transport}-{source_hash()}"
    if (out / "manifest.json").is_file():
        return out
    shutil.rmtree(folder, ignore_errors=True)
    making = folder / "making"
    making.mkdir(parents=True)
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        done = subprocess.run(
            [sys.executable, str(ROOT / "app.py"), *OFFLINE, "-c", f"transport={transport}"],
            cwd=ROOT,
            env=os.environ | {"CDK_OUTDIR": str(making), RUN_VARIABLE: run_id},
            stdout=output,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            check=False,
        )
    if done.returncode:
        raise MissingPrerequisiteError(
            f"app.py could not be synthesized (exit {done.returncode}); see {log}"
        )
    making.rename(out)
    return out


def source_hash() -> str:
    """One hash over every source that the templates and the Lambda assets are made from."""
    digest = hashlib.sha256(sys.version.encode())
    for path in sorted(_files()):
        digest.update(path.relative_to(ROOT).as_posix().encode() + b"\0")
        digest.update(path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def _files() -> list[Path]:
    found: list[Path] = []
    for name in SOURCES:
        place = ROOT / name
        if place.is_dir():
            found += [p for p in place.rglob("*") if p.suffix in (".py", ".json", ".toml")]
        elif place.is_file():
            found.append(place)
    return found
