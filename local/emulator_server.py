"""What runs inside the emulator's process: MiniStack of one pinned version, corrected.

`python -m local.emulator_server` is started by emulator.py, which sets its environment. Each
`correct_*` says what MiniStack does and what AWS does; on real AWS none of this exists.
"""

from __future__ import annotations

import argparse
import contextlib
import copy
import fcntl
import importlib.metadata
import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

from local.errors import MissingPrerequisiteError

PINNED = "1.5.33"  # the corrections patch private functions of exactly this version
MAX_TIMEOUT_S = 99_999_999  # what Step Functions takes
STATE_IN_USE = 3
LOOK_FOR_EXPIRED_S = 5.0

closing = threading.Event()


def check_pin(pinned: str = PINNED) -> None:
    """Raises MissingPrerequisiteError where another MiniStack than the pinned one is installed."""
    found = importlib.metadata.version("ministack")
    if found != pinned:
        raise MissingPrerequisiteError(
            f"expected ministack {pinned}, which local/emulator_server.py corrects, found {found}; "
            "run `uv sync`"
        )


def correct_jsonata_timeout() -> None:
    """Evaluate a Task's `"TimeoutSeconds": "{% ... %}"` before MiniStack uses it.

    MiniStack hands the raw string to Event.wait() and the execution dies with a TypeError. All
    else stays MiniStack's: its own JSONata bindings evaluate, and it gets a copied state with a
    number. AWS wants a whole number from 1 to 99,999,999.
    """
    from ministack.services import stepfunctions as sfn

    run_task = sfn._execute_task

    def execute_task(state: dict[str, Any], raw_input: Any, execution: Any, ctx: Any) -> Any:
        if not isinstance(state.get("TimeoutSeconds"), str):
            return run_task(state, raw_input, execution, ctx)
        try:
            seconds = sfn._jsonata_state_field(state, "TimeoutSeconds", "number", raw_input, ctx)
            if seconds != int(seconds) or not 1 <= seconds <= MAX_TIMEOUT_S:
                raise sfn._ExecutionError(
                    "States.QueryEvaluationError",
                    f"TimeoutSeconds must be a whole number from 1 to {MAX_TIMEOUT_S}: {seconds}",
                )
        except sfn._ExecutionError as error:  # a bad expression can be caught, as on AWS
            catcher = sfn._find_matching_catcher(state.get("Catch", []), error.error)
            if catcher is None:
                raise
            output = {"Error": error.error, "Cause": error.cause}
            return sfn._apply_catcher(catcher, raw_input, ctx, "JSONata", output), catcher["Next"]
        return run_task({**state, "TimeoutSeconds": int(seconds)}, raw_input, execution, ctx)

    sfn._execute_task = execute_task


def correct_handler_errors() -> None:
    """A Python handler that raises reports its own exception class, and its worker stays warm.

    MiniStack calls every exception Runtime.HandlerError, so no state machine can catch one by
    name, and it ends the worker, so each failure costs a cold start. Here the worker answers
    normally with a marked result, which is unwrapped.
    """
    from ministack.core import lambda_runtime
    from ministack.services import lambda_svc

    before = '{"status": "error", "error": str(e), "trace": traceback.format_exc()}'
    after = (
        '{"status": "ok", "result": {"__raised__": '
        "[type(e).__name__, str(e), traceback.format_exc()]}}"
    )
    script = lambda_runtime._PYTHON_WORKER_SCRIPT
    require(script.count(before) == 1, "the worker script's error line")
    lambda_runtime._PYTHON_WORKER_SCRIPT = script.replace(before, after)
    run_warm = lambda_svc._execute_function_warm

    def execute_warm(func: Any, event: Any, request_id: Any) -> Any:
        result = run_warm(func, event, request_id)
        body = result.get("body")
        if isinstance(body, dict) and "__raised__" in body:
            kind, message, trace = body["__raised__"]
            error = {"errorType": kind, "errorMessage": message, "stackTrace": trace.splitlines()}
            text = f"{result.get('log', '')}\n{trace}".lstrip()
            return {"error": True, "log": text, "body": error}
        return result

    lambda_svc._execute_function_warm = execute_warm


def correct_silent_handlers() -> None:
    """Wait 5 ms, not 50, for the log of a handler that logs nothing (17 -> 100+ calls/s)."""
    from ministack.core.lambda_runtime import Worker

    drain = Worker._drain_stderr_bounded
    require(drain.__defaults__ == (0.050, 0.005, 0.250), "the waits for a worker's log")
    drain.__defaults__ = (0.005, 0.002, 0.250)


