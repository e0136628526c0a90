import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
from support.looking import alive, listening_addresses
from support.waiting import wait_until

from local.emulator import Emulator, aws_client, health
from local.emulator_server import check_pin
from local.errors import MissingPrerequisiteError, NotRunningError
from local.ports import free_port

PROBE = """
import json, os, sys
import aws_lambda_powertools, boto3, kafka
class StaleRiskError(Exception): pass
def handler(event, context):
    if event.get("raise"):
        raise StaleRiskError("too old")
    return {"pid": os.getpid(), "path": os.environ.get("PYTHONPATH"),
            "endpoint": os.environ["AWS_ENDPOINT_URL"]}
"""


@pytest.fixture(scope="module")
def probe(make_function: Callable[[str, str], None]) -> str:
    make_function("probe", PROBE)
    return "probe"


def call(emulator: Emulator, function: str, event: object = None) -> dict[str, Any]:
    payload = json.dumps(event or {})
    reply = emulator.client("lambda").invoke(FunctionName=function, Payload=payload)
    answer: dict[str, Any] = json.load(reply["Payload"])
    return answer


def test_handler_has_kafka_and_powertools_and_the_emulators_endpoint(
    emulator: Emulator, probe: str
) -> None:
    answer = call(emulator, probe)
    assert answer["endpoint"] == emulator.endpoint
    assert answer["path"] is None


def test_handler_error_keeps_its_class_and_its_warm_process(emulator: Emulator, probe: str) -> None:
    before = call(emulator, probe)["pid"]
    error = call(emulator, probe, {"raise": True})
    assert (error["errorType"], error["errorMessage"]) == ("StaleRiskError", "too old")
    assert call(emulator, probe)["pid"] == before


def test_emulator_and_its_handlers_listen_on_loopback_only(emulator: Emulator, probe: str) -> None:
    call(emulator, probe)
    assert listening_addresses(emulator.pid) == {"127.0.0.1"}


def test_client_ignores_the_shells_aws_settings(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "production")
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", "https://sts.amazonaws.com")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    identity = aws_client(emulator.endpoint, "sts").get_caller_identity()
    assert identity["Account"] == "000000000000"
    assert health(emulator.endpoint)


def test_state_outlives_a_stop(tmp_path: Path) -> None:
    own = Emulator(tmp_path / "a b", free_port())
    for expected in ([], ["kept"]):
        with own:
            queues = own.client("sqs").list_queues().get("QueueUrls", [])
            assert [url.rsplit("/")[-1] for url in queues] == expected
            own.client("sqs").create_queue(QueueName="kept")


def test_a_second_one_on_the_same_folder_is_refused(emulator: Emulator) -> None:
    second = Emulator(emulator.folder, free_port(), log_file=emulator.folder / "second.log")
    with pytest.raises(NotRunningError, match="another emulator uses"):
        second.start()
    assert emulator.running


def test_killed_server_leaves_no_handler_behind(
    tmp_path: Path, make_zip: Callable[[str], bytes]
) -> None:
    own = Emulator(tmp_path, free_port())
    own.start()
    own.client("lambda").create_function(
        FunctionName="slow",
        Runtime="python3.13",
        Handler="index.handler",
        Role="arn:aws:iam::000000000000:role/any",
        Code={"ZipFile": make_zip("import time\ndef handler(event, context): time.sleep(60)")},
    )
    own.client("lambda").invoke(FunctionName="slow", InvocationType="Event", Payload=b"{}")
    server = psutil.Process(own.pid)
    wait_until(lambda: server.children())
    handlers = [process.pid for process in server.children()]
    os.kill(own.pid, signal.SIGKILL)
    wait_until(lambda: not own.running)
    own.kill()
    wait_until(lambda: not any(map(alive, handlers)), 2)


def test_another_version_of_ministack_is_refused() -> None:
    with pytest.raises(MissingPrerequisiteError, match=r"expected ministack 1\.5\.34, .* found 1"):
        check_pin("1.5.34")
