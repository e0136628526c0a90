"""Figures for CloudWatch, written into the log in its embedded format: no call, no permission.

Their one dimension is `service`, the name of the function, so there are as many series as
functions. An account is never a dimension: it would be a series each, and a name in CloudWatch.
"""

import os
from collections.abc import Iterable, Mapping

from aws_lambda_powertools.metrics import MetricUnit, single_metric

from functions.stored import NO_DEADLINE, Lock

NAMESPACE = "marginwatch"
CASES_HALTED = "CasesHalted"
CASES_PAST_DEADLINE = "CasesPastDeadline"
OUTBOX_LEFT = "OutboxLeft"
# The machine wakes at the deadline, and has a minute to act before somebody is told.
GRACE_MS = 60_000


def gauge(name: str, count: int, environment: Mapping[str, str] = os.environ) -> None:
    """One count of this function as it is now. Zero is told too: an alarm has to see it end."""
    with single_metric(
        namespace=NAMESPACE, name=name, unit=MetricUnit.Count, value=count
    ) as metric:
        metric.add_dimension(
            name="service", value=environment.get("AWS_LAMBDA_FUNCTION_NAME", "local")
        )


def tell_cases(locks: Iterable[Lock], now_ms: int) -> None:
    """How many open cases wait for a person, and how many should have moved on by themselves."""
    known = tuple(locks)
    gauge(CASES_HALTED, sum(lock.halted for lock in known))
    gauge(CASES_PAST_DEADLINE, sum(is_past_deadline(lock, now_ms) for lock in known))


def is_past_deadline(lock: Lock, now_ms: int) -> bool:
    """True when the deadline that the case waits for was more than a minute ago."""
    if lock.halted or lock.waits_for in (None, NO_DEADLINE):
        return False
    return now_ms - int(lock.waits_for or 0) > GRACE_MS
