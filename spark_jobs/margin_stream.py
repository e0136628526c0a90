"""The streaming job: input topics in, one assessment of every account in three views out.

The Java side is already up: PYSPARK_GATEWAY_PORT and PYSPARK_GATEWAY_SECRET, or spark-submit.
"""

import argparse
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from decimal import Decimal, InvalidOperation
from types import FrameType
from typing import NoReturn

from pyspark.errors import StreamingQueryException
from pyspark.sql import SparkSession
from pyspark.sql.streaming.query import StreamingQuery

from margin.channels import Transport
from margin.columnar import e4
from spark_jobs.addressing import addressed, spread_keys
from spark_jobs.emission import EmissionPolicy
from spark_jobs.schemas import MESSAGE_DDL
from spark_jobs.session import open_session, shards_of_checkpoint
from spark_jobs.shard_state import ShardState
from spark_jobs.sinks import write_messages
from spark_jobs.sources import read_inputs
from spark_jobs.transports import Kafka, Kinesis, Wire

READY = "marginwatch stream ready"
FAILED = 1
WRONG_START = 2
LOOK_S = 0.5  # how long a stop signal may wait to be seen


def main(
    argv: Sequence[str] | None = None, before_start: Callable[[], None] = lambda: None
) -> None:
    """Run the stream until it is told to stop; SystemExit 1 when it fails, 2 for a wrong start.

    `before_start` is called once the session is open: who starts the job may wait there for its
    channels.
    """
    parser = _parser()
    options = parser.parse_args(argv)
    wire = wire_of(options, parser.error)
    stopping = threading.Event()
    _listen(stopping)
    spark = open_session(shards=options.shards, checkpoint=options.checkpoint)
    made_with = shards_of_checkpoint(spark, options.checkpoint, options.shards)
    if made_with != options.shards:
        _complain(
            f"the checkpoint {options.checkpoint} was made with {made_with} shards, "
            f"--shards is {options.shards}: start with --shards {made_with} or a new checkpoint"
        )
        raise SystemExit(WRONG_START)
    before_start()
    query = start_stream(spark, wire, options)
    sys.stdout.write(f"{READY}\n")
    sys.stdout.flush()
    _watch(query, stopping)


def wire_of(options: argparse.Namespace, refuse: Callable[[str], NoReturn]) -> Wire:
    """The transport that the options name; one without its address is refused."""
    if options.transport == Transport.KAFKA:
        if not options.servers:
            refuse("--transport kafka needs --servers HOST:PORT,...")
        return Kafka(servers=options.servers, auth=options.auth)
    if not options.stream_prefix:
        refuse("--transport kinesis needs --stream-prefix NAME")
    return Kinesis(
        prefix=options.stream_prefix, region=options.region, endpoint=options.endpoint or ""
    )


def start_stream(spark: SparkSession, wire: Wire, options: argparse.Namespace) -> StreamingQuery:
    """Inputs -> shards -> messages, started."""
    policy = EmissionPolicy(
        heartbeat_ms=options.heartbeat_ms, emit_move_usd_e4=options.emit_move_usd
    )
    records = addressed(read_inputs(spark, wire), spread_keys(spark, options.shards))
    messages = records.groupBy("shard").transformWithStateInPandas(
        ShardState(policy), MESSAGE_DDL, "update", "none"
    )
    return write_messages(
        messages, wire, checkpoint=options.checkpoint, trigger_ms=options.trigger_ms
    )


def _watch(query: StreamingQuery, stopping: threading.Event) -> None:
    try:
        while not stopping.is_set():
            if query.awaitTermination(LOOK_S):  # type: ignore[arg-type]
                _complain("the stream ended by itself")
                raise SystemExit(FAILED)
    except StreamingQueryException as error:
        _complain(f"the stream failed: {error}")
        raise SystemExit(FAILED) from error
    query.stop()


def _listen(stopping: threading.Event) -> None:
    if signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        return  # who started the job ends it in a way of its own

    def stop(_number: int, _frame: FrameType | None) -> None:
        stopping.set()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)


def _complain(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="margin_stream", description=__doc__)
    parser.add_argument("--transport", choices=tuple(Transport), default=Transport.KAFKA)
    parser.add_argument("--servers", help="Kafka's brokers, as host:port,...")
    parser.add_argument("--auth", choices=("none", "iam"), default="none", help="iam on MSK")
    parser.add_argument("--stream-prefix", help="what the names of Kinesis streams begin with")
    parser.add_argument("--region", default="us-east-1", help="of the Kinesis streams")
    parser.add_argument("--endpoint", help="of an emulator of Kinesis; on AWS there is none")
    parser.add_argument("--checkpoint", required=True, help="a folder, or an s3:// address")
    parser.add_argument(
        "--shards", type=_at_least(1), default=2, help="fixed when the checkpoint is made"
    )
    parser.add_argument(
        "--heartbeat-ms", type=_at_least(0), default=60_000, help="of event time; 0: every batch"
    )
    parser.add_argument("--emit-move-usd", type=_usd_e4, default=100, help="default 0.01")
    parser.add_argument("--trigger-ms", type=_at_least(0), default=0)
    return parser


def _at_least(least: int) -> "_WholeNumber":
    return _WholeNumber(least)


class _WholeNumber:
    """argparse type: a whole number not below a least one."""

    def __init__(self, least: int) -> None:
        self._least = least

    def __call__(self, text: str) -> int:
        try:
            number = int(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(f"a whole number expected, was {text}") from error
        if number < self._least:
            raise argparse.ArgumentTypeError(f"at least {self._least} expected, was {text}")
        return number


def _usd_e4(text: str) -> int:
    try:
        amount_e4 = e4(Decimal(text))
    except (InvalidOperation, ValueError, OverflowError) as error:
        raise argparse.ArgumentTypeError(f"USD with 4 decimals expected, was {text}") from error
    if amount_e4 <= 0:
        raise argparse.ArgumentTypeError(f"more than 0 expected, was {text}")
    return amount_e4


if __name__ == "__main__":
    main()
