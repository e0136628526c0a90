import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
import pytest
from support.looking import alive, listening_addresses
from support.started import first_line, started
from support.waiting import wait_until

from local.processes import REPOSITORY, family, resident_bytes
from local.spark import JAVA_DIED

LEFTOVERS = ("spark-", "blockmgr-", "artifacts-", "lib")
# Runs local.spark with a job of the test's own in the place of the real one.
RUN = """
import sys, types
module = types.ModuleType("spark_jobs.margin_stream")
exec(sys.argv[1], module.__dict__)
sys.modules["spark_jobs.margin_stream"] = module
from local.spark import main
sys.exit(main(sys.argv[2:]))
"""
# Waits inside a call to Java, as a streaming job does.
WAITING = """
def main(argv, before_start):
    from pyspark.java_gateway import launch_gateway
    java = launch_gateway().jvm
    print("ready", *argv, flush=True)
    java.java.lang.Thread.sleep(60_000)
"""
WORKING = """
def main(argv, before_start):
    from pyspark.sql import SparkSession
    from pyspark.sql.functions import udf
    spark = SparkSession.builder.master("local[1]").getOrCreate()
    def topic(number):
        from margin.topics import FILLS
        return FILLS
    (row,) = spark.range(1).select(udf(topic)("id").alias("topic")).collect()
    print("ready", row.topic, flush=True)
    spark._jvm.java.lang.Thread.sleep(60_000)
"""


def job(source: str, folder: Path) -> list[str]:
    return [
        *(sys.executable, "-c", RUN, source, "--servers", "127.0.0.1:1"),
        *("--checkpoint", str(folder / "checkpoint"), "--state", str(folder / "tmp")),
    ]


def ready(process: "subprocess.Popen[str]") -> str:
    """The line the job prints; Java may warn of something before."""
    while not (line := first_line(process)).startswith("ready"):
        assert line, "the job ended before it was ready"
    return line.strip()


def left_in_tmp() -> set[str]:
    """What Spark and the libraries it unpacks leave in the system's temporary folder."""
    return {p.name for p in Path(tempfile.gettempdir()).iterdir() if p.name.startswith(LEFTOVERS)}


def java_of(process: "subprocess.Popen[str]") -> int:
    (java,) = [p for p in psutil.Process(process.pid).children() if p.name() == "java"]
    return int(java.pid)


def test_python_workers_import_the_rooms_and_everything_ends_at_sigterm(tmp_path: Path) -> None:
    before = left_in_tmp()
    with started(job(WORKING, tmp_path), tmp_path) as process:
        assert ready(process) == "ready fills.v1"
        everyone = [p.pid for p in family([process.pid])]
        assert listening_addresses(process.pid) == {"127.0.0.1"}
        assert resident_bytes([process.pid]) < 1_200_000_000
        began = time.monotonic()
        process.terminate()
        assert process.wait(10) == 0
        assert time.monotonic() - began < 3
        wait_until(lambda: not any(map(alive, everyone)), 3)
    assert not (tmp_path / "tmp").exists()
    assert left_in_tmp() <= before


def test_options_of_the_job_are_passed_on(tmp_path: Path) -> None:
    with started([*job(WAITING, tmp_path), "--heartbeat-ms", "5"], tmp_path) as process:
        assert ready(process).split()[1:] == [
            *("--transport", "kafka", "--servers", "127.0.0.1:1"),
            *("--checkpoint", str(tmp_path / "checkpoint"), "--heartbeat-ms", "5"),
        ]


def test_job_ends_with_an_error_when_java_dies(tmp_path: Path) -> None:
    with started(job(WAITING, tmp_path), tmp_path) as process:
        ready(process)
        os.kill(java_of(process), signal.SIGKILL)
        assert process.wait(5) in (1, JAVA_DIED)


def test_java_ends_when_the_job_is_killed(tmp_path: Path) -> None:
    with started(job(WAITING, tmp_path), tmp_path) as process:
        ready(process)
        java = java_of(process)
        process.kill()
        wait_until(lambda: not alive(java), 5)


@pytest.mark.parametrize(
    ("given", "option"),
    [
        (["--servers", "127.0.0.1:1"], "--checkpoint"),
        (["--checkpoint", "x"], "--servers"),
        (["--checkpoint", "x", "--transport", "kinesis"], "--stream-prefix"),
    ],
)
def test_an_option_that_is_missing_is_named(given: list[str], option: str) -> None:
    command = [sys.executable, "-m", "local.spark", *given]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert option in done.stderr
