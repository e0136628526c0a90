"""What a page of the documentation shows: commands with their output, links, paths."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))
CONSOLE = re.compile(r"^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^]]+\]\(([^)#\s]+)\)")
PATH = re.compile(r"`((?:margin|functions|spark_jobs|stacks|local|tests|docs)/[\w./-]*)`")


@dataclass(frozen=True, slots=True)
class Example:
    """A command of a page and the lines it is said to print; `...` stands for anything."""

    page: str
    arguments: tuple[str, ...]
    expected: tuple[str, ...]

    @property
    def name(self) -> str:
        return f"{self.page}: marginwatch {' '.join(self.arguments)}"


def examples(page: Path) -> list[Example]:
    """Every block of the page that begins with `$ marginwatch`."""
    found = []
    for block in CONSOLE.findall(page.read_text()):
        first, *lines = block.rstrip("\n").split("\n")
        if first.startswith("$ marginwatch"):
            found.append(Example(page.name, tuple(shlex.split(first)[2:]), tuple(lines)))
    return found


def shows(expected: tuple[str, ...], printed: str) -> bool:
    """Whether the printed lines fit: runs of blanks count as one, `...` is anything."""
    pattern = ""
    for line in expected:
        if line.strip() == "...":
            pattern += r"(?:.*\n)*?"
        else:
            parts = [re.escape(" ".join(p.split())) for p in line.strip().split("...")]
            pattern += " *.* *".join(parts) + r" *\n"
    text = "".join(f"{' '.join(line.split())}\n" for line in printed.splitlines())
    return re.fullmatch(pattern, text) is not None
