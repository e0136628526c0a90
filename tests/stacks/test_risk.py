"""The stack of the streaming job: its roles to the letter, its limits, its runtime."""

from __future__ import annotations

import tomllib

import pytest
from support.emr_service import EmrService
from support.policies import ACCOUNT_NUMBER
from support.risk_stack import APPLICATION, BUCKET, ROLE, Asked, OfStudent, Synthesized, synthesize

from functions.adapters.job_runs import JobRuns
from functions.job_controller import JobController
from functions.job_settings import JobSettings, read_job_settings
from local import jars
from local.emr_package import PLATFORMS
from margin.topics import CATALOGUE, INPUTS
from spark_jobs import messages
from spark_jobs.submission import PYTHON, StreamJob, Workers, parameters
from spark_jobs.transports import Kafka
from stacks.emr_runtime import ARCHITECTURE, RELEASE, WHEELS
from stacks.packaging import PROJECT
from stacks.risk import CAPACITY, OUTPUTS

# An account has no more than this when it is new.
ACCOUNT_QUOTA_VCPU = 16


@pytest.fixture(scope="module")
def asked() -> Asked:
    """The transport of the class's stack."""
    return Asked()


@pytest.fixture(scope="module")
def of_class(asked: Asked, tmp_path_factory: pytest.TempPathFactory) -> Synthesized:
    return synthesize(tmp_path_factory.mktemp("class"), OfStudent(), asked)


@pytest.fixture(scope="module")
def of_prod(tmp_path_factory: pytest.TempPathFactory) -> Synthesized:
    return synthesize(
        tmp_path_factory.mktemp("prod"), OfStudent(profile="prod", customer_key=True), Asked()
    )


def test_job_role_reads_packages_and_keeps_checkpoints_and_no_more(of_class: Synthesized) -> None:
    role = of_class.role("JobRole")
    artifacts = of_class.arn("Artifacts", BUCKET)
    checkpoints = of_class.arn("Checkpoints", BUCKET)
    assert role.actions == {
        *("s3:AbortMultipartUpload", "s3:DeleteObject", "s3:GetObject", "s3:ListBucket"),
        "s3:PutObject",
    }
    package, state = f"{artifacts}/packages/1/deps.tar.gz", f"{checkpoints}/checkpoints/a/state-1/0"
    assert role.allows("s3:GetObject", package)
    for action in ("s3:PutObject", "s3:DeleteObject"):
        assert role.allows(action, state)
        assert not role.allows(action, package)
        assert not role.allows(action, f"{checkpoints}/elsewhere")
        assert not role.allows(action, f"{checkpoints}/checkpoints")
    # What S3A looks at above a folder that it makes: refused, it would give up.
    assert role.allows("s3:GetObject", f"{checkpoints}/checkpoints")
    assert all(role.allows("s3:ListBucket", bucket) for bucket in (artifacts, checkpoints))
    assert not role.allows("s3:GetObject", "arn:aws:s3:::another/packages/1/deps.tar.gz")


def test_only_this_application_of_this_account_takes_the_job_role(of_class: Synthesized) -> None:
    trust = of_class.properties("JobRole", ROLE)["AssumeRolePolicyDocument"]
    (statement,) = trust["Statement"]
    assert statement["Principal"] == {"Service": "emr-serverless.amazonaws.com"}
    assert of_class.resolve(statement["Condition"]) == {
        "StringEquals": {"aws:SourceAccount": ACCOUNT_NUMBER},
        "ArnEquals": {"aws:SourceArn": of_class.arn("Application", APPLICATION)},
    }


@pytest.mark.usefixtures("of_class")
def test_transport_is_asked_for_the_topics_that_the_job_uses(asked: Asked) -> None:
    assert asked.channels == [
        *(("consume", channel) for channel in INPUTS),
        *(("produce", channel) for channel in OUTPUTS),
    ]
    # What spark_jobs names as the topics that it writes to.
    written = {name for name in vars(messages).values() if isinstance(name, str)}
    assert {topic.name for topic in CATALOGUE} & written == set(OUTPUTS)


def test_controller_may_do_what_it_calls_on_this_application_only(of_class: Synthesized) -> None:
    role = of_class.role("JobControllerRole")
    application = of_class.arn("Application", APPLICATION)
    job_role = of_class.arn("JobRole", ROLE)
    called = calls_of_the_controller()
    own = {"logs:CreateLogStream", "logs:PutLogEvents", "iam:PassRole"}
    own |= {"emr-serverless:TagResource"}  # asked of who starts a run with tags
    assert role.actions == called | own
    for action in ("emr-serverless:StartJobRun", "emr-serverless:ListJobRuns"):
        assert role.allows(action, application)
        assert not role.allows(action, application.replace("/applications/", "/applications/x"))
    for action in ("emr-serverless:GetJobRun", "emr-serverless:CancelJobRun"):
        assert role.allows(action, f"{application}/jobruns/00f1")
        assert not role.allows(action, f"{application}x/jobruns/00f1")
    emr = {"iam:PassedToService": "emr-serverless.amazonaws.com"}
    assert role.allows("iam:PassRole", job_role, emr)
    assert not role.allows(
        "iam:PassRole", job_role, {"iam:PassedToService": "lambda.amazonaws.com"}
    )
    assert not role.allows("iam:PassRole", f"{job_role}x", emr)


