"""How large an assembly is, against what AWS takes: templates, resources, code."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

# Quotas of CloudFormation and of Lambda, in bytes and resources.
TEMPLATE_BYTES, RESOURCES = 1_000_000, 500
ASSET_BYTES = 50_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateSize:
    """One template as CloudFormation counts it."""

    name: str
    size_bytes: int
    resources: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetSize:
    """One folder of code, unzipped."""

    name: str
    size_bytes: int
    files: int


def template_sizes(assembly: Path) -> Iterator[TemplateSize]:
    for path in sorted(assembly.glob("*.template.json")):
        content = path.read_bytes()
        yield TemplateSize(
            name=path.name.removesuffix(".template.json"),
            size_bytes=len(content),
            resources=len(json.loads(content)["Resources"]),
        )


def asset_sizes(assembly: Path) -> Iterator[AssetSize]:
    for folder in sorted(path for path in assembly.glob("asset.*") if path.is_dir()):
        sizes = [path.stat().st_size for path in folder.rglob("*") if path.is_file()]
        yield AssetSize(name=folder.name[:14], size_bytes=sum(sizes), files=len(sizes))


def written_sizes(assembly: Path) -> str:
    """A table of both, one line each."""
    lines = [f"{'template':34}{'bytes':>10}{'resources':>11}"]
    for one in template_sizes(assembly):
        lines.append(f"{one.name:34}{one.size_bytes:>10,}{one.resources:>11}")
    lines.append(f"{'code':34}{'bytes':>10}{'files':>11}")
    for asset in asset_sizes(assembly):
        lines.append(f"{asset.name:34}{asset.size_bytes:>10,}{asset.files:>11}")
    return "\n".join(lines) + "\n"
