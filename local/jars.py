"""The Java archives of the offline system: Maven Central coordinates and SHA-256 in jars.toml.

`python -m local.jars` fetches what is missing; `python -m local.jars --lock` rewrites the hashes.
"""

from __future__ import annotations

import argparse
import hashlib
import logging
import os
import sys
import tempfile
import tomllib
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from local.errors import LocalError, MissingPrerequisiteError

LOCK = Path(__file__).with_name("jars.toml")
OFFLINE_GROUPS = ("kafka_broker", "spark_kafka")
PARALLEL_DOWNLOADS = 8
TIMEOUT_S = 60

log = logging.getLogger("marginwatch.jars")
Progress = Callable[[str], None]


def fetch(
    *groups: str, lock: Path = LOCK, cache: Path | None = None, progress: Progress = log.info
) -> list[Path]:
    """Paths of the groups' jars in the Maven cache, in the lock's order, each checked by SHA-256.

    What is missing comes from Maven Central. Raises MissingPrerequisiteError where that cannot be
    reached, or where a jar is not the one that was locked.
    """
    locked = read_lock(lock)
    digests = {name: digest for group in groups for name, digest in locked[group].items()}
    folder = cache or default_cache()
    missing = [name for name in digests if not cached_path(folder, name).is_file()]
    if missing:
        progress(f"fetching {len(missing)} of {len(digests)} jars from Maven Central to {folder}")
        download(missing, folder)
    paths = [cached_path(folder, name) for name in digests]
    with ThreadPoolExecutor() as pool:  # hashing releases the interpreter lock
        found = list(pool.map(sha256, paths))
    for name, expected, actual, path in zip(digests, digests.values(), found, paths, strict=True):
        if actual != expected:
            raise MissingPrerequisiteError(
                f"{name}: expected sha256 {expected}, found {actual} in {path}; "
                "delete that file to fetch it again"
            )
    return paths


def class_path(*groups: str) -> str:
    """What `java -cp` takes for these groups."""
    return os.pathsep.join(map(str, fetch(*groups)))


def read_lock(lock: Path = LOCK) -> dict[str, dict[str, str]]:
    """Group -> coordinate -> SHA-256."""
    return tomllib.loads(lock.read_text(encoding="utf-8"))


def default_cache() -> Path:
    return Path(os.environ.get("M2_REPO") or Path.home() / ".m2" / "repository")


def cached_path(cache: Path, coordinate: str) -> Path:
    group, artifact, version, *classifier = coordinate.split(":")
    name = "-".join([artifact, version, *classifier])
    return cache.joinpath(*group.split("."), artifact, version, f"{name}.jar")


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def download(coordinates: Iterable[str], cache: Path) -> None:
    """Each jar arrives under its name only when it is whole, so an interruption leaves no half."""
    from jgo.maven import MavenContext  # a third of a second that the usual, warm start saves
    from requests import RequestException

    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".marginwatch-", dir=cache) as staging:
        maven = MavenContext(repo_cache=Path(staging), timeout=TIMEOUT_S)

        def one(coordinate: str) -> None:
            group, artifact, version, *classifier = coordinate.split(":")
            part = maven.project(group, artifact).at_version(version).artifact(*classifier)
            target = cached_path(cache, coordinate)
            target.parent.mkdir(parents=True, exist_ok=True)
            part.resolve().replace(target)

        with ThreadPoolExecutor(PARALLEL_DOWNLOADS) as pool:
            try:
                list(pool.map(one, coordinates))
            except (RequestException, RuntimeError, OSError) as error:
                pool.shutdown(wait=True, cancel_futures=True)
                reason = str(error).splitlines()[0][:200]
                raise MissingPrerequisiteError(
                    "jars cannot be fetched from Maven Central (repo1.maven.org); the first start "
                    f"needs the network: {reason}"
                ) from error


def relock(lock: Path = LOCK, cache: Path | None = None) -> None:
    """Rewrite every hash of the lock from what Maven Central gives now."""
    folder, lines = cache or default_cache(), []
    for group, jars in read_lock(lock).items():
        download([name for name in jars if not cached_path(folder, name).is_file()], folder)
        lines += [f"[{group}]"]
        lines += [f'"{name}" = "{sha256(cached_path(folder, name))}"' for name in jars]
        lines += [""]
    lock.write_text("\n".join(lines), encoding="utf-8")


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m local.jars", description=__doc__)
    parser.add_argument("--lock", action="store_true", help="rewrite the hashes in jars.toml")
    arguments = parser.parse_args(argv)
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    log.setLevel(logging.INFO)
    try:
        if arguments.lock:
            relock()
        paths = fetch(*OFFLINE_GROUPS)
    except LocalError as error:
        log.error("%s", error)
        return error.exit_code
    log.info("%d jars, %d MB", len(paths), sum(p.stat().st_size for p in paths) // 1_000_000)
    return 0


if __name__ == "__main__":
    sys.exit(main())
