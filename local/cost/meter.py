"""What an offline run did, counted where it left its traces, and priced as if on AWS.

Channels are read from their beginning, executions from their histories, functions from their
logs, batches from Spark's checkpoint. What is read and written in the table leaves no trace: a
fixed number of units is taken for each invocation. Durations are this machine's, not Lambda's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from local.cost.model import Line, Shape, Traffic, happening, job, standing, total
from local.emulator import aws_client
from local.errors import TimedOutError
from local.state import Running
from margin.topics import CATALOGUE, INPUTS, MARGIN_CALC

GB: Final = Decimal(10**9)
PUT_UNIT_BYTES: Final = 25 * 1024
HOUR_S: Final = 3600
IDLE_POLLS: Final = 50
# Who reads a channel on AWS: the streaming job its inputs, the router the assessments.
READ_ONCE: Final = frozenset({*INPUTS, MARGIN_CALC})
# A rung's transaction has four items, and an item in a transaction counts twice.
UNITS_EACH: Final = 8
INVOKED: Final = "START RequestId"
BILLED: Final = re.compile(r"Billed Duration: (\d+) ms")


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """Counts of one run; `seconds` since it was up."""

    transport: str
    seconds: int = 0
    records: int = 0
    bytes_in: int = 0
    bytes_out: int = 0
    put_units: int = 0
    batches: int = 0
    checkpoint_files: int = 0
    transitions: int = 0
    invocations: int = 0
    billed_ms: int = 0
    log_bytes: int = 0
    audit_objects: int = 0

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """`by_time`: the stacks and the job for as long as the run was up."""

    by_use: tuple[Line, ...]
    by_time: tuple[Line, ...]

    @property
    def usd_by_use(self) -> Decimal:
        return total(self.by_use)

    @property
    def usd_by_time(self) -> Decimal:
        return total(self.by_time)

    def as_json(self) -> dict[str, Any]:
        return {
            "usd_by_use": str(self.usd_by_use),
            "usd_by_time": str(self.usd_by_time),
            "lines": [
                {"price": line.key, "count": str(line.count), "usd": str(line.usd)}
                for line in (*self.by_use, *self.by_time)
            ],
        }


def bill(measured: Measured) -> Bill:
    """The run's prices. Its hours are exact: AWS bills some services by the second, none by less
    than was used."""
    shape = Shape(transport=measured.transport)
    each = Decimal(measured.billed_ms) / 1000 / max(measured.invocations, 1)
    used = Traffic(
        gb_in=measured.bytes_in / GB,
        gb_out=measured.bytes_out / GB,
        put_units=Decimal(measured.put_units),
        invocations=Decimal(measured.invocations),
        seconds_each=each,
        table_writes=Decimal(measured.invocations * UNITS_EACH),
        table_reads=Decimal(measured.invocations * UNITS_EACH),
        s3_puts=Decimal(measured.audit_objects + measured.checkpoint_files),
        transitions=Decimal(measured.transitions),
        log_gb=measured.log_bytes / GB,
    )
    hours = Decimal(measured.seconds) / HOUR_S
    return Bill(
        by_use=tuple(happening(shape, used)),
        by_time=tuple(line.times(hours) for line in (*standing(shape), *job())),
    )


def measure(running: Running, checkpoint: Path) -> Measured:
    """Count what the running system has done. TimedOutError where a channel has no end."""
    started = datetime.fromisoformat(running.started_at)
    count, billed_ms, log_bytes = _invocations(running)
    return replace(
        _channels(running),
        seconds=int((datetime.now(UTC) - started).total_seconds()),
        batches=_batches(checkpoint),
        checkpoint_files=_checkpoint_files(checkpoint),
        transitions=_transitions(running),
        audit_objects=_audit_objects(running),
        invocations=count,
        billed_ms=billed_ms,
        log_bytes=log_bytes,
    )


def _channels(running: Running) -> Measured:
    """Every record of every channel; a channel that is read on AWS counts out as well."""
    records = bytes_in = bytes_out = units = 0
    for record in _records(running):
        size = len(record.key or b"") + len(record.value or b"")
        records += 1
        bytes_in += size
        bytes_out += size if record.topic in READ_ONCE else 0
        units += -(-size // PUT_UNIT_BYTES)
    return Measured(
        transport=str(running.line.transport),
        records=records,
        bytes_in=bytes_in,
        bytes_out=bytes_out,
        put_units=units,
    )


def _records(running: Running) -> Iterator[Any]:
    """From the beginning to where the channels end now."""
    consumer = running.line.consumer([topic.name for topic in CATALOGUE])
    try:
        consumer.seek_to_beginning()
        ends = consumer.end_offsets(consumer.assignment())
        idle = 0
        while any(consumer.position(place) < end for place, end in ends.items()):
            polled = consumer.poll(timeout_ms=200)
            idle = 0 if polled else idle + 1
            if idle > IDLE_POLLS:
                raise TimedOutError("the channels were not read to their end within 10 s")
            for records in polled.values():
                yield from records
    finally:
        consumer.close()


def _batches(checkpoint: Path) -> int:
    """Commits are numbered from 0, and only the newest are kept."""
    numbers = [int(path.name) for path in _commits(checkpoint)]
    return max(numbers) + 1 if numbers else 0


def _checkpoint_files(checkpoint: Path) -> int:
    """One PUT each on S3: as many a batch as the kept batches have, times all batches."""
    kept = len(_commits(checkpoint))
    files = sum(1 for path in checkpoint.rglob("*") if path.is_file() and path.name[0] != ".")
    return files * _batches(checkpoint) // kept if kept else 0


def _commits(checkpoint: Path) -> list[Path]:
    return [path for path in checkpoint.rglob("commits/*") if path.name.isdigit()]


def _transitions(running: Running) -> int:
    """States entered; AWS bills each, and each retry of one."""
    states, machine = aws_client(running.aws, "stepfunctions"), running.outputs["StateMachineArn"]
    listed = states.get_paginator("list_executions").paginate(stateMachineArn=machine)
    count = 0
    for execution in (one for page in listed for one in page["executions"]):
        history = states.get_paginator("get_execution_history").paginate(
            executionArn=execution["executionArn"]
        )
        count += sum(e["type"].endswith("StateEntered") for page in history for e in page["events"])
    return count


def _invocations(running: Running) -> tuple[int, int, int]:
    """Count, billed ms and bytes of log: each invocation has a line, and one of its duration."""
    logs = aws_client(running.aws, "logs")
    events = logs.get_paginator("filter_log_events")
    count = billed = size = 0
    groups = logs.get_paginator("describe_log_groups").paginate(logGroupNamePrefix="/aws/lambda/")
    for group in (one["logGroupName"] for page in groups for one in page["logGroups"]):
        for event in (e for page in events.paginate(logGroupName=group) for e in page["events"]):
            text = event["message"]
            size += len(text.encode())
            count += text.startswith(INVOKED)
            if found := BILLED.search(text):
                billed += int(found.group(1))
    return count, billed, size


def _audit_objects(running: Running) -> int:
    pages = aws_client(running.aws, "s3").get_paginator("list_objects_v2")
    listed = pages.paginate(Bucket=running.outputs["AuditBucket"])
    return sum(page.get("KeyCount", 0) for page in listed)
