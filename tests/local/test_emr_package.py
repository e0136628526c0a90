"""The package runs where nothing else is installed, and is the same bytes each time."""

from __future__ import annotations

import doctest
import json
import shutil
import tarfile
import zipfile
from decimal import Decimal
from importlib import metadata
from pathlib import Path, PurePosixPath

import pytest
from click.testing import CliRunner
from packaging.requirements import Requirement
from support.emr_image import Image
from support.kafka_room import KafkaRoom
from support.stream_records import demo_account, record
from support.waiting import wait_until

from local import emr_package, jars
from local.commands.package import command
from local.emr_package import Package
from local.errors import MissingPrerequisiteError, UsageError
from local.processes import REPOSITORY
from margin.topics import MARGIN_CALC, topic
from margin.wire_assessment import AssessmentEvent, parse_assessment
from spark_jobs.submission import (
    CODE,
    DEPENDENCIES,
    JARS,
    PYTHON_ENVIRONMENT,
    UNPACKED,
    StreamJob,
    parameters,
)
from spark_jobs.transports import Kafka

ACCOUNT = b"ACC_DEMO_001"
PATIENCE_S = 180
AARCH64 = 183  # of ELF's numbers


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Package:
    """For this machine; the jar of MSK's login comes along, and a local broker does not use it."""
    return emr_package.build(tmp_path_factory.mktemp("package"), platform="host")


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Image:
    return Image.make(tmp_path_factory.mktemp("image"))


def job_of(package: Package, servers: str, checkpoints: Path) -> StreamJob:
    return StreamJob(
        name="proof",
        artifacts=package.folder.as_uri(),
        checkpoints=checkpoints.as_uri(),
        jars=package.jars,
        wire=Kafka(servers=servers),
        trigger_ms=0,
    )


def assessments(kafka: KafkaRoom) -> list[AssessmentEvent]:
    partitions = range(topic(MARGIN_CALC).partitions)
    found = [r for partition in partitions for r in kafka.read(MARGIN_CALC, partition)]
    return [parse_assessment(r.value) for r in found if r.key == ACCOUNT]


def test_a_second_build_has_the_same_bytes(package: Package, tmp_path: Path) -> None:
    out = tmp_path / "again"
    done = CliRunner().invoke(command, ["--out", str(out), "--platform", "host", "--json"])
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert found["version"] == package.version
    assert found["bytes"] == package.sizes
    for name in package.sizes:
        assert (out / name).read_bytes() == (package.folder / name).read_bytes(), name


def test_the_image_has_nothing_of_the_project(image: Image, tmp_path: Path) -> None:
    for name in ("numpy", "pandas", "pyarrow", "google.protobuf", "margin", "spark_jobs"):
        assert "ModuleNotFoundError" in image.python("-c", f"import {name}", cwd=tmp_path), name


def test_the_job_runs_from_its_package_alone(
    package: Package, image: Image, kafka: KafkaRoom, tmp_path: Path
) -> None:
    for one in map(record, demo_account()):
        kafka.produce(one.topic, one.value, key=one.key)
    request = parameters(job_of(package, kafka.servers, tmp_path / "checkpoints"))
    log = tmp_path / "job.log"
    with image.running(request, log) as job:
        wait_until(lambda: assessments(kafka) or job.poll() is not None, PATIENCE_S, every=0.5)
        said = assessments(kafka)
        assert said, first_trouble(log)
    (event, *_) = said
    # 500 x 400 - 117,000 in debt, less the house's 35 %
    assert event.figures_usd["excess"] == Decimal("13000.00")
    assert (tmp_path / "checkpoints" / "proof" / "state-1" / "marginwatch-shards").is_file()


def first_trouble(log: Path) -> str:
    """What the job complained of first: what follows is its end."""
    text = log.read_text(errors="replace")
    return text[max(0, text.find(" ERROR ")) :][:4000]


def test_messages_can_go_to_kinesis_from_the_package_alone(
    package: Package, image: Image, tmp_path: Path
) -> None:
    """EMR's own connector reads; what writes is ours, and its client is in the package."""
    for archive, folder in UNPACKED.items():
        shutil.unpack_archive(package.folder / archive, tmp_path / folder)
    program = (
        "from spark_jobs.kinesis_writer import KinesisWriter\n"
        "from spark_jobs.kinesis_client import kinesis_client\n"
        "print(kinesis_client('us-east-1', '').meta.endpoint_url)"
    )
    said = image.python("-c", program, cwd=tmp_path, **PYTHON_ENVIRONMENT)
    assert said == "https://kinesis.us-east-1.amazonaws.com\n"


def test_jar_of_the_msk_login_is_not_in_the_offline_run() -> None:
    assert "spark_msk_iam" not in jars.OFFLINE_GROUPS
    assert set(emr_package.JAR_GROUPS) == {"spark_kafka", "spark_msk_iam"}


def test_jars_are_the_locked_ones(package: Package) -> None:
    locked = jars.read_lock()
    wanted = [digest for group in emr_package.JAR_GROUPS for digest in locked[group].values()]
    assert [jars.sha256(package.folder / JARS / name) for name in package.jars] == wanted


