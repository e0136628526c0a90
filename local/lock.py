"""Exact pins of every package that another one brings along: `python -m local.lock [--check]`.

`pyproject.toml` names direct dependencies; the packages those need are held by
`[tool.uv] constraint-dependencies`, so that a fresh clone resolves to the same versions for years.
"""

import argparse
import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from importlib import metadata
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PYPROJECT = Path(__file__).resolve().parent.parent / "pyproject.toml"
GROUP = "dev"
RESOLVE = (
    *("uv", "pip", "compile", "--universal", "--quiet"),
    *("--strip-extras", "--no-annotate", "--no-header"),
)


def main(argv: list[str] | None = None) -> int:
    """Rewrite the pins, or with --check say what is wrong with them."""
    parser = argparse.ArgumentParser(prog="python -m local.lock", description=main.__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing, ask no index")
    parser.add_argument("--upgrade", action="store_true", help="take the newest versions")
    options = parser.parse_args(argv)
    text = PYPROJECT.read_text()
    if options.check:
        problems = tuple(find_problems(tomllib.loads(text)))
        sys.stderr.writelines(f"{problem}\n" for problem in problems)
        return 1 if problems else 0
    PYPROJECT.write_text(with_pins(text, upgrade=options.upgrade))
    return 0


def find_problems(project: Mapping[str, Any]) -> Iterator[str]:
    """Where the pins differ from what is installed here; nothing is fetched.

    A newer release upstream changes nothing, because only the pins and the installed packages
    are compared.
    """
    pins = {**applicable(direct(project)), **applicable(constraints(project))}
    needed = closure(direct(project))
    for name in sorted(needed):
        found = metadata.version(name)
        if name not in pins:
            yield f"{name} must be pinned: {name}=={found} is installed"
        elif pins[name] != f"=={found}":
            yield f"{name} must be {pins[name]}, was =={found}; run `uv sync`"
    for name in sorted(pins.keys() - needed):
        yield f"{name} is pinned and nothing needs it; run `just lock`"


def direct(project: Mapping[str, Any]) -> tuple[Requirement, ...]:
    """What the project and its developers ask for by name."""
    named = [*project["project"]["dependencies"], *project["dependency-groups"][GROUP]]
    return tuple(Requirement(line) for line in named)


def constraints(project: Mapping[str, Any]) -> tuple[Requirement, ...]:
    """The pins of everything else."""
    return tuple(Requirement(line) for line in project["tool"]["uv"]["constraint-dependencies"])


def applicable(requirements: Iterable[Requirement]) -> dict[str, str]:
    """Name to version specifier, of those that count on this machine and Python."""
    return {
        canonicalize_name(one.name): str(one.specifier)
        for one in requirements
        if _applies(one.marker, frozenset())
    }


def closure(roots: Iterable[Requirement]) -> set[str]:
    """Names of the packages that the given ones need here, themselves included."""
    seen: dict[str, set[str]] = {}
    waiting = [root for root in roots if _applies(root.marker, frozenset())]
    while waiting:
        one = waiting.pop()
        name = canonicalize_name(one.name)
        extras = seen.get(name, set())
        if name in seen and one.extras <= extras:
            continue
        seen[name] = extras | one.extras
        waiting += [
            needed
            for needed in map(Requirement, metadata.requires(name) or ())
            if _applies(needed.marker, frozenset(seen[name]))
        ]
    return set(seen)


def _applies(marker: Marker | None, extras: frozenset[str]) -> bool:
    return marker is None or any(marker.evaluate({"extra": extra}) for extra in extras | {""})


def with_pins(text: str, *, upgrade: bool) -> str:
    """The same pyproject.toml with its pins resolved anew, for every supported Python."""
    project = tomllib.loads(text)
    python = project["project"]["requires-python"]
    builders = tuple(map(Requirement, project["build-system"]["requires"]))
    for key, roots in (
        ("constraint-dependencies", direct(project)),
        ("build-constraint-dependencies", builders),
    ):
        kept = () if upgrade else project["tool"]["uv"][key]
        names = {canonicalize_name(root.name) for root in roots}
        text = _replace(
            text,
            key,
            (
                line
                for line in _resolve(roots, python=python, preferred=kept)
                if canonicalize_name(Requirement(line).name) not in names
            ),
        )
    return text


def _resolve(roots: Iterable[Requirement], *, python: str, preferred: Iterable[str]) -> list[str]:
    """What uv resolves; versions already in its output file are kept where they still fit."""
    with TemporaryDirectory() as folder:
        project, pins = Path(folder, "pyproject.toml"), Path(folder, "pins.txt")
        dependencies = json.dumps([str(root) for root in roots])
        project.write_text(
            f'[project]\nname = "pins"\nversion = "0"\nrequires-python = "{python}"\n'
            f"dependencies = {dependencies}\n"
        )
        pins.write_text("".join(f"{line}\n" for line in preferred))
        subprocess.run([*RESOLVE, "--output-file", str(pins), str(project)], check=True)
        return pins.read_text().splitlines()


def _replace(text: str, key: str, lines: Iterable[str]) -> str:
    """`text` with the list under `key` replaced, one entry a line, all else untouched."""
    entries = "".join(f'    "{line}",\n' for line in lines)
    replaced, count = re.subn(
        rf"^{key} = \[\n(?:    .*\n)*\]$", lambda _: f"{key} = [\n{entries}]", text, flags=re.M
    )
    if count != 1:
        raise ValueError(f"pyproject.toml must have one list {key}, found {count}")
    return replaced


if __name__ == "__main__":
    sys.exit(main())
