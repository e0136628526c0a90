"""One kept demo for every test that looks at a running system."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings
from support.command import KeptDemo, kept

# Machines are shared and noisy: how long an example takes says nothing about the code.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")


# A run that is told to end ends what it started, as on Ctrl-C.
signal.signal(signal.SIGTERM, signal.getsignal(signal.SIGINT))


@pytest.fixture(scope="session")
def kept_demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KeptDemo]:
    """A demo on real Kafka, Spark and our stacks, for all that look at a running system."""
    with kept(tmp_path_factory.mktemp("kept")) as demo:
        yield demo


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The kept demo runs last: a whole system beside the other tests would only slow them down."""
    items.sort(key=lambda item: "kept_demo" in getattr(item, "fixturenames", ()))
