"""What the streaming job needs on EMR Serverless, in one folder: nothing is uploaded here.

    margin_stream.py   the entry point
    marginwatch.zip    the rooms margin and spark_jobs (spark.archives, PYTHONPATH)
    deps.tar.gz        NumPy, pandas, PyArrow, boto3 and what they need (the same way)
    jars/              the connector, of the lock that the offline run uses, and MSK's IAM login
    package.json       names, sizes and SHA-256 of these, and one version for them all

The same sources and locks give the same bytes, so the version changes only with what is in it.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import tempfile
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import Any

from local import jars
from local.errors import MissingPrerequisiteError, UsageError
from local.processes import REPOSITORY
from local.stable_archive import Entry, entries_below, write_tar_gz, write_zip
from spark_jobs.submission import CODE, DEPENDENCIES, ENTRY_POINT, JARS, PYTHON

MANIFEST = "package.json"
ROOMS = ("margin", "spark_jobs")
ROOM_FILES = frozenset({".py", ".toml"})
# What the workers import, and what those import: uv.lock has the versions and the hashes.
# PySpark speaks of state to its Python workers in protobuf; messages go to Kinesis by boto3.
# PySpark itself is in the image.
PACKAGES = (
    *("boto3", "botocore", "jmespath", "numpy", "pandas", "protobuf", "pyarrow"),
    *("python-dateutil", "s3transfer", "six", "tzdata", "urllib3"),
)
# uv's names. "emr" is what the application of stacks/risk.py runs on.
PLATFORMS: Mapping[str, str | None] = MappingProxyType(
    {"emr": "aarch64-manylinux_2_28", "host": None}
)
JAR_GROUPS = ("spark_kafka", "spark_msk_iam")
# Notes of the installer, and tests: 25 MB that no worker imports.
LEFT_OUT = frozenset({"__pycache__", "bin", "tests"})
# botocore describes every service of AWS in a folder each: 25 MB, of which a job calls two.
SERVICES = PurePosixPath("botocore/data")
CALLED = frozenset({"kinesis", "sts"})
NOTES = frozenset({".lock", "INSTALLER", "RECORD", "REQUESTED", "direct_url.json"})
INSTALL_TIMEOUT_S = 600
VERSION_DIGITS = 12

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """A folder that was packaged; `version` stands for every byte in it."""

    folder: Path
    version: str
    jars: tuple[str, ...]
    sizes: Mapping[str, int]


def build(
    folder: Path,
    *,
    platform: str = "emr",
    jar_groups: Iterable[str] = JAR_GROUPS,
    progress: Progress = lambda _line: None,
) -> Package:
    """Fill a folder, new or of an earlier package, with the job's files.

    Raises UsageError for a folder that holds anything else, and MissingPrerequisiteError where uv,
    its lock or the network is missing.
    """
    _make_room(folder)
    progress("code: " + ", ".join(ROOMS))
    shutil.copyfile(REPOSITORY / "spark_jobs" / ENTRY_POINT, folder / ENTRY_POINT)
    write_zip(folder / CODE, _code())
    progress(f"Python packages for {PLATFORMS[platform] or 'this machine'}: {', '.join(PACKAGES)}")
    _dependencies(folder / DEPENDENCIES, PLATFORMS[platform])
    names = [_add_jar(path, folder / JARS) for path in jars.fetch(*jar_groups, progress=progress)]
    files = {str(name): path for name, path in entries_below(folder)}
    digests = {name: jars.sha256(path) for name, path in files.items()}
    package = Package(
        folder=folder,
        version=_version(digests),
        jars=tuple(names),
        sizes={name: path.stat().st_size for name, path in files.items()},
    )
    _write_manifest(package, digests, platform)
    return package


def read(folder: Path) -> Package:
    """A folder that was packaged before; a file that changed since is refused by name."""
    try:
        manifest: dict[str, Any] = json.loads((folder / MANIFEST).read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(
            f"a package expected in {folder}, found no {MANIFEST}: run `marginwatch package`"
        ) from error
    for name, file in manifest["files"].items():
        path = folder / name
        if not path.is_file() or jars.sha256(path) != file["sha256"]:
            raise UsageError(f"{path} is not what was packaged: run `marginwatch package` again")
    return Package(
        folder=folder,
        version=manifest["version"],
        jars=tuple(manifest["jars"]),
        sizes={name: file["bytes"] for name, file in manifest["files"].items()},
    )


def requirements(lock: Path = REPOSITORY / "uv.lock") -> str:
    """The packages as pip's requirements, each with the hashes of its wheels.

    >>> requirements().splitlines()[-1].split()[0]
    'urllib3==2.8.0'
    """
    try:
        locked = {p["name"]: p for p in tomllib.loads(lock.read_text("utf-8"))["package"]}
    except FileNotFoundError as error:
        raise MissingPrerequisiteError(
            f"the lock of the Python packages expected at {lock}, found none: "
            "package the job from a checkout of the project"
        ) from error
    lines = []
    for name in PACKAGES:
        hashes = sorted(wheel["hash"] for wheel in locked[name]["wheels"])
        pinned = f"{name}=={locked[name]['version']}"
        lines.append(" ".join([pinned, *map("--hash={}".format, hashes)]))
    return "\n".join(lines) + "\n"


def _make_room(folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"a folder expected, {folder} is a file")
    if folder.is_dir() and any(folder.iterdir()):
        if not (folder / MANIFEST).is_file():
            raise UsageError(
                f"an empty folder or an earlier package expected, {folder} holds other files"
            )
        shutil.rmtree(folder)
    (folder / JARS).mkdir(parents=True, exist_ok=True)


def _code() -> Iterator[Entry]:
    for room in ROOMS:
        for name, path in entries_below(REPOSITORY / room):
            if path.suffix in ROOM_FILES and "__pycache__" not in name.parts:
                yield room / name, path


def _dependencies(target: Path, platform: str | None) -> None:
    with tempfile.TemporaryDirectory(prefix="marginwatch-deps-") as scratch:
        wanted, installed = Path(scratch, "requirements.txt"), Path(scratch, "deps")
        wanted.write_text(requirements(), encoding="utf-8")
        _install(wanted, installed, platform)
        write_tar_gz(target, filter(_is_needed, entries_below(installed)))


def _is_needed(entry: Entry) -> bool:
    name: PurePosixPath = entry[0]
    if name.is_relative_to(SERVICES) and len(name.parts) > len(SERVICES.parts) + 1:
        return name.parts[len(SERVICES.parts)] in CALLED
    return name.name not in NOTES and LEFT_OUT.isdisjoint(name.parts)


def _install(wanted: Path, target: Path, platform: str | None) -> None:
    """uv installs wheels of another platform as readily as our own: nothing of them is run."""
    uv = os.environ.get("UV") or shutil.which("uv")
    if uv is None:
        raise MissingPrerequisiteError(
            "uv expected on the PATH to fetch the job's Python packages, found none: "
            "see https://docs.astral.sh/uv"
        )
    done = subprocess.run(
        [
            *(uv, "pip", "install", "--no-config", "--quiet", "--target", str(target)),
            *("--python-version", PYTHON, "--only-binary", ":all:", "--no-deps"),
            *("--require-hashes", "--requirement", str(wanted)),
            *(("--python-platform", platform) if platform else ()),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=INSTALL_TIMEOUT_S,
    )
    if done.returncode:
        reason = " ".join(done.stderr.split())[-300:]
        raise MissingPrerequisiteError(f"the job's Python packages cannot be fetched: {reason}")


def _add_jar(path: Path, folder: Path) -> str:
    shutil.copyfile(path, folder / path.name)
    return path.name


def _version(digests: Mapping[str, str]) -> str:
    lines = "".join(f"{name} {digest}\n" for name, digest in sorted(digests.items()))
    return hashlib.sha256(lines.encode()).hexdigest()[:VERSION_DIGITS]


def _write_manifest(package: Package, digests: Mapping[str, str], platform: str) -> None:
    manifest = {
        "version": package.version,
        "platform": platform,
        "python": PYTHON,
        "jars": list(package.jars),
        "files": {
            name: {"bytes": package.sizes[name], "sha256": digest}
            for name, digest in sorted(digests.items())
        },
    }
    text = json.dumps(manifest, indent=1) + "\n"
    (package.folder / MANIFEST).write_text(text, encoding="utf-8")
