"""Code assets of the functions: copied from what is installed, no Docker, no pip, no timestamps."""

import atexit
import importlib.metadata
import shutil
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path, PurePosixPath
from tempfile import mkdtemp

from aws_cdk import aws_lambda as lambda_

PROJECT = Path(__file__).resolve().parent.parent
ROOMS = ("margin", "functions")
# The vectorised twin needs NumPy, which is not in a function: it recomputes with the scalar rules.
LEFT_OUT = PurePosixPath("margin/columnar")
COMMON = ("aws-lambda-powertools", "jmespath", "typing-extensions")
WITH_KAFKA = (*COMMON, "kafka-python")
# Code, and data that code reads: kafka-python keeps its message schemas in JSON.
PACKAGED = frozenset({".py", ".json"})
# The rulebooks are data.
ROOM_FILES = frozenset({".py", ".toml"})
COMPILED = frozenset({".so", ".pyd", ".dylib", ".dll"})
SKIPPED_PARTS = frozenset({"__pycache__", "tests", "test", "benchmarks"})


class PackagingError(RuntimeError):
    """A function cannot be packaged as it stands."""


def code_of(distributions: tuple[str, ...]) -> lambda_.Code:
    """The asset with these packages. It is staged once a process, however many stacks use it."""
    return lambda_.Code.from_asset(str(_staged(distributions)))


@cache
def _staged(distributions: tuple[str, ...]) -> Path:
    folder = Path(mkdtemp(prefix="marginwatch-asset-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return stage(folder, distributions)


def stage(folder: Path, distributions: Iterable[str]) -> Path:
    """Write one asset into an empty folder: the rooms a function needs and its pure packages.

    The files depend only on the sources and the pinned versions, so the hash the CDK takes of the
    folder is the same at every synth.
    """
    for room in ROOMS:
        _copy(_room_files(room), folder)
    for name in distributions:
        _copy(_distribution_files(name), folder)
    return folder


def _room_files(room: str) -> Iterator[tuple[PurePosixPath, Path]]:
    for path in sorted(p for p in (PROJECT / room).rglob("*") if p.suffix in ROOM_FILES):
        relative = PurePosixPath(path.relative_to(PROJECT).as_posix())
        if not relative.is_relative_to(LEFT_OUT) and SKIPPED_PARTS.isdisjoint(relative.parts):
            yield relative, path


def _distribution_files(name: str) -> Iterator[tuple[PurePosixPath, Path]]:
    """The files of an installed distribution's packages; a compiled one is refused.

    A compiled file is built for this machine, and the functions run on ARM64.
    """
    for entry in sorted(importlib.metadata.files(name) or (), key=str):
        relative = PurePosixPath(entry)
        if relative.suffix in COMPILED:
            raise PackagingError(f"{name} must be pure Python, but has {relative}")
        if _is_packaged(relative):
            yield relative, Path(str(entry.locate()))


def _is_packaged(relative: PurePosixPath) -> bool:
    """False for scripts outside the packages, metadata, bytecode and test folders."""
    top = relative.parts[0]
    return (
        relative.suffix in PACKAGED
        and top != ".."
        and not top.endswith(".dist-info")
        and SKIPPED_PARTS.isdisjoint(relative.parts)
    )


def _copy(files: Iterable[tuple[PurePosixPath, Path]], folder: Path) -> None:
    copied = 0
    for relative, source in files:
        target = folder / relative
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(source.read_bytes())
        # Lambda runs as another user, and the umask of this machine must not decide.
        target.chmod(0o644)
        copied += 1
    if not copied:
        raise PackagingError(f"nothing to copy into {folder}")
