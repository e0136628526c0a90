"""The scenarios people plan with, and what the reference design says of each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from types import MappingProxyType
from typing import Final

from local.cost.model import Line, Shape, busy_hour, by_part, job, standing, total
from local.cost.prices import HOURS_A_MONTH, prices

STUDENTS, CLASS_HOURS = 20, 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """`claims_usd`: the figures of the reference design for the same thing, lowest first."""

    name: str
    title: str
    lines: tuple[Line, ...]
    claims_usd: tuple[Decimal, ...] = ()
    note: str = ""

    @property
    def usd(self) -> Decimal:
        return total(self.lines)

    @property
    def factors(self) -> tuple[Decimal, ...]:
        """How many times each claim this is; a claim of nothing has no factor."""
        return tuple(self.usd / claim for claim in self.claims_usd if claim)

    def as_json(self) -> dict[str, object]:
        return {
            "name": self.name,
            "title": self.title,
            "usd": str(self.usd),
            "parts_usd": {part: str(usd) for part, usd in by_part(self.lines).items()},
            "reference_usd": [str(claim) for claim in self.claims_usd],
            "note": self.note,
        }


def demo(shape: Shape) -> Estimate:
    return Estimate(
        name="demo",
        title="one stack set for one hour of a demo",
        lines=tuple(busy_hour(shape)),
        claims_usd=(Decimal("0.50"), Decimal("0.87")),
    )


def workshop(shape: Shape) -> Estimate:
    return Estimate(
        name="class",
        title=f"{STUDENTS} stack sets for a class of {CLASS_HOURS} hours",
        lines=_times(busy_hour(shape), STUDENTS * CLASS_HOURS),
        claims_usd=(Decimal("7.00"), Decimal("9.93")),
        note=f"one stack set of the instructor's for the {CLASS_HOURS} hours, students offline: "
        f"{usd(total(busy_hour(shape)) * CLASS_HOURS)}",
    )


def idle(shape: Shape) -> Estimate:
    return Estimate(
        name="idle",
        title="a month of stacks left up, the job stopped, nothing happening",
        lines=_times(standing(shape), HOURS_A_MONTH),
        claims_usd=(Decimal("0.00"),),
        note=WHY_IDLE_COSTS[shape.transport],
    )


def always(shape: Shape) -> Estimate:
    return Estimate(
        name="always",
        title="a month around the clock, the job running, nothing happening",
        lines=_times([*standing(shape), *job()], HOURS_A_MONTH),
        claims_usd=(Decimal(412),),
        note="events come on top: "
        f"{usd(total(busy_hour(shape)) - total([*standing(shape), *job()]))} for each lively hour",
    )


WHY_IDLE_COSTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "kafka": "MSK Serverless is billed from its creation to its deletion, whatever flows: "
        "stacks that are forgotten cost this much every month. The teardown takes them down",
        "kinesis": "shards and endpoints are billed from creation to deletion, whatever flows. "
        "The teardown takes them down",
    }
)
SCENARIOS: Final[Mapping[str, Callable[[Shape], Estimate]]] = MappingProxyType(
    {"demo": demo, "class": workshop, "idle": idle, "always": always}
)


def unsourced(estimates: list[Estimate]) -> tuple[str, ...]:
    """Labels of the prices in them for which there is no source."""
    keys = {line.key for estimate in estimates for line in estimate.lines}
    return tuple(p.label for key, p in prices().items() if key in keys and not p.is_sourced)


def usd(amount: Decimal) -> str:
    """For people: cents below $100, whole dollars from there.

    >>> usd(Decimal("1.105")), usd(Decimal("611.4"))
    ('$1.11', '$611')
    """
    step = Decimal("0.01") if amount < 100 else Decimal(1)
    return f"${amount.quantize(step, ROUND_HALF_UP):,}"


def _times(lines: list[Line], factor: int) -> tuple[Line, ...]:
    return tuple(line.times(factor) for line in lines)
