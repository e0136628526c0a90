"""Ports on 127.0.0.1: the usual one where it is free, else any free one."""

from __future__ import annotations

import fcntl
import os
import socket
import tempfile
from collections.abc import Collection
from pathlib import Path
from typing import IO

from local.errors import PortTakenError

LOOPBACK = "127.0.0.1"
_CLAIMS: list[IO[str]] = []  # open files hold the locks


def is_free(port: int) -> bool:
    """True where nothing on this machine answers on the port and it can be bound."""
    with socket.socket() as probe:
        probe.settimeout(0.5)
        if probe.connect_ex((LOOPBACK, port)) == 0:
            return False
    with socket.socket() as probe:
        # As servers do: a port whose last connections are in TIME_WAIT counts as free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def free_port(avoid: Collection[int] = ()) -> int:
    """A port that is free now and not among `avoid`."""
    while True:
        with socket.socket() as probe:
            probe.bind((LOOPBACK, 0))
            port = int(probe.getsockname()[1])
        if port not in avoid:
            return port


def claim(port: int) -> bool:
    """Keep the port for this process until it ends; False where another of ours has it.

    Between choosing a port and listening on it some seconds pass, in which a second system that
    starts in another folder would choose the same one.
    """
    folder = Path(tempfile.gettempdir()) / f"marginwatch-ports-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    file = (folder / str(port)).open("w")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        return False
    _CLAIMS.append(file)
    return True


def claim_port(
    default: int, asked: int | None = None, *, avoid: Collection[int] = (), what: str = "port"
) -> int:
    """choose_port, and the port claimed. Raises PortTakenError as it does."""
    port = choose_port(default, asked, avoid=avoid, what=what)
    while not claim(port):
        if asked is not None:
            raise PortTakenError(f"{what} {asked} is about to be used by another system")
        port = free_port({*avoid, port})
    return port


def choose_port(
    default: int, asked: int | None = None, *, avoid: Collection[int] = (), what: str = "port"
) -> int:
    """The port to use: `asked` where one was asked for, else `default` where free, else a free one.

    Raises PortTakenError where the port that was asked for is in use: a person who names a port
    wants that one.
    """
    if asked is not None:
        if asked in avoid or not is_free(asked):
            raise PortTakenError(
                f"{what} {asked} is in use on {LOOPBACK}; stop what uses it or leave the option out"
            )
        return asked
    return default if default not in avoid and is_free(default) else free_port(avoid)
