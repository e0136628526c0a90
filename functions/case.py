"""One open case at work: load it, check it with the second key, write one decision whole."""

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from functions import deciding, messages, names
from functions.adapters.accounts_table import AccountsTable
from functions.clock import Clock, now_ms
from functions.messages import CASE_CLOSED, CASE_HALTED, Deed, Order
from functions.settings import read_settings
from functions.stored import Commit, Lock, StoredLadder
from margin.assessment import Assessment, Unassessable
from margin.audit import Head
from margin.ladder import Action, Decision, LadderState, Step, status
from margin.money import usd_text
from margin.rulebook import REFERENCE, Rulebook
from margin.wire_assessment import AssessmentEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """The input of every state of the machine."""

    account_id: str
    case_id: str
    attempt: int

    @classmethod
    def read(cls, event: dict[str, Any]) -> "Request":
        return cls(
            account_id=str(event["account_id"]),
            case_id=str(event["case_id"]),
            attempt=int(event["attempt"]),
        )

    def is_of(self, lock: Lock) -> bool:
        """False for an execution whose case was closed or went on in a later attempt."""
        return (lock.case_id, lock.attempt) == (self.case_id, self.attempt)

    def lock_pk(self) -> str:
        return names.locks_key(names.shard_of(self.account_id))

    def as_json(self) -> dict[str, str | int]:
        return {
            "account_id": self.account_id,
            "case_id": self.case_id,
            "attempt": self.attempt,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """All that one decision rests on, as it was read."""

    lock: Lock
    event: AssessmentEvent
    ladder: StoredLadder
    head: Head
    found: Assessment | Unassessable
    differences: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseWork:
    """The collaborators of the rungs. `actor` is the function that decides."""

    table: AccountsTable
    actor: str
    speed: Decimal = Decimal(1)
    clock: Clock = now_ms
    rulebook: Rulebook = REFERENCE

    def situation(self, lock: Lock) -> Situation | None:
        """The case as it stands; None where nothing may be decided: unpriced, or too old."""
        state = self.table.state(lock.account_id)
        if state is None or not deciding.is_usable(state, self.clock(), self.rulebook):
            return None
        found, differences = deciding.second_key(state.event, self.rulebook)
        return Situation(
            lock=lock,
            event=state.event,
            ladder=self.table.ladder(lock.account_id),
            head=self.table.head(lock.account_id),
            found=found,
            differences=differences,
        )

    def agreed(self, request: Request) -> Situation | None:
        """The case as a rung may act on it; None for a case that is not its own any more, that
        nothing may be decided on, or whose two keys disagree, which halts it."""
        lock = self.table.lock(request.account_id)
        situation = self.situation(lock) if lock and request.is_of(lock) else None
        if situation is None or not situation.differences:
            return situation
        self.halt(situation)
        return None

    def decide(self, situation: Situation) -> Decision:
        """What the ladder says about it now."""
        return deciding.decide_case(
            situation.event,
            situation.ladder,
            situation.lock.case_id,
            speed=self.speed,
            now_ms=self.clock(),
        )

    def keep(self, situation: Situation, state: LadderState) -> bool:
        """Store a change of the ladder that nobody is told of."""
        account_id, at_ms = situation.lock.account_id, self.clock()
        return self.table.put_ladder(account_id, situation.ladder, state, at_ms)

    def take(self, situation: Situation, step: Step, order: Order | None = None) -> bool:
        """Take one step of the ladder: state, audit, outbox. False when anything moved."""
        deed = replace(
            self._deed(situation, step.action),
            status_after=status(step.state_after),
            amount_usd=step.amount_usd,
            call_id=step.call_id,
            due_at_ms=step.due_at_ms,
            reason=step.reason,
            order=order,
        )
        last_action = _counted(situation, step.action)
        return self._write(situation, deed, ladder_after=step.state_after, last_action=last_action)

    def close(self, situation: Situation) -> bool:
        """Close the case unless something has changed since its lock was read."""
        last = situation.ladder.last_action
        outcome = str(last) if situation.ladder.case_id == situation.lock.case_id else "CLEARED"
        return self._write(situation, self._deed(situation, CASE_CLOSED), outcome=outcome)

    def halt(self, situation: Situation) -> bool:
        """Stop the case for a person to look at: the two keys disagree."""
        deed = replace(
            self._deed(situation, CASE_HALTED),
            actor=f"{self.actor}, second key disagreed",
            reason="the stream and the second key disagree",
            differences=situation.differences,
        )
        return self._write(situation, deed, halts=True)

    def _deed(self, situation: Situation, action: str) -> Deed:
        standing = status(situation.ladder.state)
        return Deed(
            case_id=situation.lock.case_id,
            action=action,
            actor=f"{self.actor}, second key agreed",
            at_ms=self.clock(),
            status_before=standing,
            status_after=standing,
        )

    def _write(self, situation: Situation, deed: Deed, **effect: Any) -> bool:
        after, item = messages.tell(
            deed, situation.event, situation.found, self.rulebook, situation.head
        )
        return self.table.commit(
            Commit(
                lock=situation.lock,
                ladder_before=situation.ladder,
                head_before=situation.head,
                head_after=after,
                outbox=item,
                at_ms=deed.at_ms,
                excess=usd_text(situation.event.figures_usd["excess"]),
                **effect,
            )
        )


def case_work(actor: str) -> CaseWork:
    """The real collaborators, made once for the life of a process."""
    settings = read_settings()
    table = AccountsTable.of(settings)
    return CaseWork(table=table, actor=actor, speed=settings.ladder_speed)


def _counted(situation: Situation, action: Action) -> Action:
    """The action the case's end is judged by: lifting a restriction does not hide a met call."""
    before = situation.ladder
    keeps = action == Action.RESTRICTION_LIFTED and before.case_id == situation.lock.case_id
    return before.last_action if keeps and before.last_action else action
