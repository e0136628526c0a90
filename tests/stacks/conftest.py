"""One synthesis for all tests of this room, with the AWS Solutions rules."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from stacks.application import build


@dataclass(frozen=True, slots=True)
class Assembly:
    """What `python app.py` writes."""

    folder: Path
    state: dict[str, Any]
    enforcement: dict[str, Any]

    def one(self, stack: dict[str, Any], kind: str, prefix: str = "") -> dict[str, Any]:
        """The properties of the one resource of this type whose name begins so."""
        found = [
            resource["Properties"]
            for name, resource in stack["Resources"].items()
            if resource["Type"] == kind and name.startswith(prefix)
        ]
        assert len(found) == 1, f"{len(found)} of {kind} {prefix}"
        properties: dict[str, Any] = found[0]
        return properties

    def asset_of(self, step: str) -> Path:
        """The code folder of a function, found as a deploy finds it: by its key in the bucket."""
        key = self.one(self.enforcement, "AWS::Lambda::Function", step.title())["Code"]["S3Key"]
        manifest = json.loads((self.folder / "marginwatch-enforcement.assets.json").read_text())
        for file in manifest["files"].values():
            if any(place["objectKey"] == key for place in file["destinations"].values()):
                return self.folder / str(file["source"]["path"])
        raise AssertionError(f"no asset {key}")


@pytest.fixture(scope="session")
def synthesize() -> Callable[..., Assembly]:
    def into(folder: Path, **options: bool) -> Assembly:
        build(folder, **options).synth()
        read = [
            json.loads((folder / f"marginwatch-{name}.template.json").read_text())
            for name in ("state", "enforcement")
        ]
        return Assembly(folder, *read)

    return into


@pytest.fixture(scope="session")
def assembly(
    tmp_path_factory: pytest.TempPathFactory, synthesize: Callable[..., Assembly]
) -> Assembly:
    # An open finding of the AWS Solutions rules makes this raise.
    return synthesize(tmp_path_factory.mktemp("assembly"), nag=True)