def calls_of_the_controller() -> set[str]:
    """Every operation that a start and a stop ask of EMR."""
    emr = EmrService()
    settings = JobSettings(
        application_id="00f1",
        role_arn="arn:aws:iam::111122223333:role/stream",
        artifact_bucket="artifacts",
        longest_minutes=240,
        student="ada",
    )
    runs = JobRuns("00f1", settings.role_arn, emr, student=settings.student)
    controller = JobController(settings, runs)
    controller.start(parameters(job("s3://artifacts/packages/1")))
    controller.stop()
    return {f"emr-serverless:{operation}" for operation in emr.calls}


def job(artifacts: str) -> StreamJob:
    return StreamJob(
        name="a",
        artifacts=artifacts,
        checkpoints="s3://state/checkpoints",
        jars=(),
        wire=Kafka(servers="broker:9098"),
        ttl_minutes=240,
    )


def test_controller_has_the_settings_that_it_reads(of_class: Synthesized) -> None:
    found = of_class.properties("JobController", "AWS::Lambda::Function")
    assert found["Handler"] == "functions.job_controller.handler"
    variables = of_class.resolve(found["Environment"]["Variables"])
    settings = read_job_settings(variables)
    assert settings.role_arn == of_class.arn("JobRole", ROLE)
    assert settings.longest_minutes == 240


def test_application_is_capped_and_kept_cold(of_class: Synthesized, of_prod: Synthesized) -> None:
    for found, most in ((of_class, 4), (of_prod, 12)):
        application = found.properties("Application", APPLICATION)
        assert application["Architecture"] == "ARM64"
        assert "InitialCapacity" not in application
        assert application["AutoStopConfiguration"]["Enabled"]
        assert number(application["MaximumCapacity"]["Cpu"]) == most < ACCOUNT_QUOTA_VCPU
        assert number(application["MaximumCapacity"]["Memory"]) == 4 * most
        assert application["NetworkConfiguration"] == {
            "SubnetIds": ["subnet-0a0a0a0a", "subnet-0b0b0b0b"],
            "SecurityGroupIds": ["sg-0123456789abcdef0"],
        }


def number(quantity: str) -> int:
    return int(quantity.split()[0])


def test_workers_of_a_job_fit_below_the_cap() -> None:
    workers = Workers()
    count = workers.executors + 1
    overhead_gb = max(0.375, workers.memory_gb / 10)
    cap = CAPACITY["class"]
    assert count * workers.cores <= number(cap["cpu"])
    assert workers.memory_gb + overhead_gb <= 4 * workers.cores
    assert count * 4 * workers.cores <= number(cap["memory"])


def test_runtime_is_what_the_project_is_pinned_to() -> None:
    """One release: its Spark and its jars run offline, its Python is packaged for."""
    pinned = set(tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["dependencies"])
    assert f"pyspark=={RELEASE.spark}" in pinned
    assert set(jars.read_lock()["spark_kafka"]) == {
        f"org.apache.spark:spark-sql-kafka-0-10_{RELEASE.scala}:{RELEASE.spark}",
        f"org.apache.spark:spark-token-provider-kafka-0-10_{RELEASE.scala}:{RELEASE.spark}",
        f"org.apache.kafka:kafka-clients:{RELEASE.kafka_clients}",
        f"org.apache.commons:commons-pool2:{RELEASE.commons_pool}",
    }
    assert RELEASE.python == PYTHON
    assert str(PLATFORMS["emr"]).startswith(f"{WHEELS}-")
    assert (ARCHITECTURE, WHEELS) == ("ARM64", "aarch64")


def test_buckets_are_private_encrypted_and_go_with_a_class(of_class: Synthesized) -> None:
    buckets = of_class.of_type(BUCKET)
    assert len(buckets) == 2
    for bucket in buckets.values():
        found = bucket["Properties"]
        assert set(found["PublicAccessBlockConfiguration"].values()) == {True}
        assert "BucketEncryption" in found
        assert found["OwnershipControls"]["Rules"] == [{"ObjectOwnership": "BucketOwnerEnforced"}]
        assert bucket["DeletionPolicy"] == "Delete"
    assert len(of_class.of_type("Custom::S3AutoDeleteObjects")) == 2


def test_production_keeps_its_buckets_under_a_key_of_its_own(of_prod: Synthesized) -> None:
    key = of_prod.arn("Key", "AWS::KMS::Key")
    for bucket in of_prod.of_type(BUCKET).values():
        (rule,) = bucket["Properties"]["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        encryption = rule["ServerSideEncryptionByDefault"]
        assert of_prod.resolve(encryption["KMSMasterKeyID"]) == key
        assert bucket["DeletionPolicy"] == "Retain"
    assert of_prod.of_type("Custom::S3AutoDeleteObjects") == {}
    role = of_prod.role("JobRole")
    assert {one for one in role.actions if one.startswith("kms:")} == {
        *("kms:Decrypt", "kms:GenerateDataKey")
    }
    assert role.allows("kms:Decrypt", key)
    variables = of_prod.properties("JobController", "AWS::Lambda::Function")["Environment"]
    assert variables["Variables"]["LONGEST_MINUTES"] == "0"


def test_names_are_published_under_the_student(of_class: Synthesized) -> None:
    found = {one["Properties"]["Name"] for one in of_class.of_type("AWS::SSM::Parameter").values()}
    assert found == {
        f"/marginwatch/ada/{name}"
        for name in (
            *("emr-application-id", "job-role-arn", "job-controller"),
            *("artifact-bucket", "checkpoint-bucket"),
        )
    }
    assert "Outputs" not in of_class.template
