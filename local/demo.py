"""The demo: the whole system, a falling market through it, and a verdict."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Any

from functions import names
from local import audit_files, audit_verify
from local.emulator import aws_client
from local.errors import NotRunningError, TimedOutError
from local.items import query
from local.kafka_feed import CLIENT_ERRORS, Follower
from local.lines import ClosableSender
from local.player import Player
from local.projection import TOPICS, Projection
from local.scenario import Scenario, Step
from local.supervisor import System
from local.verdict import Verdict, judge

QUIET_S = 1.5
NOTICE_S = 0.3  # three looks of the supervisor
OUTBOX_TIMEOUT_S = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """What the live table shows: the step being played and the state of every account."""

    step: Step | None
    view: Projection
    seconds: float


def play(
    system: System,
    scenario: Scenario,
    speed: Decimal,
    *,
    began: float,
    show: Callable[[Moment], None],
) -> Verdict:
    """Play the scenario on a running system. `began` is time.monotonic() at the command's start.

    Raises NotRunningError where a part dies meanwhile.
    """
    view = Projection(scenario)
    first = _FirstAssessment(view, began)
    step: Step | None = None

    def look() -> None:
        system.check()
        follower.check()
        first.look()
        show(Moment(step=step, view=view, seconds=time.monotonic() - began))

    def announce(now: Step) -> None:
        nonlocal step
        step = now

    sender: ClosableSender | None = None
    try:
        sender = system.line.sender(system.check)
        with Follower(partial(system.line.read, TOPICS, from_beginning=True), view.add) as follower:
            Player(scenario, speed, sender, view, check=look, announce=announce).play()
            _until_quiet(view, look)
            _until_outbox_is_empty(system, look)
            return _verdict(system, scenario, view, began, first)
    except (NotRunningError, TimedOutError, *CLIENT_ERRORS):
        # A broken client is most often the echo of a part that died: name the part.
        time.sleep(NOTICE_S)
        system.check()
        raise
    finally:
        if sender is not None:
            sender.close()


def _verdict(
    system: System, scenario: Scenario, view: Projection, began: float, first: _FirstAssessment
) -> Verdict:
    audit_files.export(system.state.audit, system.aws, system.outputs)
    checked = audit_verify.verify(system.state.audit)
    system.measure()
    figures: dict[str, Any] = {
        "seconds": round(time.monotonic() - began, 1),
        "seconds_to_first_assessment": first.seconds,
        "peak_rss_mb": round(system.peak_rss_bytes / 2**20),
    }
    return judge(
        scenario,
        view,
        audit_records=checked.records,
        audit_problem=checked.problem,
        figures=figures,
    )


class _FirstAssessment:
    def __init__(self, view: Projection, began: float) -> None:
        self._view, self._began = view, began
        self.seconds: float | None = None

    def look(self) -> None:
        if self.seconds is None and self._view.assessments:
            self.seconds = round(time.monotonic() - self._began, 1)


def _until_quiet(view: Projection, look: Callable[[], None]) -> None:
    """A rung too many would come late: wait until nothing more has come for a while."""
    seen, since = -1, time.monotonic()
    while time.monotonic() - since < QUIET_S:
        look()
        if view.rung_count() != seen:
            seen, since = view.rung_count(), time.monotonic()
        time.sleep(0.05)


def _until_outbox_is_empty(system: System, look: Callable[[], None]) -> None:
    dynamodb, table = aws_client(system.aws, "dynamodb"), system.outputs["TableName"]
    deadline = time.monotonic() + OUTBOX_TIMEOUT_S
    while any(query(dynamodb, table, names.outbox_key(shard)) for shard in range(names.SHARDS)):
        look()
        if time.monotonic() > deadline:
            return  # the verdict finds what is missing in the audit trail
        time.sleep(0.2)
