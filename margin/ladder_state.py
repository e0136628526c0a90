"""What the ladder remembers of one account, and its stored form."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import ClassVar

from margin.errors import LadderError


class Reason(StrEnum):
    """Why an account is restricted to closing orders."""

    DEADLINE = "DEADLINE"
    STRESS = "STRESS"


@dataclass(frozen=True, slots=True, kw_only=True)
class MarginCall:
    """The open call: its largest amount, USD > 0, its fixed clock in ms, the orders it led to."""

    call_id: str
    amount_usd: Decimal
    issued_at_ms: int
    due_at_ms: int
    liquidations: int = 0

    @property
    def liquidation_id(self) -> str:
        """Id of the latest liquidation order of this call."""
        return f"{self.call_id}-L{self.liquidations}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Restriction:
    """Close-only, since when (ms), and every reason that still holds, sorted."""

    since_ms: int
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LadderState:
    """The open episodes of one account; `calls` counts every call it ever had."""

    EMPTY: ClassVar["LadderState"]

    warning: bool = False
    call: MarginCall | None = None
    calls: int = 0
    stress_since_ms: int | None = None
    restriction: Restriction | None = None

    def to_json(self) -> dict[str, str]:
        """The state as one flat object of text values; what is not open is left out.

        >>> LadderState(warning=True).to_json()
        {'calls': '0', 'warning': 'true'}
        """
        stored = {"calls": str(self.calls), "warning": "true" if self.warning else "false"}
        if self.stress_since_ms is not None:
            stored["stress_since_ms"] = str(self.stress_since_ms)
        if self.call is not None:
            stored |= {
                "call_id": self.call.call_id,
                "call_amount": f"{self.call.amount_usd:f}",
                "call_issued_at_ms": str(self.call.issued_at_ms),
                "call_due_at_ms": str(self.call.due_at_ms),
                "call_liquidations": str(self.call.liquidations),
            }
        if self.restriction is not None:
            stored |= {
                "restricted_since_ms": str(self.restriction.since_ms),
                "restriction_reasons": " ".join(self.restriction.reasons),
            }
        return stored

    @classmethod
    def from_json(cls, stored: Mapping[str, str]) -> "LadderState":
        """The state that to_json() stored, or LadderError.

        >>> LadderState.from_json(LadderState.EMPTY.to_json()) == LadderState.EMPTY
        True
        """
        try:
            since = stored.get("stress_since_ms")
            return cls(
                warning={"true": True, "false": False}[stored["warning"]],
                call=_read_call(stored) if "call_id" in stored else None,
                calls=int(stored["calls"]),
                stress_since_ms=None if since is None else int(since),
                restriction=_read_restriction(stored) if "restricted_since_ms" in stored else None,
            )
        except (KeyError, ValueError, InvalidOperation) as error:
            raise LadderError(f"a stored ladder state expected, found {dict(stored)}") from error


LadderState.EMPTY = LadderState()


def _read_call(stored: Mapping[str, str]) -> MarginCall:
    return MarginCall(
        call_id=stored["call_id"],
        amount_usd=Decimal(stored["call_amount"]),
        issued_at_ms=int(stored["call_issued_at_ms"]),
        due_at_ms=int(stored["call_due_at_ms"]),
        liquidations=int(stored["call_liquidations"]),
    )


def _read_restriction(stored: Mapping[str, str]) -> Restriction:
    return Restriction(
        since_ms=int(stored["restricted_since_ms"]),
        reasons=tuple(Reason(text) for text in stored["restriction_reasons"].split(" ")),
    )
