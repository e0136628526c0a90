"""The embedded AWS emulator (MiniStack, no Docker): start, reach, watch and stop it.

`python -m local.emulator FOLDER [--port PORT]` runs one in the foreground. This is the parent's
side; what runs inside, with its corrections, is emulator_server.py.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import secrets
import shutil
import sys
import time
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Any

import boto3
import botocore.session
from botocore.config import Config

from local.emulator_server import check_pin
from local.errors import LocalError, NotRunningError
from local.ports import LOOPBACK, choose_port
from local.processes import RUN_VARIABLE, Child, StopRequest, import_path, python_module

DEFAULT_PORT = 4566
ACCOUNT, REGION = "000000000000", "us-east-1"
SERVICES = (
    "cloudformation,cloudwatch,dynamodb,ecr,events,iam,kinesis,kms,lambda,logs,"
    "s3,scheduler,sns,sqs,ssm,states,sts"
)
KEPT_VARIABLES = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "NODE_PATH", RUN_VARIABLE)

log = logging.getLogger("marginwatch.emulator")


def client_environment(endpoint: str) -> dict[str, str]:
    """What a CDK CLI, boto3 or a handler needs, with no way out to a real AWS account."""
    kept = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
    return kept | {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ENDPOINT_URL_S3": endpoint,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
        "NO_PROXY": "127.0.0.1,localhost",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }


def aws_client(endpoint: str, service: str, *, read_timeout_s: float = 60, retries: int = 2) -> Any:
    """A boto3 client of the emulator at this endpoint, whatever the shell's AWS settings are."""
    unset = (None, None, None, None)
    files = ("config_file", "credentials_file")
    isolated = botocore.session.Session(
        session_vars={"profile": unset} | dict.fromkeys(files, (None, None, os.devnull, None))
    )
    session = boto3.session.Session(
        botocore_session=isolated,
        aws_access_key_id="test",
        aws_secret_access_key="test",
        region_name=REGION,
    )
    config = Config(
        read_timeout=read_timeout_s,
        retries={"max_attempts": retries},
        max_pool_connections=16,
        s3={"addressing_style": "path"},
        proxies={},
    )
    return session.client(service, endpoint_url=endpoint, config=config)


class Emulator:
    """Owns the emulator's folder and process. Saved state in the folder outlives the process."""

    def __init__(
        self,
        folder: Path,
        port: int = DEFAULT_PORT,
        *,
        log_file: Path | None = None,
        run_id: str | None = None,
        checkpoint_s: float = 30,
        handlers: int = 4,
        grace_s: float = 10,
    ) -> None:
        """`checkpoint_s` bounds what a kill -9 loses; 0 saves at a clean stop only."""
        self.folder, self.port = folder.resolve(), port
        self.endpoint = f"http://{LOOPBACK}:{port}"
        self.log_file = log_file or self.folder / "emulator.log"
        self.child: Child | None = None
        self._run_id = run_id
        self._checkpoint_s, self._handlers, self._grace_s = checkpoint_s, handlers, grace_s

    def start(self, timeout_s: float = 60) -> None:
        """Return once it is healthy; NotRunningError or TimedOutError name its log."""
        check_pin()
        # Code that handlers of a killed emulator unpacked is of no use to the next one.
        shutil.rmtree(self.folder / "tmp", ignore_errors=True)
        for part in ("services", "s3", "tmp"):
            (self.folder / part).mkdir(parents=True, exist_ok=True)
        mark = secrets.token_hex(8)  # health echoes it: proof that we talk to our own child
        self.child = Child(
            "the AWS emulator",
            self._command(),
            self.log_file,
            run_id=self._run_id,
            environment=self._environment(mark),
            stdin_pipe=True,
        )
        try:
            self.child.wait_until_ready(lambda: self._healthy(mark), timeout_s, poll_s=0.05)
        except LocalError:
            self.kill()
            raise

    def stop(self) -> float:
        """Ask it to save and end, then SIGKILL to its group. The seconds it took.

        It is asked through its standard input: at SIGTERM it can hang before it has saved.
        """
        began, child = time.monotonic(), self.child
        if child is None:
            return 0.0
        if child.stdin:
            child.stdin.close()
        if not child.wait(self._grace_s):
            log.warning("the AWS emulator did not end within %g s and is killed", self._grace_s)
        self.kill()
        return time.monotonic() - began

    def kill(self) -> None:
        """SIGKILL to the group: handler processes that outlived the server end too."""
        child, self.child = self.child, None
        if child is not None:
            child.kill()

    @property
    def running(self) -> bool:
        return self.child is not None and self.child.running

    @property
    def pid(self) -> int:
        if self.child is None:
            raise NotRunningError("the AWS emulator is not running")
        return self.child.pid

    def client(self, service: str) -> Any:
        return aws_client(self.endpoint, service)

    def __enter__(self) -> Emulator:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.stop()

    def _command(self) -> list[str]:
        options = ("--checkpoint", str(self._checkpoint_s), "--handlers", str(self._handlers))
        return python_module("local.emulator_server", *options)

    def _environment(self, mark: str) -> dict[str, str]:
        return client_environment(self.endpoint) | {
            "PYTHONPATH": import_path(),
            "BIND_HOST": LOOPBACK,
            "GATEWAY_PORT": str(self.port),
            "SERVICES": SERVICES,
            "PERSIST_STATE": "1",
            "STATE_DIR": str(self.folder / "services"),
            "S3_PERSIST": "1",
            "S3_DATA_DIR": str(self.folder / "s3"),
            "TMPDIR": str(self.folder / "tmp"),
            "MINISTACK_EDITION": mark,
            "LOG_LEVEL": "WARNING",
            "LAMBDA_ACCOUNT_CONCURRENCY": "0",  # limit_handlers queues instead
            "SFTP_ENABLED": "0",  # this and the next would listen on all interfaces
            "IOT_MTLS_ENABLED": "0",
        }

    def _healthy(self, mark: str) -> bool:
        try:
            return health(self.endpoint).get("edition") == mark
        except OSError:
            return False


def health(endpoint: str) -> dict[str, Any]:
    """The emulator's own word; OSError where it does not answer."""
    # No proxy of the machine's may come between us and our own child.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"{endpoint}/_ministack/health", timeout=2) as reply:
        answer: dict[str, Any] = json.load(reply)
        return answer


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m local.emulator", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--port", type=int, help=f"default: {DEFAULT_PORT} or any free one")
    parser.add_argument("--checkpoint", type=float, default=30, metavar="SECONDS")
    parser.add_argument("--handlers", type=int, default=4, help="at most this many run at once")
    arguments = parser.parse_args(argv)
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    log.setLevel(logging.INFO)
    stop = StopRequest().on_signals()
    try:
        emulator = Emulator(
            arguments.folder,
            choose_port(DEFAULT_PORT, arguments.port),
            checkpoint_s=arguments.checkpoint,
            handlers=arguments.handlers,
        )
        with emulator:
            log.info("ready: %s (state in %s)", emulator.endpoint, emulator.folder)
            while emulator.running and not stop.wait(0.5):
                pass
            return 0 if stop.requested else NotRunningError.exit_code
    except LocalError as error:
        log.error("%s", error)
        return error.exit_code


if __name__ == "__main__":
    sys.exit(main())