def test_packages_are_closed_under_what_they_require() -> None:
    """Installed without dependencies: so every one on Linux has to be in the list."""
    linux = {"extra": "", "sys_platform": "linux", "platform_system": "Linux"}
    for name in emr_package.PACKAGES:
        needed = map(Requirement, metadata.requires(name) or ())
        for one in needed:
            if one.marker is None or one.marker.evaluate(linux):
                assert one.name in emr_package.PACKAGES, f"{name} needs {one}"


def test_packages_are_the_versions_that_run_here() -> None:
    pinned = {line.split()[0] for line in emr_package.requirements().splitlines()}
    assert pinned == {f"{name}=={metadata.version(name)}" for name in emr_package.PACKAGES}


def test_emr_gets_wheels_of_its_own_processor(tmp_path: Path) -> None:
    built = emr_package.build(tmp_path / "package")
    with tarfile.open(built.folder / DEPENDENCIES) as archive:
        members = archive.getmembers()
        compiled = [one for one in members if ".so" in PurePosixPath(one.name).suffixes]
        machines = {elf_machine(archive, one) for one in compiled}
    assert len(compiled) > 50
    assert machines == {AARCH64}


def elf_machine(archive: tarfile.TarFile, member: tarfile.TarInfo) -> int:
    """The processor that a shared object is for, from its header."""
    content = archive.extractfile(member)
    assert content is not None
    header = content.read(20)
    assert header[:4] == b"\x7fELF", member.name
    return int.from_bytes(header[18:20], "little")


def test_archive_holds_no_time_no_owner_and_nothing_of_the_installer(package: Package) -> None:
    with tarfile.open(package.folder / DEPENDENCIES) as archive:
        members = archive.getmembers()
    names = [one.name for one in members]
    assert names == sorted(names, key=lambda name: PurePosixPath(name).parts)
    assert {(one.mtime, one.uid, one.gid, one.uname) for one in members} == {(0, 0, 0, "")}
    assert not [name for name in names if "/tests/" in name or name.endswith(("RECORD", ".pyc"))]


def test_code_is_two_rooms_and_their_data(package: Package) -> None:
    with zipfile.ZipFile(package.folder / CODE) as archive:
        names = archive.namelist()
    assert {name.partition("/")[0] for name in names} == {"margin", "spark_jobs"}
    assert {"margin/rulebooks/reference.toml", "margin/columnar/__init__.py"} <= set(names)
    assert {PurePosixPath(name).suffix for name in names} == {".py", ".toml"}


def test_version_changes_with_a_byte_of_the_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "source"
    for room in ("margin", "spark_jobs"):
        shutil.copytree(REPOSITORY / room, source / room)
    shutil.copyfile(REPOSITORY / "uv.lock", source / "uv.lock")
    monkeypatch.setattr(emr_package, "REPOSITORY", source)
    monkeypatch.setattr(emr_package, "PACKAGES", ("six",))  # the smallest
    before = emr_package.build(tmp_path / "package")
    with (source / "margin" / "__init__.py").open("a") as file:
        file.write("\n")
    after = emr_package.build(tmp_path / "package")  # over the earlier one
    assert after.version != before.version
    assert after.sizes[DEPENDENCIES] == before.sizes[DEPENDENCIES]


def test_a_package_is_read_back_and_a_changed_file_is_named(
    package: Package, tmp_path: Path
) -> None:
    assert emr_package.read(package.folder) == package
    copy = tmp_path / "copy"
    shutil.copytree(package.folder, copy)
    (copy / CODE).write_bytes(b"other")
    with pytest.raises(UsageError, match=f"{copy / CODE} is not what was packaged"):
        emr_package.read(copy)
    with pytest.raises(UsageError, match=r"found no package\.json: run `marginwatch package`"):
        emr_package.read(tmp_path)


def test_examples_in_the_text_hold() -> None:
    assert doctest.testmod(emr_package).failed == 0


def test_a_folder_with_other_files_is_left_alone(tmp_path: Path) -> None:
    mine = tmp_path / "thesis.txt"
    mine.write_text("kept")
    with pytest.raises(UsageError, match="holds other files"):
        emr_package.build(tmp_path)
    assert mine.read_text() == "kept"
    with pytest.raises(UsageError, match=r"a folder expected, .* is a file"):
        emr_package.build(mine)


def test_what_is_missing_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(MissingPrerequisiteError, match="from a checkout of the project"):
        emr_package.requirements(tmp_path / "uv.lock")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("UV", raising=False)
    with pytest.raises(MissingPrerequisiteError, match="uv expected on the PATH"):
        emr_package.build(tmp_path / "package", platform="host")


def test_no_network_is_told_by_uv_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UV_OFFLINE", "1")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "cache"))
    with pytest.raises(MissingPrerequisiteError, match="packages cannot be fetched: ") as caught:
        emr_package.build(tmp_path / "package", platform="host")
    assert "\n" not in str(caught.value)
