"""The cost model counts what the templates make: a resource more must be a price more."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local.cost import model
from local.cost.model import Shape, standing
from spark_jobs.submission import Workers
from stacks.application import add_stacks, new_app
from stacks.function import MEMORY_MIB
from stacks.settings import Settings

SHAPES = (Shape(), Shape(esm_mode="provisioned"), Shape(transport="kinesis"))
# What is billed for being there, by the type of its resource.
BILLED = {
    "AWS::MSK::ServerlessCluster": "msk_cluster",
    "AWS::CloudWatch::Alarm": "alarm",
    "AWS::CloudWatch::Dashboard": "dashboard",
    "AWS::EC2::NatGateway": "nat",
    "AWS::EC2::EIP": "public_ipv4",
    "AWS::KMS::Key": "kms",
}


@pytest.fixture(scope="module", params=SHAPES, ids=lambda s: f"{s.transport}-{s.esm_mode}")
def counted(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Shape, dict[str, int]]:
    """A shape, and how many of each price its templates hold."""
    shape: Shape = request.param
    folder = tmp_path_factory.mktemp("shape")
    app = new_app(folder, check_templates=False)
    add_stacks(app, Settings(transport=shape.transport, esm_mode=shape.esm_mode))
    app.synth()
    found: dict[str, int] = {}
    for resource in _resources(folder):
        for key, count in _priced(resource):
            found[key] = found.get(key, 0) + count
    return shape, found


def _resources(folder: Path) -> Iterator[dict[str, Any]]:
    for file in folder.glob("*.template.json"):
        yield from json.loads(file.read_text())["Resources"].values()


def _priced(resource: dict[str, Any]) -> Iterator[tuple[str, int]]:
    kind, properties = resource["Type"], resource.get("Properties", {})
    if kind in BILLED:
        yield BILLED[kind], 1
    if kind == "AWS::EC2::VPCEndpoint" and properties["VpcEndpointType"] == "Interface":
        yield "vpce", len(properties["SubnetIds"])
    if kind == "AWS::Kinesis::Stream":
        yield "kds_shard", properties["ShardCount"]
    if "ProvisionedPollerConfig" in properties:
        yield "epu", 1


def test_what_stands_is_what_is_priced(counted: tuple[Shape, dict[str, int]]) -> None:
    shape, found = counted
    # Partitions are the catalogue's, and metrics are sent by functions: neither is a resource.
    priced = {line.key: int(line.count) for line in standing(shape)}
    priced.pop("metric")
    assert priced.pop("msk_partition", model.PARTITIONS) == model.PARTITIONS
    assert found == priced


def test_the_job_and_the_functions_have_the_priced_size() -> None:
    size = Workers()
    workers = 1 + size.executors
    assert workers * size.cores == model.VCPU
    # Spark's own tenth, at least 384 MB, fills each worker to the next GB.
    assert workers * (size.memory_gb + 1) == model.MEMORY_GB
    assert model.FUNCTION_GB * 1024 == MEMORY_MIB
