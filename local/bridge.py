"""Channel -> Lambda, as an event source mapping of AWS does it.

The emulator has none for Kafka, and its own for Kinesis loses what a function reports as failed.
`python -m local.bridge --topic margin.calc.v1 --function NAME --endpoint .. --servers ..
[--filter '{"enforce": [true]}']`, or `--transport kinesis --stream-prefix ..` for the servers. At
least once and in order per partition: offsets are committed when their records are done, partial
failures are tried again, a call that fails as a whole is halved, and a record that fails three
times goes to the dead-letter topic with its reason.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from local import lines
from local.emulator import aws_client
from local.errors import LocalError, NotRunningError, UsageError
from local.event_filter import Pattern, matches, parse_pattern
from local.kafka_feed import CLIENT_ERRORS
from local.kafka_io import GONE_AFTER_S, next_offset
from local.lines import Line
from local.msk_event import Batch, failed_partition_records, halves
from local.processes import StopRequest
from margin.topics import DEAD_LETTER
from margin.wire_views import encode_dead_letter

# The router's event source, as a value pattern: the band is not OK or has just changed.
ENFORCED_ONLY = '{"enforce":[true]}'
MAX_PAYLOAD_BYTES = 5_500_000  # Lambda takes 6 MB
FUNCTION_TIMEOUT_S = 910
POLL_MS = 200
COMMIT_EVERY_S = 1.0

log = logging.getLogger("marginwatch.bridge")


class StoppedError(Exception):
    """Asked to stop; what is not committed is read again next time."""


@dataclass(frozen=True, slots=True)
class CallFailed:
    """A call that failed as a whole: which record is to blame is not known."""

    reason: str


@dataclass(frozen=True, slots=True)
class CallDone:
    """A call that was answered; partition -> first offset it reports as failed."""

    failed: dict[Any, int]


# Takes the function's payload, gives its parsed answer or CallFailed; retries what is no fault of
# the records'.
Invoke = Callable[[bytes], object]
# Reads one itemIdentifier: partition and offset, or None for no record of the batch.
Locate = Callable[[object, Batch], tuple[Any, int] | None]


class Bridge:
    """One channel, one function. `run` returns after a stop request."""

    def __init__(
        self,
        topic: str,
        function: str,
        line: Line,
        *,
        invoke: Invoke,
        stop: StopRequest,
        pattern: Pattern | None = None,
        batch_size: int = 100,
        attempts: int = 3,
        backoff_s: float = 0.05,
        gone_after_s: float = GONE_AFTER_S,
    ) -> None:
        self._line, self._function = line, function
        self._invoke, self._stop, self._pattern = invoke, stop, pattern
        self._batch_size, self._attempts, self._backoff_s = batch_size, attempts, backoff_s
        self._consumer = line.consumer([topic], f"bridge.{function}")
        self._watch = line.watch(gone_after_s)
        self._producer = line.producer()
        self._done: dict[Any, int] = {}  # partition -> next offset, not committed yet
        self._committed_at = time.monotonic()

    def run(self) -> None:
        try:
            while not self._stop.requested:
                batch = self._consumer.poll(timeout_ms=POLL_MS, max_records=self._batch_size)
                if batch:
                    self._take(batch)
                else:
                    self._watch.check()
                self._commit(at_most_every_s=COMMIT_EVERY_S)
            self._commit()
        except StoppedError:
            log.info("stopped with a batch in hand; it is read again")
        finally:
            self._consumer.close(autocommit=False)
            self._producer.close(timeout=1)

    def _take(self, polled: Batch) -> None:
        wanted = {partition: self._filtered(found) for partition, found in polled.items()}
        for batch in self._line.batches({p: found for p, found in wanted.items() if found}):
            self._process(batch)
        self._done |= {partition: found[-1].offset + 1 for partition, found in polled.items()}

    def _filtered(self, records: Any) -> list[Any]:
        return list(records) if self._pattern is None else [r for r in records if self._fits(r)]

    def _fits(self, record: Any) -> bool:
        assert self._pattern is not None
        try:
            return matches(self._pattern, json.loads(record.value or b""))
        except ValueError as error:
            # AWS drops such a record without a trace; here it is set aside with its reason.
            self._bury(record, f"the filter of {self._function} cannot read it: {error}")
            return False

    def _process(self, batch: Batch) -> None:
        """Return when every record is done: handled, or set aside."""
        tries: dict[tuple[Any, int], int] = {}
        while batch:
            outcome = self._call(batch)
            match outcome:
                case CallFailed() if sum(map(len, batch.values())) > 1:
                    for half in halves(batch):
                        self._process(half)
                    return
                case CallFailed(reason):
                    failed = {partition: found[0].offset for partition, found in batch.items()}
                case CallDone(failed):
                    reason = "reported as failed"
            batch = self._what_is_left(batch, failed, reason, tries)
            self._commit()
            if batch:
                self._stop.wait(self._backoff_s * max(tries.values()))

    def _what_is_left(
        self,
        batch: Batch,
        failed: dict[Any, int],
        reason: str,
        tries: dict[tuple[Any, int], int],
    ) -> Batch:
        left = {}
        for partition, found in batch.items():
            first = failed.get(partition, found[-1].offset + 1)
            keep = [record for record in found if record.offset >= first]
            if keep:
                key = (partition, keep[0].offset)
                tries[key] = tries.get(key, 0) + 1
                if tries[key] >= self._attempts:
                    self._bury(keep.pop(0), f"{self._function}, {tries[key]} attempts: {reason}")
            if keep:
                left[partition] = keep
            self._done[partition] = keep[0].offset if keep else found[-1].offset + 1
        return left

    def _call(self, batch: Batch) -> CallFailed | CallDone:
        event = self._line.event(batch)
        payload = json.dumps(event, separators=(",", ":")).encode()
        if len(payload) > MAX_PAYLOAD_BYTES:
            return CallFailed(f"{len(payload)} bytes are more than a function takes")
        answer = self._invoke(payload)
        if isinstance(answer, CallFailed):
            return answer
        return read_answer(answer, batch, self._line.failed)

    def _commit(self, at_most_every_s: float = 0) -> None:
        now = time.monotonic()
        if self._done and now - self._committed_at >= at_most_every_s:
            self._consumer.commit({p: next_offset(offset) for p, offset in self._done.items()})
            self._done, self._committed_at = {}, now

    def _bury(self, record: Any, reason: str) -> None:
        log.warning("%s-%d-%d: %s", record.topic, record.partition, record.offset, reason)
        place = (record.topic, record.partition, record.offset)
        message = encode_dead_letter(
            *place, reason=reason, raw=record.value or b"", at_ms=time.time_ns() // 1_000_000
        )
        self._producer.send(DEAD_LETTER, key=record.topic.encode(), value=message).get(30)


def read_answer(
    answer: object, batch: Batch, locate: Locate = failed_partition_records
) -> CallFailed | CallDone:
    """What a function's answer says about the batch; one that cannot be read is a failure, as in
    AWS, and so is one that names a record it was not given."""
    fields = answer or {}
    items = fields.get("batchItemFailures") or [] if isinstance(fields, dict) else None
    if not isinstance(items, list):
        return CallFailed(f"expected batchItemFailures, was {str(answer)[:200]}")
    failed: dict[Any, int] = {}
    for item in items:
        found = locate(item.get("itemIdentifier"), batch) if isinstance(item, dict) else None
        if found is None:
            return CallFailed(f"expected a failure of this batch, was {str(item)[:200]}")
        partition, offset = found
        failed[partition] = min(offset, failed.get(partition, offset))
    return CallDone(failed)


def lambda_invoker(endpoint: str, function: str, stop: StopRequest) -> Invoke:
    """Calls the function; an emulator that is away or busy is waited for, however long."""
    client = aws_client(endpoint, "lambda", read_timeout_s=FUNCTION_TIMEOUT_S, retries=0)

    def invoke(payload: bytes) -> object:
        wait_s = 0.2
        while not stop.requested:
            try:
                reply = client.invoke(FunctionName=function, Payload=payload)
            except (BotoCoreError, ClientError) as error:
                log.warning("invoke: %s; again in %.1f s", error, wait_s)
                stop.wait(wait_s)
                wait_s = min(wait_s * 2, 5)
                continue
            body = reply["Payload"].read()
            return CallFailed(error_of(body)) if "FunctionError" in reply else json.loads(body)
        raise StoppedError

    return invoke


def error_of(body: bytes) -> str:
    """The error's class and message out of a function's error answer."""
    try:
        found = json.loads(body)
        return f"{found['errorType']}: {found['errorMessage']}"[:500]
    except (ValueError, KeyError, TypeError):
        return body[:500].decode(errors="replace")


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m local.bridge", description=__doc__)
    parser.add_argument("--topic", required=True)
    parser.add_argument("--function", required=True, help="its name")
    lines.add_options(parser)
    parser.add_argument("--filter", metavar="PATTERN", help="JSON; which values the function gets")
    parser.add_argument("--batch-size", type=int, default=100)
    options = parser.parse_args(argv)
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(name)s %(message)s")
    log.setLevel(logging.INFO)
    stop = StopRequest().on_signals()
    try:
        if not options.endpoint:
            raise UsageError("expected --endpoint URL, found none")
        bridge = Bridge(
            options.topic,
            options.function,
            lines.of_options(options),
            invoke=lambda_invoker(options.endpoint, options.function, stop),
            stop=stop,
            pattern=parse_pattern(options.filter) if options.filter else None,
            batch_size=options.batch_size,
        )
        log.info("%s -> %s", options.topic, options.function)
        bridge.run()
    except LocalError as error:
        log.error("%s", error)
        return error.exit_code
    except CLIENT_ERRORS as error:
        log.error("%s: %s", lines.of_options(options).address, error)
        return NotRunningError.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
