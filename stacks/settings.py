"""What a deploy is asked for: whose stacks, how they are kept, and what carries the records."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from stacks.packaging import PROJECT

PROFILES: Final = ("class", "prod")
TRANSPORTS: Final = ("kafka", "kinesis")
ESM_MODES: Final = ("on-demand", "provisioned")
FLAGS: Final = ("false", "true")
STUDENT: Final = re.compile(r"[a-z][a-z0-9-]{0,11}")
LONGEST_HOURS: Final = 12
BUDGET_USD: Final = 25
# Beside the settings: read where they count.
OTHERS: Final = ("expires_at", "nag")


class SettingsError(ValueError):
    """A context value is missing or cannot be used; the text is one line that says what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """One student's system.

    `class` is taken down after `ttl_hours` and leaves nothing; `prod` keeps accounts and audit
    trail. `esm_mode` says who pays for reading Kafka: endpoints by the hour, or pollers.
    `customer_key` puts the data under a key of one's own, which outlives its stack by a week.
    With an `email`, a monthly budget of `budget_usd` tells that address.
    """

    student: str = "demo"
    profile: str = "class"
    transport: str = "kafka"
    esm_mode: str = "on-demand"
    ttl_hours: int = 4
    customer_key: bool = False
    email: str = ""
    budget_usd: int = BUDGET_USD

    @property
    def prefix(self) -> str:
        """How every name of this student begins."""
        return f"marginwatch-{self.student}"

    @property
    def leaves_nothing(self) -> bool:
        return self.profile == "class"


NAMES: Final = tuple(Settings.__dataclass_fields__)


def read_settings(context: Mapping[str, object]) -> Settings:
    """The settings of a CDK context. Raises SettingsError for a missing or wrong value."""
    return Settings(
        student=_student(context),
        profile=_one_of(context, "profile", PROFILES),
        transport=_one_of(context, "transport", TRANSPORTS),
        esm_mode=_one_of(context, "esm_mode", ESM_MODES),
        ttl_hours=_hours(context),
        customer_key=_one_of(context, "customer_key", FLAGS) == "true",
        email=_email(context),
        budget_usd=_dollars(context),
    )


def read_context(
    given: Mapping[str, str], environment: Mapping[str, str], file: Path = PROJECT / "cdk.json"
) -> dict[str, object]:
    """cdk.json's context, over it what the CDK CLI hands on, over that what was `given`.

    Raises SettingsError for a name in `given` that nothing reads.
    """
    if unknown := sorted(given.keys() - {*NAMES, *OTHERS}):
        raise SettingsError(
            f"a context value of {', '.join((*NAMES, *OTHERS))} expected, "
            f"found {unknown[0]}: correct `-c {unknown[0]}=..`"
        )
    context: dict[str, object] = json.loads(file.read_text(encoding="utf-8")).get("context", {})
    context.update(json.loads(environment.get("CDK_CONTEXT_JSON", "{}")))
    context.update(given)
    return context


def _text(context: Mapping[str, object], name: str, expected: str) -> str:
    if name not in context:
        raise SettingsError(f"{name} must be {expected}, found none: give `-c {name}=..`")
    value = context[name]
    return str(value).lower() if isinstance(value, bool) else str(value)


def _refused(name: str, expected: str, found: str) -> SettingsError:
    return SettingsError(f"{name} must be {expected}, was {found!r}: correct `-c {name}=..`")


def _one_of(context: Mapping[str, object], name: str, choices: tuple[str, ...]) -> str:
    expected = " or ".join(choices)
    found = _text(context, name, expected)
    if found not in choices:
        raise _refused(name, expected, found)
    return found


def _student(context: Mapping[str, object]) -> str:
    expected = "1 to 12 characters of a-z, 0-9 and -, the first one a letter"
    found = _text(context, "student", expected)
    if not STUDENT.fullmatch(found):
        raise _refused("student", expected, found)
    return found


def _hours(context: Mapping[str, object]) -> int:
    expected = f"a whole number of hours from 1 to {LONGEST_HOURS}"
    found = _text(context, "ttl_hours", expected)
    if not re.fullmatch(r"[0-9]{1,2}", found) or not 1 <= int(found) <= LONGEST_HOURS:
        raise _refused("ttl_hours", expected, found)
    return int(found)


def _email(context: Mapping[str, object]) -> str:
    found = str(context.get("email", ""))
    if found and not re.fullmatch(r"[^@\s]+@[^@\s]+", found):
        raise _refused("email", "an e-mail address", found)
    return found


def _dollars(context: Mapping[str, object]) -> int:
    found = str(context.get("budget_usd", BUDGET_USD))
    if not re.fullmatch(r"[1-9][0-9]{0,5}", found):
        raise _refused("budget_usd", "a whole number of US dollars above 0", found)
    return int(found)
