"""Step Functions, Kafka and SNS behind their adapters; names, settings and the ASL file."""

import json
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from kafka.errors import KafkaTimeoutError

import functions
from functions import names
from functions.adapters.control_topic import ControlTopic
from functions.adapters.executions import Executions
from functions.adapters.notifier import Notifier
from functions.deciding import Next, wait_seconds
from functions.errors import PublishError
from functions.settings import SettingsError, needed, read_settings
from functions.stored import Lock

ARN = "arn:aws:states:us-east-1:123456789012:stateMachine:enforcement"
LOCK = Lock(account_id="A", case_id="A-7", opened_at_ms=0)
MACHINE = json.loads((Path(functions.__file__).parent / "enforcement.asl.json").read_text())
STATES: dict[str, Any] = MACHINE["States"]


class Client:
    """Records its calls; each fails with the code it was given, if any."""

    def __init__(self, code: str | None = None, answer: dict[str, Any] | None = None) -> None:
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self._code, self._answer = code, answer or {}

    def __getattr__(self, name: str) -> Any:
        def call(**request: Any) -> dict[str, Any]:
            self.calls.append((name, request))
            if self._code:
                raise ClientError({"Error": {"Code": self._code, "Message": ""}}, name)
            return self._answer

        return call


class Future:
    def __init__(self, error: Exception | None) -> None:
        self._error = error

    def get(self, **_timeout: float) -> None:
        if self._error:
            raise self._error


class Producer:
    """A Kafka producer whose records are confirmed, or not."""

    made: list["Producer"]

    def __init__(self, error: Exception | None = None, **settings: Any) -> None:
        self.settings, self.error, self.closed = settings, error, False
        self.sent: list[tuple[str, bytes, bytes]] = []

    def send(self, topic: str, *, key: bytes, value: bytes) -> Future:
        self.sent.append((topic, key, value))
        return Future(self.error)

    def flush(self, **_timeout: float) -> None:
        """All is sent."""

    def close(self, **_timeout: float) -> None:
        self.closed = True


def test_an_execution_is_started_under_case_and_attempt() -> None:
    client = Client()
    Executions(ARN, client).start(LOCK)
    ((_, request),) = client.calls
    assert request["name"] == "A-7-1"
    assert json.loads(request["input"]) == {"account_id": "A", "case_id": "A-7", "attempt": 1}


def test_starting_twice_is_starting_once() -> None:
    Executions(ARN, Client("ExecutionAlreadyExists")).start(LOCK)
    with pytest.raises(ClientError):
        Executions(ARN, Client("AccessDeniedException")).start(LOCK)


@pytest.mark.parametrize("code", ["TaskTimedOut", "TaskDoesNotExist", "InvalidToken"])
def test_a_wait_that_is_over_needs_no_wake(code: str) -> None:
    client = Client(code)
    Executions(ARN, client).wake("token")
    assert client.calls[0][1]["taskToken"] == "token"


def test_the_status_of_a_case_is_that_of_its_execution() -> None:
    client = Client(answer={"status": "RUNNING"})
    assert Executions(ARN, client).status(LOCK) == "RUNNING"
    expected = "arn:aws:states:us-east-1:123456789012:execution:enforcement:A-7-1"
    assert client.calls[0][1]["executionArn"] == expected
    assert Executions(ARN, Client("ExecutionDoesNotExist")).status(LOCK) is None


def test_a_notice_goes_to_the_topic() -> None:
    client = Client()
    Notifier("arn:topic", client).tell("subject", {"case_id": "A-7"})
    assert client.calls[0][1]["Message"] == '{"case_id":"A-7"}'


def test_a_producer_is_made_once_and_waits_for_all_replicas() -> None:
    made: list[Producer] = []

    def make(**settings: Any) -> Producer:
        made.append(Producer(**settings))
        return made[-1]

    topic = ControlTopic("one:9092,two:9092", "iam", make)
    assert made == []
    topic.send(("audit.v1", "A", b"1"))
    topic.send(("audit.v1", "A", b"2"))
    (producer,) = made
    assert [value for _, _, value in producer.sent] == [b"1", b"2"]
    assert producer.settings["acks"] == "all"
    assert producer.settings["bootstrap_timeout_ms"] <= 8_000  # a Lambda ends before 30 s
    assert producer.settings["bootstrap_servers"] == ["one:9092", "two:9092"]
    assert producer.settings["sasl_mechanism"] == "AWS_MSK_IAM"


