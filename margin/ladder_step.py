"""What the ladder reads and what it answers with: Reading, Action, Step."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from margin.ladder_state import LadderState
from margin.money import ZERO
from margin.rulebook import LadderPolicy


class Action(StrEnum):
    """What the ladder can do, in the order of messages within one evaluation."""

    STRESS_ALERT = "STRESS_ALERT"
    WARNING_ISSUED = "WARNING_ISSUED"
    MARGIN_CALL_ISSUED = "MARGIN_CALL_ISSUED"
    MARGIN_CALL_AMENDED = "MARGIN_CALL_AMENDED"
    MARGIN_CALL_SATISFIED = "MARGIN_CALL_SATISFIED"
    RESTRICTION_APPLIED = "RESTRICTION_APPLIED"
    RESTRICTION_LIFTED = "RESTRICTION_LIFTED"
    LIQUIDATION_TRIGGERED = "LIQUIDATION_TRIGGERED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What the ladder looks at, USD, signed but for gross; and the liquidations already filled."""

    excess_usd: Decimal
    gross_usd: Decimal
    worst_severe_excess_usd: Decimal
    filled_liquidations: frozenset[str] = frozenset()

    @property
    def deficiency_usd(self) -> Decimal:
        """max(0, -excess), USD."""
        return max(ZERO, -self.excess_usd)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One action, the state once it is done, and what its message needs."""

    action: Action
    state_after: LadderState
    amount_usd: Decimal | None = None
    reason: str | None = None
    call_id: str | None = None
    due_at_ms: int | None = None
    liquidation_id: str | None = None


@dataclass(frozen=True, slots=True)
class Moment:
    """Everything but the state that a lane decides on; times in ms."""

    reading: Reading
    policy: LadderPolicy
    now_ms: int
    call_id_base: str
