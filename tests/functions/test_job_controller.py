"""Starting, stopping and looking at the streaming job, each sent more than once."""

from __future__ import annotations

import doctest
from typing import Any

import pytest
from botocore.exceptions import ClientError
from support.emr_service import EmrService, refusal

from functions import job_controller
from functions.adapters.job_runs import JobRuns
from functions.errors import JobError
from functions.job_controller import JobController, act
from functions.job_settings import JobSettings, read_job_settings
from functions.settings import SettingsError
from spark_jobs.submission import StreamJob, parameters
from spark_jobs.transports import Kafka

ENVIRONMENT = {
    "EMR_APPLICATION_ID": "00fabcdefghijk01",
    "JOB_ROLE_ARN": "arn:aws:iam::111122223333:role/stream-job",
    "ARTIFACT_BUCKET": "artifacts",
    "LONGEST_MINUTES": "240",
    "STUDENT": "ada",
}
JOB = parameters(
    StreamJob(
        name="marginwatch-demo-stream",
        artifacts="s3://artifacts/packages/0123456789ab",
        checkpoints="s3://state/checkpoints",
        jars=("kafka-clients-3.9.1.jar",),
        wire=Kafka(servers="boot-abc.c1.kafka-serverless.us-east-1.amazonaws.com:9098"),
        ttl_minutes=240,
    )
)


@pytest.fixture
def emr() -> EmrService:
    return EmrService()


def controller(emr: EmrService, **changed: str) -> JobController:
    settings = read_job_settings(ENVIRONMENT | changed)
    runs = JobRuns(settings.application_id, settings.role_arn, emr, student=settings.student)
    return JobController(settings, runs)


def do(emr: EmrService, action: str, **more: Any) -> dict[str, Any]:
    return act({"action": action, **more}, controller(emr))


def test_a_start_gives_emr_our_application_role_and_parameters(emr: EmrService) -> None:
    answer = do(emr, "start", job=JOB)
    (run,) = emr.runs.values()
    assert answer == {"run_id": run["id"], "state": "SUBMITTED", "detail": "", "started": True}
    sent = run["request"]
    assert sent["applicationId"] == ENVIRONMENT["EMR_APPLICATION_ID"]
    assert sent["executionRoleArn"] == ENVIRONMENT["JOB_ROLE_ARN"]
    assert {name: sent[name] for name in JOB} == JOB
    # By these the teardown knows whose run it is.
    assert sent["tags"] == {"Project": "marginwatch", "Student": "ada"}


def test_a_second_start_finds_the_run_and_makes_none(emr: EmrService) -> None:
    first = do(emr, "start", job=JOB)
    for state in ("SUBMITTED", "QUEUED", "PENDING", "SCHEDULED", "RUNNING"):
        emr.turn(state)
        again = do(emr, "start", job=JOB)
        assert again == {**first, "state": state, "started": False}
    assert len(emr.runs) == 1


def test_two_starts_at_once_make_one_run(emr: EmrService) -> None:
    """The second has looked before the first had started."""
    inside: list[dict[str, Any]] = []

    def other() -> None:
        emr.meanwhile.clear()
        inside.append(do(emr, "start", job=JOB))

    emr.meanwhile["StartJobRun"] = other
    outside = do(emr, "start", job=JOB)
    assert outside == inside[0]
    assert emr.calls.count("StartJobRun") == 2
    assert len(emr.runs) == 1


def test_two_starts_at_once_of_different_jobs_leave_the_first(emr: EmrService) -> None:
    def other() -> None:
        emr.meanwhile.clear()
        do(emr, "start", job={**JOB, "executionTimeoutMinutes": 60})

    emr.meanwhile["StartJobRun"] = other
    with pytest.raises(JobError, match=r"refused to start .*Conflict.*: Idempotency token in use"):
        do(emr, "start", job=JOB)
    assert len(emr.runs) == 1


def test_a_run_that_ended_is_followed_by_a_new_one(emr: EmrService) -> None:
    ids = []
    for state in ("CANCELLED", "FAILED", "SUCCESS", "RUNNING"):
        answer = do(emr, "start", job=JOB)
        assert answer["started"]
        ids.append(answer["run_id"])
        emr.turn(state)
    assert len(set(ids)) == 4
    assert do(emr, "status")["run_id"] == ids[-1]  # of two pages


