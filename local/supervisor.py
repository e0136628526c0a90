"""The whole system as one tree of processes: started together, watched, ended together in order.

Kafka and its topics or Kinesis streams on the emulator, the Spark job, the AWS emulator with our
own templates deployed on it, the bridge from the stream to the router, and the execution desk.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from types import FrameType, TracebackType
from typing import Self

import psutil

from local.assembly import synthesize
from local.bridge import ENFORCED_ONLY
from local.broker import DEFAULT_CONTROLLER_PORT, KafkaBroker
from local.broker import DEFAULT_PORT as KAFKA_PORT
from local.deploy import deploy
from local.emulator import DEFAULT_PORT as AWS_PORT
from local.emulator import Emulator, aws_client
from local.errors import LocalError, NotRunningError
from local.foreign import Endpoints, ForeignAws, ForeignKafka
from local.jars import OFFLINE_GROUPS, fetch
from local.lines import DEFAULT_PREFIX, KafkaLine, KinesisLine, Line
from local.ports import claim_port
from local.processes import Child, Keeper, new_run_id, python_module, resident_bytes
from local.state import Running, StateFolder
from local.streams import Streams
from margin.channels import Transport
from margin.topics import MARGIN_CALC

SWEEP_EVERY_S = 60.0
WATCH_EVERY_S = 0.1
MEASURE_EVERY_S = 1.0
READY_LINE = "marginwatch stream ready"
SPARK_START_S = 90.0
STOP_GRACE_S = {"desk": 1.5, "bridge": 1.5, "spark": 4.0}

log = logging.getLogger("marginwatch")


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How to run it. Ports that are None are chosen; `speed` divides the ladder's timers.

    `resumes`: an earlier run left state, so what it left undone is swept up at once.
    """

    speed: Decimal = Decimal(1)
    heartbeat_ms: int = 60_000
    resumes: bool = False
    transport: Transport = Transport.KAFKA
    kafka_port: int | None = None
    aws_port: int | None = None
    # Brokers and an emulator that run already, in place of our own.
    foreign: Endpoints | None = None