def correct_stream_positions() -> None:
    """Forget DynamoDB stream read positions over a restart.

    MiniStack saves the positions but not the stream records they count, so after a restart a
    mapping stays deaf until as many new records have come. Mappings need TRIM_HORIZON.
    """
    from ministack.services import lambda_svc

    restore = lambda_svc._restore_esm_positions

    def restore_others(store: Any, saved: Any) -> None:
        if store is not lambda_svc._dynamodb_stream_positions:
            restore(store, saved)

    lambda_svc._restore_esm_positions = restore_others


def correct_shard_iterators() -> None:
    """Save Kinesis without its iterators, and look for expired ones once in a while.

    Each read leaves one. MiniStack walks over all of them at every request, and its copy of them
    for saving fails while a reader asks for another: then nothing of Kinesis is saved. A reader
    whose iterator is gone is told that it has expired, as on AWS.
    """
    from ministack.services import kinesis

    expire, names = kinesis._expire_iterators, ("streams", "consumers", "resource_policies")
    looked_at = time.monotonic()

    def expire_sometimes() -> None:
        nonlocal looked_at
        if time.monotonic() - looked_at >= LOOK_FOR_EXPIRED_S:
            looked_at = time.monotonic()
            expire()

    def state() -> dict[str, Any]:
        return {name: copy.deepcopy(getattr(kinesis, f"_{name}")) for name in names}

    require(set(kinesis.get_state()) == {*names, "shard_iterators"}, "what Kinesis saves")
    kinesis._expire_iterators, kinesis.get_state = expire_sometimes, state


def limit_handlers(count: int) -> None:
    """At most `count` handlers run at once, the rest wait their turn.

    MiniStack starts one process per concurrent call and keeps it: 50 margin calls at once are 50
    imports of boto3 and 2.3 GB. Its own cap throttles instead of queueing, with an error no
    `Retry` matches. A handler invoked by a handler never waits. While stopping, every call is
    throttled: that is no fault of the event's.
    """
    from ministack.services import lambda_svc

    run_warm, gate = lambda_svc._execute_function_warm, threading.BoundedSemaphore(count)
    stopping = lambda_svc._throttle_response("CallerRateLimitExceeded", "the emulator is stopping")

    def execute_warm(func: Any, event: Any, request_id: Any) -> Any:
        nested = lambda_svc._invoke_depth.get() > 1
        with contextlib.nullcontext() if nested else gate:
            result = stopping if closing.is_set() else run_warm(func, event, request_id)
        return stopping if closing.is_set() and result.get("error") else result

    lambda_svc._execute_function_warm = execute_warm


def require(holds: bool, what: str) -> None:
    if not holds:
        raise MissingPrerequisiteError(f"ministack {PINNED} was expected, but {what} differ")


def save() -> None:
    """Never before the old state is loaded: that would overwrite it with nothing."""
    from ministack import app
    from ministack.core.persistence import save_all

    if app._ready_scripts_state["status"] == "completed":
        save_all(app._build_persistence_save_dict())


def save_forever(every_s: float) -> None:
    """MiniStack saves only at a clean stop; this bounds what a kill -9 loses."""
    while not closing.wait(every_s):
        save()


def stop_at_end_of_stdin() -> None:
    """The parent closes our standard input to stop us; its death closes it too.

    SIGTERM alone can lose everything: the port closes first, a handler in mid-call then retries
    its own calls for 25 s, its request holds the server open, and state is saved only after that.
    So end the handlers and save before the signal.
    """
    os.read(sys.stdin.fileno(), 1)
    from ministack.core import lambda_runtime

    closing.set()
    lambda_runtime.reset()
    save()
    os.kill(os.getpid(), signal.SIGTERM)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m local.emulator_server", description=__doc__)
    parser.add_argument("--checkpoint", type=float, default=0, metavar="SECONDS")
    parser.add_argument("--handlers", type=int, default=4)
    arguments = parser.parse_args()
    check_pin()
    # A handler sees its own code and the installed packages, as on AWS, not this repository.
    os.environ.pop("PYTHONPATH", None)
    with (Path(os.environ["STATE_DIR"]) / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            sys.stderr.write(f"another emulator uses {os.environ['STATE_DIR']}\n")
            raise SystemExit(STATE_IN_USE) from None
        run(arguments.checkpoint, arguments.handlers)


def run(checkpoint_s: float, handlers: int) -> None:
    correct_jsonata_timeout()
    correct_handler_errors()
    correct_silent_handlers()
    correct_stream_positions()
    correct_shard_iterators()
    limit_handlers(handlers)
    from ministack import app

    threading.Thread(target=stop_at_end_of_stdin, daemon=True).start()
    if checkpoint_s:
        threading.Thread(target=save_forever, args=(checkpoint_s,), daemon=True).start()
    sys.argv = ["ministack"]
    app.main()


if __name__ == "__main__":
    main()
