"""What a deploy is asked for: taken as given, or refused in one line."""

import subprocess
import sys
from pathlib import Path

import pytest

from stacks.packaging import PROJECT
from stacks.settings import Settings, SettingsError, read_context, read_settings

GOOD = {
    "student": "ada",
    "profile": "class",
    "transport": "kafka",
    "esm_mode": "on-demand",
    "ttl_hours": 4,
    "customer_key": False,
}


def test_good_values_are_taken_as_text_or_as_json() -> None:
    expected = Settings(student="ada")
    assert read_settings(GOOD) == expected
    assert read_settings({name: str(value).lower() for name, value in GOOD.items()}) == expected
    assert expected.prefix == "marginwatch-ada"


def test_defaults_are_in_cdk_json() -> None:
    assert read_settings(read_context({}, {})) == Settings()


@pytest.mark.parametrize("name", GOOD)
def test_a_missing_value_is_one_line_that_says_what_to_give(name: str) -> None:
    context = {key: value for key, value in GOOD.items() if key != name}
    with pytest.raises(SettingsError) as error:
        read_settings(context)
    assert str(error.value).startswith(f"{name} must be ")
    assert str(error.value).endswith(f"found none: give `-c {name}=..`")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *[("student", one) for one in ("", "Ada", "1a", "-a", "a_b", "abcdefghijklm", "a\n")],
        *[("profile", one) for one in ("", "production")],
        *[("transport", one) for one in ("msk", "Kafka")],
        *[("esm_mode", one) for one in ("on_demand", "")],
        *[("ttl_hours", one) for one in (0, 13, -1, 1.5, "4h", "", "٤")],
        *[("customer_key", one) for one in ("yes", 1)],
        *[("email", one) for one in ("desk", "a b@c", "a@b\n")],
        *[("budget_usd", one) for one in (0, -5, "25.50", "")],
    ],
)
def test_a_wrong_value_is_named(name: str, value: object) -> None:
    with pytest.raises(SettingsError, match=rf"^{name} must be .*, was '.*': correct") as error:
        read_settings(GOOD | {name: value})
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("hours", [1, 12])
def test_the_shortest_and_the_longest_time_to_live(hours: int) -> None:
    assert read_settings(GOOD | {"ttl_hours": hours}).ttl_hours == hours


def test_what_is_given_beats_the_cli_and_the_cli_beats_the_file(tmp_path: Path) -> None:
    file = tmp_path / "cdk.json"
    file.write_text('{"context": {"student": "file", "profile": "file", "transport": "file"}}')
    environment = {"CDK_CONTEXT_JSON": '{"student": "cli", "profile": "cli", "aws:x": 1}'}
    context = read_context({"student": "given"}, environment, file)
    assert [context[name] for name in ("student", "profile", "transport")] == [
        *("given", "cli", "file")
    ]


def test_a_name_that_nothing_reads_is_refused() -> None:
    with pytest.raises(SettingsError, match="found studnet: correct"):
        read_context({"studnet": "ada"}, {})


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("student=Ada", "app.py: student must be "),
        (
            "ttl_hours=13",
            "app.py: ttl_hours must be a whole number of hours from 1 to 12, was ",
        ),
        ("studnet=ada", "app.py: a context value of "),
        ("expires_at=4", "app.py: expires_at: expected a moment such as "),
    ],
)
def test_the_app_ends_with_that_line(given: str, said: str) -> None:
    command = [sys.executable, str(PROJECT / "app.py"), "-c", given]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.startswith(said)
    assert done.stderr.count("\n") == 1
