"""The request of a job: what EMR is given, and that the job understands it."""

from __future__ import annotations

import doctest
import hashlib
import io
import shlex
from dataclasses import replace
from typing import Any

import botocore.session
import numpy as np
import pytest
from botocore.validate import ParamValidator

from spark_jobs import margin_stream, schemas, submission
from spark_jobs.shard import Shard
from spark_jobs.submission import KINESIS_CONNECTOR, STATE_VERSION, StreamJob, Workers, parameters
from spark_jobs.transports import Kafka, Kinesis

SERVERS = "boot-abc.c1.kafka-serverless.us-east-1.amazonaws.com:9098"
PACKAGE = "s3://artifacts/packages/0123456789ab"
JOB = StreamJob(
    name="marginwatch-ada-stream",
    artifacts=PACKAGE,
    checkpoints="s3://state/checkpoints",
    jars=("kafka-clients-3.9.1.jar", "aws-msk-iam-auth-2.3.9-all.jar"),
    wire=Kafka(servers=SERVERS, auth="iam"),
    ttl_minutes=240,
)


def submit(job: StreamJob) -> dict[str, Any]:
    driver: Any = parameters(job)["jobDriver"]
    found: dict[str, Any] = driver["sparkSubmit"]
    return found


def settings(job: StreamJob) -> dict[str, str]:
    words = shlex.split(submit(job)["sparkSubmitParameters"])
    assert set(words[::2]) == {"--conf"}
    return dict(word.split("=", 1) for word in words[1::2])


def test_examples_in_the_text_hold() -> None:
    assert doctest.testmod(submission).failed == 0


def test_service_takes_the_parameters() -> None:
    """By the model of the service that botocore has."""
    model = botocore.session.Session().get_service_model("emr-serverless")
    request = {
        **parameters(JOB),
        "applicationId": "00f1",
        "executionRoleArn": "arn:aws:iam::111122223333:role/stream",
        "clientToken": "t",
    }
    shape = model.operation_model("StartJobRun").input_shape
    report = ParamValidator().validate(request, shape)
    assert not report.has_errors(), report.generate_report()
    assert set(request) <= set(shape.members)
    assert request["mode"] in shape.members["mode"].enum
    assert set(submit(JOB)) == set(shape.members["jobDriver"].members["sparkSubmit"].members)


def test_job_is_tried_again_and_ends_with_the_class() -> None:
    found = parameters(JOB)
    assert found["mode"] == "STREAMING"
    assert found["retryPolicy"] == {"maxFailedAttemptsPerHour": 5}
    assert found["executionTimeoutMinutes"] == 240
    assert parameters(replace(JOB, ttl_minutes=0))["executionTimeoutMinutes"] == 0


ON_KINESIS = replace(JOB, wire=Kinesis(prefix="marginwatch-ada", region="eu-west-1"))


@pytest.mark.parametrize("job", [JOB, ON_KINESIS], ids=["kafka", "kinesis"])
def test_job_reads_its_own_arguments(job: StreamJob) -> None:
    parser = margin_stream._parser()
    options = parser.parse_args(submit(job)["entryPointArguments"])
    assert margin_stream.wire_of(options, parser.error) == job.wire
    assert options.checkpoint == "s3://state/checkpoints/marginwatch-ada-stream/state-1"
    assert (options.shards, options.trigger_ms) == (2, 10_000)


def test_msk_takes_the_login_of_the_packaged_jar() -> None:
    assert isinstance(JOB.wire, Kafka)
    assert JOB.wire.options() == {
        "kafka.bootstrap.servers": SERVERS,
        "kafka.security.protocol": "SASL_SSL",
        "kafka.sasl.mechanism": "AWS_MSK_IAM",
        "kafka.sasl.jaas.config": "software.amazon.msk.auth.iam.IAMLoginModule required;",
        "kafka.sasl.client.callback.handler.class": (
            "software.amazon.msk.auth.iam.IAMClientCallbackHandler"
        ),
    }


def test_everything_comes_from_the_package() -> None:
    found = settings(JOB)
    assert submit(JOB)["entryPoint"] == f"{PACKAGE}/margin_stream.py"
    assert found["spark.archives"] == (f"{PACKAGE}/deps.tar.gz#deps,{PACKAGE}/marginwatch.zip#code")
    assert found["spark.jars"].split(",") == [
        f"{PACKAGE}/jars/kafka-clients-3.9.1.jar",
        f"{PACKAGE}/jars/aws-msk-iam-auth-2.3.9-all.jar",
    ]
    # A --packages would want Maven Central, and there is no way out of the subnets.
    assert "spark.jars.packages" not in found


def test_driver_and_executors_have_one_python_and_one_path() -> None:
    found = settings(JOB)
    for side in ("spark.emr-serverless.driverEnv", "spark.executorEnv"):
        assert found[f"{side}.PYTHONPATH"] == "./deps:./code"
        assert found[f"{side}.PYSPARK_PYTHON"] == "python3.11"


def test_kinesis_needs_the_connector_of_the_image_and_no_jar_of_ours() -> None:
    assert settings(ON_KINESIS)["spark.jars"] == KINESIS_CONNECTOR


def test_workers_are_a_fixed_number_of_a_given_size() -> None:
    found = settings(replace(JOB, workers=Workers(executors=3, cores=2, memory_gb=7)))
    assert found["spark.dynamicAllocation.enabled"] == "false"
    assert found["spark.executor.instances"] == "3"
    assert found["spark.driver.cores"] == found["spark.executor.cores"] == "2"
    assert found["spark.driver.memory"] == found["spark.executor.memory"] == "7g"
    assert found["spark.speculation"] == "false"


# Of each version of the state, what was kept. Never change an entry of a version that ran
# somewhere: raise STATE_VERSION and add one.
LAYOUTS = {1: "53dd851dfc32"}


def test_state_has_the_layout_of_its_version() -> None:
    """A job that keeps something else needs a checkpoint of its own, so a version of its own."""
    with np.load(io.BytesIO(Shard().dumps()), allow_pickle=False) as parts:
        snapshot = [f"{name} {parts[name].dtype}" for name in sorted(parts.files)]
    columns = (schemas.ABOUT_DDL, schemas.SNAPSHOT_DDL, schemas.FRAME_KEY_DDL, schemas.FRAME_DDL)
    layout = "\n".join([*columns, str(schemas.RECORD), *snapshot])
    found = hashlib.sha256(layout.encode()).hexdigest()[:12]
    assert found == LAYOUTS[STATE_VERSION], layout
