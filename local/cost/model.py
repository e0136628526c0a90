"""What one student's stacks cost: by the hour while they stand, and by what happens in them.

Exact Decimal; nothing is rounded before it is shown. No free tier is taken off.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from local.cost.prices import price
from margin.topics import CATALOGUE

# What the stacks make; tests/stacks/test_cost_shape.py counts it in their templates.
PARTITIONS: Final = sum(topic.partitions for topic in CATALOGUE)
ZONES: Final = 2
KAFKA_ENDPOINTS: Final = 2  # lambda and sts, for pollers on demand
KINESIS_ENDPOINTS: Final = 1
VCPU, MEMORY_GB = 2, 8  # driver and one executor
FUNCTION_GB: Final = Decimal("0.25")
ALARMS, DASHBOARDS, METRICS = 15, 1, 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """What is deployed. `esm_mode` counts with Kafka only."""

    transport: str = "kafka"
    esm_mode: str = "on-demand"


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """What happens in one hour. The default is a lively demo hour."""

    gb_in: Decimal = Decimal("0.1")
    gb_out: Decimal = Decimal("0.4")
    put_units: Decimal = Decimal(100_000)
    invocations: Decimal = Decimal(3_600)
    seconds_each: Decimal = Decimal("0.2")
    table_writes: Decimal = Decimal(10_000)
    table_reads: Decimal = Decimal(10_000)
    s3_puts: Decimal = Decimal(2_000)
    transitions: Decimal = Decimal(2_400)
    log_gb: Decimal = Decimal("0.05")


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of a bill: how much of which price, and the part of the system it is for."""

    part: str
    key: str
    count: Decimal

    @property
    def usd(self) -> Decimal:
        return price(self.key).of(self.count)

    def times(self, factor: Decimal | int) -> Line:
        return Line(part=self.part, key=self.key, count=self.count * factor)


def standing(shape: Shape) -> list[Line]:
    """An hour of the stacks with nothing happening and the job stopped."""
    lines = [
        Line(part="watching", key="alarm", count=Decimal(ALARMS)),
        Line(part="watching", key="dashboard", count=Decimal(DASHBOARDS)),
        Line(part="watching", key="metric", count=Decimal(METRICS)),
    ]
    if shape.transport == "kinesis":
        return [
            Line(part="transport", key="kds_shard", count=Decimal(PARTITIONS)),
            Line(part="network", key="vpce", count=Decimal(KINESIS_ENDPOINTS * ZONES)),
            *lines,
        ]
    poller = (
        Line(part="network", key="epu", count=Decimal(1))
        if shape.esm_mode == "provisioned"
        else Line(part="network", key="vpce", count=Decimal(KAFKA_ENDPOINTS * ZONES))
    )
    return [
        Line(part="transport", key="msk_cluster", count=Decimal(1)),
        Line(part="transport", key="msk_partition", count=Decimal(PARTITIONS)),
        poller,
        *lines,
    ]


def job() -> list[Line]:
    """An hour of the streaming job."""
    return [
        Line(part="job", key="emr_vcpu_arm", count=Decimal(VCPU)),
        Line(part="job", key="emr_gb_arm", count=Decimal(MEMORY_GB)),
    ]


def happening(shape: Shape, traffic: Traffic) -> list[Line]:
    """What is billed by use."""
    duration = traffic.invocations * traffic.seconds_each * FUNCTION_GB
    counts: Mapping[str, Decimal] = {
        "lambda_request": traffic.invocations,
        "lambda_gb_s": duration,
        "ddb_write": traffic.table_writes,
        "ddb_read": traffic.table_reads,
        "s3_put": traffic.s3_puts,
        "sfn": traffic.transitions,
        "logs": traffic.log_gb,
    }
    volume = (
        {"kds_put": traffic.put_units}
        if shape.transport == "kinesis"
        else {"msk_in": traffic.gb_in, "msk_out": traffic.gb_out}
    )
    return [
        *(Line(part="transport", key=key, count=count) for key, count in volume.items()),
        *(Line(part="traffic", key=key, count=count) for key, count in counts.items()),
    ]


def busy_hour(shape: Shape, traffic: Traffic | None = None) -> list[Line]:
    """An hour of a demo: everything stands, the job runs, events come."""
    return [*standing(shape), *job(), *happening(shape, traffic or Traffic())]


def total(lines: Iterable[Line]) -> Decimal:
    """USD, exact."""
    return sum((line.usd for line in lines), Decimal(0))


def by_part(lines: Iterable[Line]) -> dict[str, Decimal]:
    """USD by part of the system, the dearest first."""
    found: dict[str, Decimal] = {}
    for line in lines:
        found[line.part] = found.get(line.part, Decimal(0)) + line.usd
    return dict(sorted(found.items(), key=lambda item: -item[1]))
