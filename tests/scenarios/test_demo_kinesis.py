"""The demo over Kinesis streams: the same verdict, and no Kafka anywhere."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from support.command import Background, leftovers, run


@dataclass(frozen=True, slots=True)
class Kept:
    folder: Path
    found: dict[str, Any]
    note: dict[str, Any]


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kept]:
    folder = tmp_path_factory.mktemp("kinesis")
    process = Background(folder, "demo", "--json", "--keep", "--transport", "kinesis")
    try:
        found = process.wait_for_json(300)
        note = process.note()
        yield Kept(folder, found, note)
        assert run(folder, "down").returncode == 0
        process.wait(20)
        assert leftovers(note["run_id"]) == []
    finally:
        if not process.ended:
            process.process.terminate()
            process.wait(30)


def test_the_verdict_is_pass(kept: Kept) -> None:
    assert kept.found["differences"] == []
    assert kept.found["verdict"] == "pass"


def test_no_kafka_was_started(kept: Kept) -> None:
    assert kept.note["kafka"] == ""
    assert set(kept.note["parts"]) == {"desk", "bridge", "spark", "AWS emulator"}
    assert not (kept.folder / ".marginwatch" / "kafka").exists()


def test_the_commands_read_the_streams(kept: Kept) -> None:
    accounts = run(kept.folder, "accounts", "list", "--json")
    assert accounts.returncode == 0, accounts.stderr
    shown = {row["account_id"]: row["excess"] for row in json.loads(accounts.stdout)["accounts"]}
    assert shown["ACC_DEMO_001"] == "32.32"
    calls = run(
        kept.folder, "observe", "margin.calls.v1", "--from-beginning", "--jsonl", "--limit", "1"
    )
    assert json.loads(calls.stdout)["topic"] == "margin.calls.v1"
    assert "Kinesis at http://127.0.0.1" in run(kept.folder, "status").stdout
