import hashlib
import socket
import time
from pathlib import Path

import pytest

from local import jars
from local.errors import MissingPrerequisiteError

COORDINATE = "org.example:thing:1.0"


def lock_with(folder: Path, digest: str) -> Path:
    lock = folder / "jars.toml"
    lock.write_text(f'[group]\n"{COORDINATE}" = "{digest}"\n')
    return lock


def cache_with(folder: Path, content: bytes) -> Path:
    path = jars.cached_path(folder, COORDINATE)
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    return path


def test_a_jar_with_the_locked_hash_is_given_without_the_network(tmp_path: Path) -> None:
    path = cache_with(tmp_path, b"jar")
    lock = lock_with(tmp_path, hashlib.sha256(b"jar").hexdigest())
    assert jars.fetch("group", lock=lock, cache=tmp_path) == [path]


def test_a_jar_with_another_hash_is_refused_by_name(tmp_path: Path) -> None:
    path = cache_with(tmp_path, b"not the jar")
    lock = lock_with(tmp_path, hashlib.sha256(b"jar").hexdigest())
    with pytest.raises(MissingPrerequisiteError, match=f"{COORDINATE}: expected sha256") as caught:
        jars.fetch("group", lock=lock, cache=tmp_path)
    assert str(path) in str(caught.value)


def test_no_network_is_one_line_that_says_what_is_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as closed:  # bound, but nobody answers
        closed.bind(("127.0.0.1", 0))
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{closed.getsockname()[1]}")
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        lines: list[str] = []
        with pytest.raises(MissingPrerequisiteError, match="needs the network") as caught:
            jars.fetch(
                "group", lock=lock_with(tmp_path, ""), cache=tmp_path / "m2", progress=lines.append
            )
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 4
    assert lines == [f"fetching 1 of 1 jars from Maven Central to {tmp_path / 'm2'}"]
    assert list((tmp_path / "m2").rglob("*.jar")) == []


def test_a_coordinate_with_a_classifier_has_mavens_own_path() -> None:
    found = jars.cached_path(Path("m2"), "software.amazon.msk:aws-msk-iam-auth:2.3.9:all")
    assert found.as_posix() == (
        "m2/software/amazon/msk/aws-msk-iam-auth/2.3.9/aws-msk-iam-auth-2.3.9-all.jar"
    )


def test_checking_jars_that_are_there_is_fast() -> None:
    jars.fetch(*jars.OFFLINE_GROUPS)
    began = time.monotonic()
    paths = jars.fetch(*jars.OFFLINE_GROUPS)
    assert time.monotonic() - began < 0.5
    assert len(paths) == 50
