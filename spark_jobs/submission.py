"""The streaming job as a request: what StartJobRun of EMR Serverless is given.

Pure: addresses in, parameters out. Who submits adds the application, the role and the token.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from spark_jobs.transports import Kafka, Kinesis, Wire

# A package's files, below the address that it is uploaded to.
ENTRY_POINT: Final = "margin_stream.py"
CODE: Final = "marginwatch.zip"
DEPENDENCIES: Final = "deps.tar.gz"
JARS: Final = "jars"

# What the archives are unpacked as, in the folder that every driver and executor runs in. The code
# is one of them and not --py-files: the worker that Spark starts beside the driver to set up state
# has the driver's PYTHONPATH and nothing else.
UNPACKED: Final[Mapping[str, str]] = MappingProxyType({DEPENDENCIES: "deps", CODE: "code"})
PYTHON: Final = "3.11"
PYTHON_PROGRAM: Final = f"python{PYTHON}"
# Raise it with every change of what a shard keeps: such a job cannot read an older checkpoint.
STATE_VERSION: Final = 1
# Of an attempt that failed; a streaming job is always tried again, up to so often an hour.
FAILED_ATTEMPTS_AN_HOUR: Final = 5
# In EMR's image, from 7.1 on.
KINESIS_CONNECTOR: Final = (
    "/usr/share/aws/kinesis/spark-sql-kinesis/lib/spark-streaming-sql-kinesis-connector.jar"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Workers:
    """One driver and a fixed number of executors of the same size.

    Spark adds a tenth of the memory (at least 384 MB) on top: 3 GB fills a worker of 4 GB.
    """

    executors: int = 1
    cores: int = 1
    memory_gb: int = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamJob:
    """One stream: where its package is, where its state goes, what it reads and writes.

    `artifacts` and `checkpoints` are addresses without a last slash, `jars` the package's own.
    `ttl_minutes` of 0 lets it run until it is stopped.
    """

    name: str
    artifacts: str
    checkpoints: str
    jars: tuple[str, ...]
    wire: Wire
    ttl_minutes: int = 0
    shards: int = 2
    trigger_ms: int = 10_000
    workers: Workers = Workers()


def checkpoint_of(job: StreamJob) -> str:
    """The checkpoint's address: one for each job and version of its state.

    >>> checkpoint_of(StreamJob(name="a", artifacts="s3://x", checkpoints="s3://y/checkpoints",
    ...                         jars=(), wire=Kafka(servers="b:9098")))
    's3://y/checkpoints/a/state-1'
    """
    return f"{job.checkpoints}/{job.name}/state-{STATE_VERSION}"


def parameters(job: StreamJob) -> dict[str, object]:
    """StartJobRun's parameters, less applicationId, executionRoleArn and clientToken."""
    return {
        "name": job.name,
        "mode": "STREAMING",
        "retryPolicy": {"maxFailedAttemptsPerHour": FAILED_ATTEMPTS_AN_HOUR},
        "executionTimeoutMinutes": job.ttl_minutes,
        "jobDriver": {
            "sparkSubmit": {
                "entryPoint": f"{job.artifacts}/{ENTRY_POINT}",
                "entryPointArguments": arguments(job),
                "sparkSubmitParameters": " ".join(
                    f"--conf {name}={value}" for name, value in configuration(job).items()
                ),
            }
        },
        # Kept 30 days at no charge; S3 is the only other place that isolated subnets reach.
        "configurationOverrides": {
            "monitoringConfiguration": {
                "managedPersistenceMonitoringConfiguration": {"enabled": True}
            }
        },
    }


def arguments(job: StreamJob) -> list[str]:
    """The options of margin_stream.py."""
    return [
        *_address(job.wire),
        *("--checkpoint", checkpoint_of(job)),
        *("--shards", str(job.shards), "--trigger-ms", str(job.trigger_ms)),
    ]


def configuration(job: StreamJob) -> dict[str, str]:
    """Spark's whole configuration: some releases replace the application's by it, some merge."""
    size = job.workers
    return {
        "spark.archives": ",".join(
            f"{job.artifacts}/{archive}#{folder}" for archive, folder in UNPACKED.items()
        ),
        "spark.jars": ",".join(jar_addresses(job)),
        "spark.driver.cores": str(size.cores),
        "spark.driver.memory": f"{size.memory_gb}g",
        "spark.executor.cores": str(size.cores),
        "spark.executor.memory": f"{size.memory_gb}g",
        # Shards live on executors, and their number never changes: nor does the executors'.
        "spark.dynamicAllocation.enabled": "false",
        "spark.executor.instances": str(size.executors),
        # A second copy of a task would write its messages twice.
        "spark.speculation": "false",
        **{
            f"{side}.{name}": value
            for side in ("spark.emr-serverless.driverEnv", "spark.executorEnv")
            for name, value in PYTHON_ENVIRONMENT.items()
        },
    }


PYTHON_ENVIRONMENT: Final[Mapping[str, str]] = MappingProxyType(
    {
        "PYSPARK_PYTHON": PYTHON_PROGRAM,
        "PYTHONPATH": ":".join(f"./{folder}" for folder in UNPACKED.values()),
    }
)


def jar_addresses(job: StreamJob) -> list[str]:
    """The package's jars for Kafka; for Kinesis the connector, which is in EMR's image."""
    match job.wire:
        case Kafka():
            return [f"{job.artifacts}/{JARS}/{jar}" for jar in job.jars]
        case Kinesis():
            return [KINESIS_CONNECTOR]


def _address(wire: Wire) -> list[str]:
    match wire:
        case Kafka():
            return ["--transport", "kafka", "--servers", wire.servers, "--auth", wire.auth]
        case Kinesis():
            return [
                *("--transport", "kinesis"),
                *("--stream-prefix", wire.prefix, "--region", wire.region),
            ]
