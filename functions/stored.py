"""What the table holds of one account and its open case, as values."""

from dataclasses import dataclass

from margin.audit import Head
from margin.canonical import JsonObject
from margin.ladder import Action, LadderState
from margin.wire_assessment import AssessmentEvent

NO_DEADLINE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock:
    """The one open case of an account. `changes` counts what the machine has to look at again."""

    account_id: str
    case_id: str
    opened_at_ms: int
    attempt: int = 1
    changes: int = 1
    task_token: str | None = None
    waits_for: str | None = None
    halted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredState:
    """The newest assessment, and when it came in by the clock of the functions."""

    event: AssessmentEvent
    received_at_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredLadder:
    """Where the account stands on the ladder; revision 0 is "never stored"."""

    revision: int = 0
    state: LadderState = LadderState.EMPTY
    case_id: str | None = None
    last_action: Action | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxItem:
    """Something decided that the world was not told of yet."""

    account_id: str
    sequence: int
    body: JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """One decision, written whole or not at all.

    It holds only while the case is open and not halted, the ladder is at `ladder_before` and the
    audit chain ends at `head_before`.
    """

    lock: Lock
    ladder_before: StoredLadder
    head_before: Head
    head_after: Head
    outbox: OutboxItem
    at_ms: int
    ladder_after: LadderState | None = None
    last_action: Action | None = None
    excess: str | None = None
    halts: bool = False
    outcome: str | None = None

    @property
    def closes(self) -> bool:
        return self.outcome is not None
