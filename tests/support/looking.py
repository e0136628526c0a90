"""Looking at processes from outside, as an administrator would."""

from __future__ import annotations

import contextlib

import psutil

from local.processes import family


def listening_addresses(pid: int) -> set[str]:
    """The addresses on which a process and its descendants listen; IPv4 in IPv6 as IPv4."""
    found = [c for process in family([pid]) for c in process.net_connections("inet")]
    return {c.laddr.ip.removeprefix("::ffff:") for c in found if c.status == psutil.CONN_LISTEN}


def alive(pid: int) -> bool:
    """False for one that ended, and for a zombie nobody collected."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    return False