def test_nothing_starts_while_a_run_is_ending(emr: EmrService) -> None:
    run_id = do(emr, "start", job=JOB)["run_id"]
    do(emr, "stop")
    with pytest.raises(JobError, match=f"the run {run_id} is still ending"):
        do(emr, "start", job=JOB)


def test_a_stop_may_be_sent_again_and_before_any_start(emr: EmrService) -> None:
    never = {"run_id": None, "state": "NONE", "detail": "", "stopping": False}
    assert do(emr, "stop") == never
    run_id = do(emr, "start", job=JOB)["run_id"]
    for _ in range(2):
        assert do(emr, "stop") == {
            **never,
            "run_id": run_id,
            "state": "CANCELLING",
            "stopping": True,
        }
    emr.turn("CANCELLED")
    assert do(emr, "stop") == {**never, "run_id": run_id, "state": "CANCELLED"}
    assert emr.calls.count("CancelJobRun") == 1


def test_a_run_that_ends_by_itself_under_a_stop_is_no_error(emr: EmrService) -> None:
    do(emr, "start", job=JOB)
    emr.meanwhile["CancelJobRun"] = lambda: emr.turn("FAILED", "Too many failed attempts")
    answer = do(emr, "stop")
    assert (answer["state"], answer["stopping"]) == ("FAILED", False)


def test_status_tells_the_reason_of_emr(emr: EmrService) -> None:
    assert do(emr, "status")["state"] == "NONE"
    do(emr, "start", job=JOB)
    assert do(emr, "status")["running"] is False
    emr.turn("RUNNING")
    assert do(emr, "status")["running"] is True
    emr.turn("FAILED", "ServiceQuotaExceeded")
    status = do(emr, "status")
    assert (status["detail"], status["running"]) == ("ServiceQuotaExceeded", False)


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"applicationId": "other"}, "parameters of a job expected, found applicationId too"),
        ({"executionRoleArn": "arn:aws:iam::1:role/admin"}, "found executionRoleArn too"),
        ({"mode": "BATCH"}, "the mode STREAMING expected, found 'BATCH'"),
        ({"executionTimeoutMinutes": 0}, "executionTimeoutMinutes of 1 to 240 expected, was 0"),
        ({"executionTimeoutMinutes": 241}, "1 to 240 expected, was 241"),
        (
            {"jobDriver": {"sparkSubmit": {"entryPoint": "s3://artifacts-of-others/job.py"}}},
            "an entryPoint below s3://artifacts/ expected",
        ),
    ],
)
def test_what_is_not_our_job_is_refused_before_emr_is_asked(
    emr: EmrService, changed: dict[str, Any], told: str
) -> None:
    with pytest.raises(JobError, match=told):
        do(emr, "start", job={**JOB, **changed})
    assert emr.calls == []


def test_without_a_limit_a_run_may_be_endless(emr: EmrService) -> None:
    job = {**JOB, "executionTimeoutMinutes": 0}
    assert controller(emr, LONGEST_MINUTES="0").start(job)["started"]


@pytest.mark.parametrize("event", [{}, {"action": "restart"}])
def test_an_unknown_action_is_named(emr: EmrService, event: dict[str, Any]) -> None:
    with pytest.raises(JobError, match="one of start, stop, status; found"):
        act(event, controller(emr))


def test_another_error_of_aws_stays_what_it_is(emr: EmrService) -> None:
    def deny() -> None:
        raise refusal("StartJobRun", "AccessDeniedException", "arn:aws:iam::111122223333:role/x")

    emr.meanwhile["StartJobRun"] = deny
    with pytest.raises(ClientError, match="AccessDenied"):
        do(emr, "start", job=JOB)


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("EMR_APPLICATION_ID", "", "EMR_APPLICATION_ID must be set, was empty"),
        ("LONGEST_MINUTES", "-1", "LONGEST_MINUTES must be a whole number >= 0, was '-1'"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named(name: str, value: str, told: str) -> None:
    with pytest.raises(SettingsError, match=told):
        read_job_settings(ENVIRONMENT | {name: value})


def test_examples_in_the_text_hold() -> None:
    assert doctest.testmod(job_controller).failed == 0


def test_settings_hold_what_the_stack_gives() -> None:
    assert read_job_settings(ENVIRONMENT) == JobSettings(
        application_id="00fabcdefghijk01",
        role_arn="arn:aws:iam::111122223333:role/stream-job",
        artifact_bucket="artifacts",
        longest_minutes=240,
        student="ada",
    )
