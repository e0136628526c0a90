"""A student's stacks on the emulator, their teardown, and what is left afterwards."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support.account_proxy import AccountProxy
from support.waiting import wait_until
from support.whole_account import STUDENT, WholeAccount

from functions.adapters.inventory import take_inventory
from local.deploy import deploy
from local.emulator import aws_client
from local.ports import free_port

# Through the proxy goes what the order is about; the inventory's lists go straight on.
PROXIED = ("CLOUDFORMATION", "EMR_SERVERLESS", "KAFKA", "LAMBDA", "S3")
EXPIRES_AT = "2036-11-26T18:00:00"


@dataclass
class Room:
    """An account with a student's stacks in it, all in use."""

    emulator: WholeAccount
    proxy: AccountProxy
    outputs: Mapping[str, str]

    def client(self, service: str) -> Any:
        foreign = service in ("emr-serverless", "kafka")
        return aws_client(self.proxy.endpoint if foreign else self.emulator.endpoint, service)

    def send_calls_through(self) -> None:
        """What the teardown's functions call is noted, and answered where the emulator cannot."""
        functions = self.client("lambda")
        endpoints = {f"AWS_ENDPOINT_URL_{name}": self.proxy.endpoint for name in PROXIED}
        for one in functions.list_functions()["Functions"]:
            if "teardown" in one["Handler"]:
                variables = one.get("Environment", {}).get("Variables", {})
                functions.update_function_configuration(
                    FunctionName=one["FunctionName"],
                    Environment={"Variables": variables | endpoints},
                )

    def run(self) -> dict[str, Any]:
        """One execution, to its end."""
        states = self.client("stepfunctions")
        arn = states.start_execution(
            stateMachineArn=self.outputs["TeardownMachineArn"],
            input=json.dumps({"poll_seconds": 0}),
        )["executionArn"]

        def ended() -> bool:
            return bool(states.describe_execution(executionArn=arn)["status"] != "RUNNING")

        wait_until(ended, 180, every=0.1)
        found: dict[str, Any] = states.describe_execution(executionArn=arn)
        return found

    def left(self) -> list[tuple[str, str]]:
        found = take_inventory(STUDENT, self.client, kept_stacks=("teardown",))
        assert found.unread == ()
        return [(one.kind, one.name) for one in found.leftovers]

    def notices(self) -> list[dict[str, Any]]:
        queue = self.client("sqs").get_queue_url(QueueName="operator-inbox")["QueueUrl"]
        answer = self.client("sqs").receive_message(QueueUrl=queue, MaxNumberOfMessages=10)
        bodies = [json.loads(one["Body"]) for one in answer.get("Messages", ())]
        return [{"subject": one["Subject"], **json.loads(one["Message"])} for one in bodies]


@contextmanager
def deployed(folder: Path, assembly: Path, parameters: Mapping[str, str]) -> Iterator[Room]:
    """The assembly on an emulator of its own, until the end of the block."""
    with WholeAccount(folder, free_port()) as emulator, AccountProxy(emulator.endpoint) as proxy:
        given = {"ExpiresAt": EXPIRES_AT, **parameters}
        outputs = deploy(emulator.endpoint, assembly, given, timeout_s=120)
        room = Room(emulator, proxy, outputs)
        room.send_calls_through()
        _subscribe(room, outputs["OperatorTopicArn"])
        yield room


def _subscribe(room: Room, topic: str) -> None:
    queue = room.client("sqs").create_queue(QueueName="operator-inbox")["QueueUrl"]
    asked = room.client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])
    arn = asked["Attributes"]["QueueArn"]
    room.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