def test_a_record_that_was_not_confirmed_is_not_told_and_the_producer_is_dropped() -> None:
    made: list[Producer] = []

    def make(**settings: Any) -> Producer:
        made.append(Producer(None if made else KafkaTimeoutError("late"), **settings))
        return made[-1]

    topic = ControlTopic("one:9092", "none", make)
    with pytest.raises(PublishError):
        topic.send(("audit.v1", "A", b"1"))
    assert made[0].closed
    topic.send(("audit.v1", "A", b"1"))
    assert len(made) == 2


def test_settings_come_from_the_environment() -> None:
    found = read_settings({"TABLE_NAME": "t", "LADDER_SPEED": "60", "KAFKA_AUTH": "iam"})
    assert (found.table_name, found.ladder_speed, found.kafka_auth) == ("t", Decimal(60), "iam")


@pytest.mark.parametrize(
    "environment", [{"LADDER_SPEED": "0"}, {"LADDER_SPEED": "x"}, {"KAFKA_AUTH": "plain"}]
)
def test_a_setting_that_cannot_be_used_is_refused(environment: dict[str, str]) -> None:
    with pytest.raises(SettingsError):
        read_settings(environment)


def test_a_missing_variable_is_named() -> None:
    with pytest.raises(SettingsError, match="TABLE_NAME"):
        needed("", "TABLE_NAME")


@pytest.mark.parametrize("account_id", ["A", "a:b.c_d-e", "x" * 64])
def test_names_fit_what_carries_them(account_id: str) -> None:
    case_id = names.case_name(account_id, 12_345_678)
    name = names.execution_name(case_id, 12)
    assert re.fullmatch(r"[A-Za-z0-9._-]{1,80}", name)
    assert len(f"{case_id}-C1-L1-fill") <= 64
    assert 0 <= names.shard_of(account_id) < 8


@pytest.mark.parametrize(
    ("deadline_ms", "seconds"),
    [(None, 86_400), (0, 1), (1_000, 1), (1_001, 2), (10**12, 86_400)],
    ids=["no deadline", "passed", "one second", "rounded up", "at most a day"],
)
def test_a_wait_is_whole_seconds(deadline_ms: int | None, seconds: int) -> None:
    assert wait_seconds(deadline_ms, 0) == seconds


def test_every_answer_of_evaluate_has_its_state() -> None:
    conditions = [choice["Condition"] for choice in STATES["Decide"]["Choices"]]
    assert conditions == [f"{{% $evaluation.next = '{name}' %}}" for name in Next]


def test_every_state_leads_to_a_state() -> None:
    for state in STATES.values():
        exits = [state.get("Next"), state.get("Default")]
        exits += [choice["Next"] for choice in state.get("Choices", ())]
        exits += [catch["Next"] for catch in state.get("Catch", ())]
        assert {name for name in exits if name} <= STATES.keys()
    ends = {name for name, state in STATES.items() if "Next" not in state}
    assert ends == {"Decide", "SecondKeyDisagrees", "Failed", "Closed"}


@pytest.mark.parametrize(
    "name", [name for name, state in STATES.items() if "lambda" in state.get("Resource", "")]
)
def test_every_function_is_retried_and_its_failure_ends_in_the_alarm(name: str) -> None:
    state = STATES[name]
    assert "Lambda.TooManyRequestsException" in state["Retry"][0]["ErrorEquals"]
    (catch,) = state["Catch"]
    assert (catch["ErrorEquals"], catch["Next"]) == (["States.ALL"], "Alarm")
    assert state["Arguments"]["FunctionName"] == f"${{{name}Arn}}"


def test_the_wait_ends_in_a_new_evaluation() -> None:
    wait = STATES["AwaitChange"]
    caught = {name: catch["Next"] for catch in wait["Catch"] for name in catch["ErrorEquals"]}
    assert caught == {
        "States.Timeout": "Evaluate",
        "DynamoDb.ConditionalCheckFailedException": "Evaluate",
        "DynamoDB.ConditionalCheckFailedException": "Evaluate",
        "States.ALL": "Alarm",
    }
    assert wait["Arguments"]["ConditionExpression"] == "changes = :seen AND case_id = :case"


def test_the_machine_does_no_arithmetic() -> None:
    expressions = re.findall(r"\{%.*?%\}", json.dumps(MACHINE))
    assert [text for text in expressions if re.search(r"[*/+<>]|\$sum|\$number", text)] == []
