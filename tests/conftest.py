"""One kept demo for every test that looks at a running system."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from support.command import Background, leftovers, run

# Machines are shared and noisy: how long an example takes says nothing about the code.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")


# A run that is told to end ends what it started, as on Ctrl-C.
signal.signal(signal.SIGTERM, signal.getsignal(signal.SIGINT))


@dataclass(frozen=True, slots=True)
class KeptDemo:
    folder: Path
    found: dict[str, Any]
    process: Background


@pytest.fixture(scope="session")
def kept_demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KeptDemo]:
    """`marginwatch demo --json --keep`, after its verdict, on real Kafka, Spark and our stacks."""
    folder = tmp_path_factory.mktemp("kept")
    process = Background(folder, "demo", "--json", "--keep")
    try:
        found = process.wait_for_json(240)
        run_id = process.note()["run_id"]
        yield KeptDemo(folder, found, process)
        assert run(folder, "down").returncode == 0
        process.wait(20)
        assert leftovers(run_id) == []
    finally:
        if not process.ended:
            process.process.terminate()
            process.wait(30)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The kept demo runs last: a whole system beside the other tests would only slow them down."""
    items.sort(key=lambda item: "kept_demo" in getattr(item, "fixturenames", ()))
