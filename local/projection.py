"""What has been seen so far, from the topics alone: assessments, rungs and dead letters."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from local.scenario import Scenario, ScenarioAccount
from margin import topics

CONTROL_TOPICS = (topics.MARGIN_CALLS, topics.RESTRICTIONS, topics.LIQUIDATIONS)
TOPICS = (topics.MARGIN_CALC, *CONTROL_TOPICS, topics.DEAD_LETTER)
RUNG = {
    "WARNING_ISSUED": "WARNING",
    "MARGIN_CALL_ISSUED": "MARGIN_CALL",
    "RESTRICTION_APPLIED": "RESTRICTION",
    "LIQUIDATION_TRIGGERED": "LIQUIDATION",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rung:
    """One action of the ladder as it was published; `sequence` is its place in the audit chain."""

    account_id: str
    sequence: int
    at: str
    event: str
    status: str
    price_usd: Decimal | None
    amount_usd: Decimal | None
    quantity_shares: Decimal | None
    side: str | None
    reason: str | None


@dataclass(slots=True)
class AccountView:
    assessment: dict[str, Any] | None = None
    rungs: dict[int, Rung] = field(default_factory=dict)

    def ordered(self) -> list[Rung]:
        return [self.rungs[sequence] for sequence in sorted(self.rungs)]


class Projection:
    """Thread-safe. Feed it records of `TOPICS`; ask it for the state of the scenario's accounts."""

    def __init__(self, scenario: Scenario) -> None:
        self._scenario = scenario
        self._watch = {a.account_id: a.watch for a in scenario.accounts}
        self._lock = threading.Lock()
        self._accounts: dict[str, AccountView] = {a: AccountView() for a in self._watch}
        self._dead_letters: dict[str, dict[str, Any]] = {}
        self._assessments = 0
        self._settled: dict[str, dict[str, dict[str, Any] | None]] = {}

    def add(self, topic: str, value: bytes) -> None:
        event = json.loads(value)
        with self._lock:
            if topic == topics.DEAD_LETTER:
                self._dead_letters.setdefault(event["event_id"], event)
            elif event["account_id"] not in self._accounts:
                return
            elif topic == topics.MARGIN_CALC:
                self._assess(self._accounts[event["account_id"]], event)
            else:
                rung = rung_of(event, self._watch[event["account_id"]])
                self._accounts[rung.account_id].rungs.setdefault(rung.sequence, rung)

    def _assess(self, account: AccountView, event: dict[str, Any]) -> None:
        self._assessments += 1
        held = account.assessment
        if held is None or event["version"] > held["version"]:
            account.assessment = event

    @property
    def assessments(self) -> int:
        with self._lock:
            return self._assessments

    def dead_letters(self) -> list[dict[str, Any]]:
        with self._lock:
            return sorted(self._dead_letters.values(), key=lambda d: (d["source"], d["offset"]))

    def latest(self, account_id: str) -> dict[str, Any] | None:
        with self._lock:
            return self._accounts[account_id].assessment

    def settled(self, at: str) -> None:
        """Keep the newest assessments as those of the step at `at`."""
        with self._lock:
            self._settled[at] = {name: a.assessment for name, a in self._accounts.items()}

    def settled_at(self, at: str, account_id: str) -> Mapping[str, Any] | None:
        """The assessment of an account once the step at `at` was used; None where none was."""
        with self._lock:
            return self._settled.get(at, {}).get(account_id)

    def rungs(self, account_id: str) -> list[Rung]:
        with self._lock:
            return self._accounts[account_id].ordered()

    def rung_count(self) -> int:
        with self._lock:
            return sum(len(account.rungs) for account in self._accounts.values())

    def covers(self, offsets: Mapping[str, int]) -> bool:
        """Whether the newest assessments together were made from all records before `offsets`."""
        with self._lock:
            held = [a.assessment for a in self._accounts.values()]
        if any(assessment is None for assessment in held):
            return False
        used: dict[str, int] = {}
        market = [f"{t}-" for t in (topics.PRICES, topics.BETAS, topics.INSTRUMENTS)]
        for assessment in held:
            if assessment is not None:
                for partition, offset in assessment["inputs"].items():
                    used[partition] = max(used.get(partition, 0), int(offset))
        for partition, offset in offsets.items():
            if used.get(partition, 0) < offset:
                return False
            if any(partition.startswith(prefix) for prefix in market) and any(
                int(a["inputs"].get(partition, 0)) < offset for a in held if a is not None
            ):
                return False
        return True

    def has_seen_until(self, at: str) -> bool:
        """Whether each account shows as many rungs as are expected before `at`."""
        return all(self._seen(account, at) for account in self._scenario.accounts)

    def _seen(self, account: ScenarioAccount, at: str) -> bool:
        due = sum(e.at < at for e in account.expect)
        return len(self.rungs(account.account_id)) >= due


def rung_of(event: Mapping[str, Any], watch: str) -> Rung:
    """The rung in a message of a control topic; its price is that of the symbol `watch`.

    `amount_usd` is what is called for, or what is left once the call is met.
    """
    action, order = event["action"], event.get("order") or {}
    quantity = Decimal(order["quantity"]) if order else None
    return Rung(
        account_id=event["account_id"],
        sequence=int(event["event_id"].rpartition(":")[2]),
        at=event["at"],
        event=RUNG.get(action, action),
        status=event["status"],
        price_usd=_price(event.get("positions", ()), watch),
        amount_usd=_amount(action, event["amounts"]),
        quantity_shares=None if quantity is None else abs(quantity),
        side=None if quantity is None else ("sell" if quantity < 0 else "buy"),
        reason=event.get("reason"),
    )


def _price(positions: Iterable[Mapping[str, Any]], watch: str) -> Decimal | None:
    for position in positions:
        if position["symbol"] == watch and position["price"] is not None:
            return Decimal(position["price"])
    return None


def _amount(action: str, amounts: Mapping[str, Any]) -> Decimal | None:
    if action in ("MARGIN_CALL_ISSUED", "MARGIN_CALL_AMENDED"):
        return Decimal(amounts["amount"])
    if action in ("MARGIN_CALL_SATISFIED", "CASE_CLOSED"):
        return Decimal(amounts["excess"])
    return None
