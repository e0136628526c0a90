"""The deploy page shows commands and options that exist, and names every stack."""

from __future__ import annotations

import re
import shlex

import click
import pytest
from support.pages import ROOT

from local.aws.deploying import STACKS
from local.cli import cli

PAGE = (ROOT / "docs" / "05-deploy-aws.md").read_text()
SHOWN = re.findall(r"^marginwatch (aws .+)$", PAGE, re.MULTILINE)


def command_of(words: list[str]) -> tuple[click.Command, list[str]]:
    """The command that the words name, and what is left of them."""
    found: click.Command = cli
    context = click.Context(cli)
    while isinstance(found, click.Group) and words and not words[0].startswith("-"):
        inner = found.get_command(context, words[0])
        assert inner is not None, words[0]
        found, words = inner, words[1:]
    return found, words


@pytest.mark.parametrize("line", SHOWN)
def test_a_command_on_the_page_takes_what_it_is_given(line: str) -> None:
    command, words = command_of(shlex.split(line))
    assert not isinstance(command, click.Group)
    # Parsing alone refuses an option or a value that does not exist.
    command.make_context(line, words)


def test_every_command_of_the_group_is_on_the_page() -> None:
    group, _ = command_of(["aws"])
    assert isinstance(group, click.Group)
    missing = [name for name in group.commands if not re.search(rf"`?\b{name}\b", PAGE)]
    assert missing == []


def test_the_options_of_deploy_are_in_the_table() -> None:
    command, _ = command_of(["aws", "deploy"])
    named = {opt for p in command.params for opt in p.opts}
    shown = set(re.findall(r"^\| `(--[\w-]+)`", PAGE, re.MULTILINE))
    assert shown <= named
    assert {"--student", "--ttl-hours", "--profile", "--transport", "--esm-mode"} <= shown


def test_the_stacks_are_named_in_their_order() -> None:
    assert ", ".join(STACKS) in PAGE