class System:
    """Use as a context: entered, everything runs; left, nothing does.

    `say` gets a line for each thing worth telling while it starts.
    """

    def __init__(
        self, state: StateFolder, options: Options, say: Callable[[str], None] = lambda _: None
    ) -> None:
        self.state, self.options, self._say = state, options, say
        self.run_id = new_run_id()
        self.outputs: dict[str, str] = {}
        self.peak_rss_bytes = 0
        self._children: dict[str, Child] = {}
        self._ending = threading.Event()
        self._failure: str | None = None
        self._watcher = threading.Thread(target=self._watch, name="watcher", daemon=True)
        self.emulator: Emulator | ForeignAws
        self.broker: KafkaBroker | ForeignKafka | Streams
        self.emulator = self._own_emulator() if options.foreign is None else self._foreign_aws()
        self.broker, self.line = self._channels()
        self.keeper: Keeper | None = None

    # ------------------------------------------------------------------ start

    def __enter__(self) -> Self:
        # "Ready" is read from the log, so a line of an earlier run must not be there.
        (self.state.logs / "spark.log").unlink(missing_ok=True)
        self.keeper = Keeper(self.run_id, self.state.logs / "keeper.log")
        try:
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _own_emulator(self) -> Emulator:
        self._claim_ports()
        return Emulator(
            self.state.part("aws"),
            self._aws_port,
            log_file=self.state.logs / "aws.log",
            run_id=self.run_id,
            grace_s=4,
        )

    def _foreign_aws(self) -> ForeignAws:
        assert self.options.foreign is not None
        return ForeignAws(self.options.foreign.aws)

    def _channels(self) -> tuple[KafkaBroker | ForeignKafka | Streams, Line]:
        """What holds the channels, and how to reach them. No Kafka where Kinesis carries them."""
        if self.options.transport == Transport.KINESIS:
            return Streams(self.aws, DEFAULT_PREFIX), KinesisLine(self.aws, DEFAULT_PREFIX)
        if self.options.foreign is not None:
            servers = self.options.foreign.kafka
            return ForeignKafka(servers), KafkaLine(servers)
        broker = KafkaBroker(
            self.state.part("kafka"),
            self._kafka_port,
            self._controller_port,
            log_file=self.state.logs / "kafka.log",
            run_id=self.run_id,
        )
        return broker, KafkaLine(broker.bootstrap_servers)

    def _claim_ports(self) -> None:
        o = self.options
        self._kafka_port = claim_port(KAFKA_PORT, o.kafka_port, what="Kafka port")
        self._controller_port = claim_port(
            DEFAULT_CONTROLLER_PORT, avoid={self._kafka_port}, what="Kafka controller port"
        )
        taken = {self._kafka_port, self._controller_port}
        self._aws_port = claim_port(AWS_PORT, o.aws_port, avoid=taken, what="AWS port")
        for name, default, chosen in (
            ("Kafka", KAFKA_PORT, self._kafka_port),
            ("AWS", AWS_PORT, self._aws_port),
        ):
            asked = o.kafka_port if name == "Kafka" else o.aws_port
            if asked is None and chosen != default:
                self._say(f"port {default} is taken: {name} listens on {chosen}")

    def _start(self) -> None:
        """Stream and transport on one side, the cloud on the other; then what needs both."""
        self._watcher.start()
        self._side_by_side(self._start_stream, self._start_cloud)
        self._start_child(
            "bridge",
            "local.bridge",
            "--topic", MARGIN_CALC,
            "--function", self.outputs["RouterName"],
            *self.line.arguments(),
            "--endpoint", self.aws,
            "--filter", ENFORCED_ONLY,
        )  # fmt: skip
        spark = self._children["spark"]
        spark.wait_until_ready(lambda: self._says_ready(spark), SPARK_START_S)
        self._say("Spark is reading")
        if self.options.resumes:
            self._sweep()
        self.state.write_note(self._note())

    def _says_ready(self, child: Child) -> bool:
        self.check()
        return READY_LINE in child.log_file.read_text(encoding="utf-8", errors="replace")

    def _side_by_side(self, *starts: Callable[[], None]) -> None:
        """Run them in threads; an error or Ctrl-C is raised at once, and `stop` ends the rest."""
        pool = ThreadPoolExecutor(len(starts))
        running = [pool.submit(start) for start in starts]
        try:
            while running:
                self.check()
                done, _ = wait(running, timeout=0.1, return_when=FIRST_EXCEPTION)
                for future in done:
                    running.remove(future)
                    future.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)

    def _start_stream(self) -> None:
        """Spark opens its session while the transport starts; it waits there for the channels."""
        if self.options.transport == Transport.KAFKA:
            self._say("fetching the Java archives (once; kept in the Maven cache)")
            fetch(*OFFLINE_GROUPS)
        self._start_child(
            "spark",
            "local.spark",
            *self.line.arguments(),
            "--checkpoint", str(self.state.part("spark") / "checkpoint"),
            "--state", str(self.state.part("spark") / "tmp"),
            "--heartbeat-ms", str(self.options.heartbeat_ms),
        )  # fmt: skip
        self.broker.start()
        self._keep(self.broker.child)
        self.broker.create_topics()
        self._say(f"events go over {self.line.address}")
        self._start_child("desk", "local.desk", *self.line.arguments())

    def _start_cloud(self) -> None:
        self.emulator.start()
        self._keep(self.emulator.child, terminate=False)
        assembly = synthesize(
            self.state.assembly,
            self.state.logs / "synth.log",
            self.run_id,
            self.options.transport,
        )
        parameters = {"LadderSpeed": str(self.options.speed)}
        if self.options.transport == Transport.KAFKA:
            parameters |= {"KafkaBootstrap": self._kafka_of_functions, "KafkaAuth": "none"}
        self.outputs = deploy(self.aws, assembly, parameters)
        self._say(f"our CloudFormation stacks are deployed on {self.aws}")

    def _start_child(self, name: str, module: str, *arguments: str) -> None:
        if self._ending.is_set():  # Ctrl-C came while a thread was still starting something
            raise NotRunningError(f"{name} is not started: the system is ending")
        child = Child(
            name,
            python_module(module, *arguments),
            self.state.logs / f"{name}.log",
            run_id=self.run_id,
        )
        self._children[name] = child
        self._keep(child)

    def _keep(self, child: Child | None, *, terminate: bool = True) -> None:
        if child is not None and self.keeper is not None:
            self.keeper.watch(child, terminate=terminate)

    # ------------------------------------------------------------------ while it runs

    @property
    def kafka(self) -> str:
        """Kafka's address; empty where Kinesis carries the channels."""
        return self.line.servers if isinstance(self.line, KafkaLine) else ""

    @property
    def stream_prefix(self) -> str:
        """What the streams begin with; empty where Kafka carries the channels."""
        return self.line.prefix if isinstance(self.line, KinesisLine) else ""

    @property
    def _kafka_of_functions(self) -> str:
        """The brokers, as a function of the emulator reaches them."""
        foreign = self.options.foreign
        return self.kafka if foreign is None else foreign.kafka_of_functions

    @property
    def aws(self) -> str:
        return self.emulator.endpoint

    def parts(self) -> Mapping[str, Child]:
        """Every part by its name, in the order in which they are ended."""
        running: dict[str, Child] = {}
        for name in STOP_GRACE_S:
            if name in self._children:
                running[name] = self._children[name]
        if self.emulator.child is not None:
            running["AWS emulator"] = self.emulator.child
        if self.broker.child is not None:
            running["Kafka"] = self.broker.child
        return running

    def check(self) -> None:
        """Raises NotRunningError, naming the part, once a part has died."""
        if self._failure is not None:
            raise NotRunningError(self._failure)

    def _note(self) -> Running:
        return Running(
            pid=os.getpid(),
            pid_started=psutil.Process().create_time(),
            run_id=self.run_id,
            started_at=datetime.now(UTC).isoformat(timespec="seconds"),
            kafka=self.kafka,
            aws=self.aws,
            outputs=self.outputs,
            parts={name: child.pid for name, child in self.parts().items()},
            stream_prefix=self.stream_prefix,
        )

    def _watch(self) -> None:
        """Notices a part that died, sweeps the outbox and cases, measures memory."""
        swept = measured = time.monotonic()
        while not self._ending.wait(WATCH_EVERY_S):
            for name, child in self.parts().items():
                if child.exit_code is not None and not self._ending.is_set():
                    self._failure = f"{name} {_ended(child.exit_code)}; {child.last_words()}"
                    return
            now = time.monotonic()
            if now - measured >= MEASURE_EVERY_S:
                measured = now
                self.measure()
            if now - swept >= SWEEP_EVERY_S and self.outputs:
                swept = now
                self._sweep()

    def measure(self) -> None:
        pids = [os.getpid(), *(child.pid for child in self.parts().values())]
        self.peak_rss_bytes = max(self.peak_rss_bytes, resident_bytes(pids))

    def _sweep(self) -> None:
        """The clock's part of the rule on AWS: rate(1 minute)."""
        from botocore.exceptions import BotoCoreError, ClientError

        for name in ("SweeperName", "PublisherName"):
            try:
                aws_client(self.aws, "lambda").invoke(
                    FunctionName=self.outputs[name], InvocationType="Event", Payload=b"{}"
                )
            except (BotoCoreError, ClientError) as error:
                log.warning("%s could not be invoked: %s", self.outputs[name], error)

    # ------------------------------------------------------------------ end

    def stop(self) -> None:
        """End every part: whatever talks to the broker first, side by side, then the broker."""
        with contextlib.suppress(ValueError):  # not the main thread: nobody presses Ctrl-C there
            signal.signal(signal.SIGINT, signal.SIG_IGN)
        self._ending.set()
        if self._watcher.is_alive():
            self._watcher.join(5)
        ends = [self.emulator.stop]
        for name, grace_s in STOP_GRACE_S.items():
            if child := self._children.pop(name, None):
                ends.append(partial(child.stop, grace_s))
        with ThreadPoolExecutor(len(ends)) as pool:
            for end in [pool.submit(end) for end in ends]:
                end.result()
        self.broker.stop(grace_s=3)
        if self.keeper is not None:
            with contextlib.suppress(LocalError):  # the keeper itself was killed: nothing to keep
                self.keeper.close()
            self.keeper = None
        self.state.note.unlink(missing_ok=True)


def _ended(code: int) -> str:
    return f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"


def interrupt(_number: int, _frame: FrameType | None) -> None:
    """A signal handler: SIGTERM ends the system as Ctrl-C does."""
    raise KeyboardInterrupt
