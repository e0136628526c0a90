import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest

from local.errors import PortTakenError
from local.ports import LOOPBACK, choose_port, free_port, is_free
from local.processes import child_environment


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket() as server:
        server.bind((LOOPBACK, 0))
        server.listen()
        yield server.getsockname()[1]


def test_default_port_is_used_where_it_is_free() -> None:
    default = free_port()
    assert choose_port(default) == default


def test_another_port_is_chosen_where_the_default_is_taken(taken: int) -> None:
    chosen = choose_port(taken)
    assert chosen != taken
    assert is_free(chosen)


def test_a_port_that_was_asked_for_and_is_taken_is_an_error(taken: int) -> None:
    with pytest.raises(PortTakenError, match=f"Kafka port {taken} is in use"):
        choose_port(9092, taken, what="Kafka port")


def test_a_port_another_part_got_is_not_given_twice() -> None:
    default = free_port()
    assert choose_port(default, avoid={default}) != default
    with pytest.raises(PortTakenError):
        choose_port(default, default, avoid={default})


def test_a_port_taken_on_all_interfaces_is_not_free() -> None:
    with socket.socket() as server:
        server.bind(("0.0.0.0", 0))
        server.listen()
        assert not is_free(server.getsockname()[1])


def test_two_systems_that_start_at_once_get_different_ports() -> None:
    port = free_port()
    ask = f"from local.ports import claim_port; print(claim_port({port}), flush=True); input()"
    both = [
        subprocess.Popen(
            [sys.executable, "-c", ask],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=child_environment(),
        )
        for _ in range(2)
    ]
    chosen = [int(process.stdout.readline()) for process in both if process.stdout]
    for process in both:
        process.communicate("\n", timeout=10)
    assert port in chosen
    assert chosen[0] != chosen[1]
