"""`marginwatch rules`: what it prints, what it refuses, and the page that it writes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from local import rules
from local.cli import cli
from local.errors import UsageError
from margin.rulebook import REFERENCE, REFERENCE_TEXT, rulebook_hash

PAGE = Path(__file__).parents[2] / "docs" / "10-rules-reference.md"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["rules", *arguments])


def printed(*arguments: str) -> list[list[str]]:
    """The cells of the rows that a command prints, runs of blanks apart."""
    done = run(*arguments)
    assert done.exception is None, done.output
    return [line.split() for line in done.stdout.splitlines()]


def refusal(*arguments: str) -> str:
    error = run(*arguments).exception
    assert isinstance(error, UsageError), error
    assert error.exit_code == 2
    return str(error)


def test_show_prints_every_entry_that_is_in_force() -> None:
    names = [name for name, _ in REFERENCE.entries()]
    assert [line[0] for line in printed("show") if line[0] in names] == names


def test_show_of_an_entry_prints_all_its_periods() -> None:
    found = printed("show", "due_reg_t_call")[1:]
    assert [(line[1], line[-1]) for line in found] == [("4", "no"), ("3", "yes")]


def test_show_on_another_day_marks_the_period_of_that_day() -> None:
    found = printed("show", "due_reg_t_call", "--on", "2024-05-27")[1:]
    assert [(line[1], line[-1]) for line in found] == [("4", "yes"), ("3", "no")]


@pytest.mark.parametrize("term", ["short-box", "Short Box", "short_box"])
def test_part_of_a_name_finds_its_entries(term: str) -> None:
    assert [line[0] for line in printed("show", term)[1:]] == ["short_box_close_factor"]


def test_part_of_a_name_shows_only_what_is_in_force() -> None:
    found = [line for line in printed("show", "due_", "--on", "2020-01-02") if "T+" in str(line)]
    assert [line[:2] for line in found] == [["due_reg_t_call", "4"]]


def test_part_of_a_title_finds_the_section() -> None:
    names = {line[0] for line in printed("show", "listed options")[1:]}
    assert {"option_main_rate", "long_term_months"} <= names
    assert "long_rate" not in names


def test_unknown_term_is_one_line_with_the_nearest_names() -> None:
    message = refusal("show", "long_rte")
    assert message.startswith("no entry of the rulebook is like 'long_rte'; nearest: long_rate,")
    assert "\n" not in message


def test_term_like_nothing_says_where_to_look() -> None:
    assert refusal("show", "zzz").endswith("`marginwatch rules show` lists all")


def test_show_json_carries_the_hash_of_the_chain() -> None:
    found = json.loads(run("show", "long_rate", "--json").stdout)
    assert found["on"] == "2026-11-25"
    assert found["hash"] == rulebook_hash(REFERENCE)
    (entry,) = found["entries"]
    assert (entry["value"], entry["source"]) == ("0.25", "FINRA Rule 4210(c)(1)")


@pytest.mark.parametrize("text", ["2026-02-30", "2026-1-1", "today", "20261125"])
def test_what_is_no_date_is_refused(text: str) -> None:
    assert refusal("show", "--on", text) == f"expected a date like 2026-11-25, found {text!r}"


def test_a_day_before_the_rulebook_begins_is_refused() -> None:
    assert "no value on 2016-01-01" in refusal("diff", "2016-01-01", "2026-11-25")


def test_diff_of_two_days_prints_what_changed() -> None:
    found = json.loads(run("diff", "2024-05-27", "2024-05-28", "--json").stdout)
    first, *_ = found["differences"]
    assert first == {"entry": "due_reg_t_call", "part": "value", "before": "4", "after": "3"}
    parts = [(row["entry"], row["part"]) for row in found["differences"]]
    assert parts == [("due_reg_t_call", "value"), ("due_reg_t_call", "source")]
    assert ["due_reg_t_call", "value", "4", "3"] in printed("diff", "2024-05-27", "2024-05-28")


def test_diff_of_equal_rulebooks_says_so() -> None:
    assert run("diff", "2026-11-24", "2026-11-25").stdout.startswith("no difference between")


def test_diff_reads_a_file(tmp_path: Path) -> None:
    ours = tmp_path / "ours.toml"
    ours.write_text(
        REFERENCE_TEXT.replace('long_rate = { value = "0.25"', 'long_rate = { value = "0.35"')
    )
    assert ["long_rate", "value", "0.25", "0.35"] in printed("diff", "2026-11-25", str(ours))


def test_diff_reads_a_file_for_the_day_asked(tmp_path: Path) -> None:
    ours = tmp_path / "ours.toml"
    ours.write_text(REFERENCE_TEXT)
    arguments = ("diff", "2024-05-27", str(ours))
    assert "no difference" in run(*arguments, "--on", "2024-05-27").stdout
    assert "no difference" not in run(*arguments).stdout


@pytest.mark.parametrize(
    ("content", "wanted"),
    [
        (b"\xff", "no text in UTF-8"),
        (b"x = ", "rulebook must be TOML"),
        (b"", "every entry, long_rate is missing"),
    ],
)
def test_a_file_that_is_no_rulebook_is_refused(tmp_path: Path, content: bytes, wanted: str) -> None:
    ours = tmp_path / "ours.toml"
    ours.write_bytes(content)
    message = refusal("diff", "2026-11-25", str(ours))
    assert str(ours) in message
    assert wanted in message


def test_a_path_that_does_not_exist_is_refused() -> None:
    assert refusal("diff", "2026-11-25", "nowhere.toml").startswith("expected a date like")


def test_the_committed_page_is_the_generated_one() -> None:
    assert PAGE.read_text(encoding="utf-8") == rules.reference_page()
    assert run("reference").stdout == rules.reference_page()


def test_the_page_has_every_entry() -> None:
    text = rules.reference_page()
    assert [name for name, _ in REFERENCE.entries() if f"| `{name}` |" not in text] == []
