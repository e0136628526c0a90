"""The doctor reads an account's plan, as AWS's own model of the answer has it."""

from __future__ import annotations

import pytest
from support.recorded_aws import RecordedAws

from local.aws.account import Account
from local.aws.doctor import _plan


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> RecordedAws:
    recorded = RecordedAws()
    monkeypatch.setattr(Account, "client", lambda _self, service: recorded(service))
    return recorded


def answered(aws: RecordedAws, kind: str) -> None:
    aws.answers["freetier", "GetAccountPlanState"] = [
        {
            "accountPlanType": kind,
            "accountPlanRemainingCredits": {"amount": 120.5, "unit": "USD"},
        }
    ]


def test_a_paid_plan_is_fine(aws: RecordedAws) -> None:
    answered(aws, "PAID")
    found = _plan(Account())
    assert (found.ok, found.found, found.advice) == (True, "paid, 120.5 USD of credits left", "")


def test_a_free_plan_is_told_of(aws: RecordedAws) -> None:
    answered(aws, "FREE")
    found = _plan(Account())
    assert found.ok is None
    assert "leaves services out" in found.advice


def test_a_plan_that_cannot_be_read_is_not_guessed(aws: RecordedAws) -> None:
    aws.refusals["freetier", "GetAccountPlanState"] = "AccessDeniedException"
    found = _plan(Account())
    assert (found.ok, found.found) == (None, "cannot be read: AccessDeniedException")
