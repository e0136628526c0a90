"""The code assets: they import alone, hold nothing compiled and stay small."""

import subprocess
import sys
from importlib.metadata import distribution
from pathlib import Path

import pytest
from support.stack_variants import FUNCTION, STACKS, Variant

from stacks.packaging import COMMON, PackagingError, stage
from stacks.permissions import STEPS

# The runtime of Lambda brings boto3 and what it needs; nothing else is on the path.
RUNTIME = ("boto3", "botocore", "s3transfer", "dateutil", "urllib3", "six")
IMPORT = """
import sys
sys.path[:0] = sys.argv[1:3]
import importlib
module = importlib.import_module(sys.argv[3])
assert callable(module.handler)
homes = {m.__file__ for n, m in sys.modules.items() if n.startswith(("functions", "margin"))}
assert all(home.startswith(sys.argv[1]) for home in homes), homes
"""


@pytest.fixture(scope="module")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the packages of the Lambda runtime and no others."""
    folder = tmp_path_factory.mktemp("runtime")
    site = Path(str(distribution("boto3").locate_file("")))
    for name in RUNTIME:
        source = site / name if (site / name).is_dir() else site / f"{name}.py"
        (folder / source.name).symlink_to(source)
    return folder


def handlers(variant: Variant) -> dict[str, Path]:
    """Every handler of ours in any stack, with the folder of its code."""
    found = {}
    for stack in STACKS:
        for one in getattr(variant, stack).of_type(FUNCTION).values():
            if str(one["Properties"]["Handler"]).startswith("functions."):
                key = one["Properties"]["Code"]["S3Key"]
                found[one["Properties"]["Handler"]] = variant.asset(stack, key)
    return found


def test_every_handler_imports_from_its_asset_alone(assembly: Variant, runtime: Path) -> None:
    """In a clean interpreter, with the packages of the Lambda runtime beside it."""
    found = handlers(assembly)
    assert {f"functions.{step}.handler" for step in (*STEPS, "topic_admin")} < set(found)
    for handler, folder in found.items():
        command = [sys.executable, "-I", "-S", "-B", "-c", IMPORT]
        arguments = [str(folder), str(runtime), handler.rpartition(".")[0]]
        environment = {"AWS_DEFAULT_REGION": "us-east-1"}
        done = subprocess.run(
            [*command, *arguments], env=environment, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, (handler, done.stderr)


@pytest.mark.parametrize(("step", "has_kafka"), [("router", False), ("publisher", True)])
def test_asset_holds_what_its_function_needs(assembly: Variant, step: str, has_kafka: bool) -> None:
    folder = assembly.asset_of(step)
    assert (folder / "margin" / "assessment.py").is_file()
    assert not (folder / "margin" / "columnar").exists()
    assert (folder / "kafka").is_dir() is has_kafka
    files = [path for path in folder.rglob("*") if path.is_file()]
    # The rulebook is data, and kafka-python reads its message schemas from files.
    data = {".toml", ".json"} if has_kafka else {".toml"}
    assert {path.suffix for path in files} == {".py", *data}
    assert not [path for path in files if {"__pycache__", "tests"} & set(path.parts)]
    assert sum(path.stat().st_size for path in files) < 10_000_000


def test_compiled_package_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PackagingError, match="numpy must be pure Python"):
        stage(tmp_path, (*COMMON, "numpy"))
