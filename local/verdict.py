"""Expected beside seen, account by account, and what the demo prints at the end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from local.projection import Projection, Rung
from local.scenario import FIGURES, Expectation, Figures, Scenario, ScenarioAccount
from margin.money import usd_text


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountVerdict:
    account: ScenarioAccount
    seen: tuple[Rung, ...]
    seen_figures: tuple[Mapping[str, Decimal | None], ...]
    assessment: Mapping[str, Any] | None
    differences: tuple[str, ...]

    @property
    def match(self) -> bool:
        return not self.differences


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    scenario: Scenario
    accounts: tuple[AccountVerdict, ...]
    dead_letters: tuple[Mapping[str, Any], ...]
    audit_records: int
    audit_problem: str | None
    figures: Mapping[str, Any]

    def differences(self) -> tuple[str, ...]:
        """Each thing that is not as expected, in words; none where the demo passes."""
        found = [f"{a.account.account_id}: {d}" for a in self.accounts for d in a.differences]
        expected = Counter(source for source, _ in self.scenario.dead_letters)
        seen = Counter(str(letter["source"]) for letter in self.dead_letters)
        # What others send while the demo runs may be set aside too: that is no difference.
        for source, count in (expected - seen).items():
            found.append(f"dead letters of {source}: expected {count} more")
        if self.audit_problem is not None:
            found.append(f"audit: {self.audit_problem}")
        return tuple(found)

    @property
    def passed(self) -> bool:
        return not self.differences()

    def as_json(self) -> dict[str, Any]:
        """The one object that `marginwatch demo --json` prints. Money and shares are strings."""
        return {
            "verdict": "pass" if self.passed else "fail",
            "scenario": self.scenario.name,
            "accounts": [_account_json(a) for a in self.accounts],
            "left_out": [{"account_id": a, "reason": r} for a, r in self.scenario.left_out],
            "dead_letters": [
                {"source": d["source"], "offset": d["offset"], "reason": d["reason"]}
                for d in self.dead_letters
            ],
            "audit": {"records": self.audit_records, "verified": self.audit_problem is None},
            "differences": list(self.differences()),
            "figures": dict(self.figures),
        }


def judge(
    scenario: Scenario,
    view: Projection,
    *,
    audit_records: int,
    audit_problem: str | None,
    figures: Mapping[str, Any],
) -> Verdict:
    accounts = tuple(_judge_account(account, view) for account in scenario.accounts)
    return Verdict(
        scenario=scenario,
        accounts=accounts,
        dead_letters=tuple(view.dead_letters()),
        audit_records=audit_records,
        audit_problem=audit_problem,
        figures=figures,
    )


def _judge_account(account: ScenarioAccount, view: Projection) -> AccountVerdict:
    rungs = view.rungs(account.account_id)
    figures = tuple(figures_of(view.settled_at(f.at, account.account_id)) for f in account.figures)
    return AccountVerdict(
        account=account,
        seen=tuple(rungs),
        seen_figures=figures,
        assessment=view.latest(account.account_id),
        differences=compare(account.expect, rungs) + compare_figures(account.figures, figures),
    )


def figures_of(assessment: Mapping[str, Any] | None) -> dict[str, Decimal | None]:
    """The figures that a scenario may expect, USD; None where the account had none."""
    known = assessment or {}
    return {name: Decimal(known[name]) if known.get(name) is not None else None for name in FIGURES}


def compare_figures(
    expected: tuple[Figures, ...], seen: tuple[Mapping[str, Decimal | None], ...]
) -> tuple[str, ...]:
    """Each step whose figures differ by as little as a cent."""
    return tuple(
        f"at {want.at} expected {figures_phrase(want.usd)}, found {figures_phrase(have)}"
        for want, have in zip(expected, seen, strict=True)
        if want.usd != have
    )


def figures_phrase(usd: Mapping[str, Decimal | None]) -> str:
    """ "equity 119,262.45, requirement 14,552.11, excess 104,710.34"; "-" for none."""
    return ", ".join(
        f"{name} {'-' if usd[name] is None else format(usd[name], ',.2f')}" for name in FIGURES
    )


def compare(expected: tuple[Expectation, ...], seen: list[Rung]) -> tuple[str, ...]:
    """In order, one by one; a rung too many or too few is a difference."""
    found = [
        f"expected {_expected_text(want)}, found {_seen_text(have)}"
        for want, have in zip(expected, seen, strict=False)
        if not _same(want, have)
    ]
    found += [f"expected {_expected_text(want)}, found nothing" for want in expected[len(seen) :]]
    found += [f"expected nothing more, found {_seen_text(have)}" for have in seen[len(expected) :]]
    return tuple(found)


def _same(want: Expectation, have: Rung) -> bool:
    pairs = (
        (want.price_usd, have.price_usd),
        (want.amount_usd, have.amount_usd),
        (want.quantity_shares, have.quantity_shares),
    )
    return want.event == have.event and all(w is None or w == h for w, h in pairs)


def _expected_text(want: Expectation) -> str:
    return phrase(want.event, want.price_usd, want.amount_usd, want.quantity_shares)


def _seen_text(have: Rung) -> str:
    return phrase(have.event, have.price_usd, have.amount_usd, have.quantity_shares)


def phrase(
    event: str,
    price_usd: Decimal | None,
    amount_usd: Decimal | None,
    quantity_shares: Decimal | None,
) -> str:
    """ "MARGIN_CALL of 1,040.00 at 356.80"; once a call is met, the excess that is left."""
    words = [event]
    if quantity_shares is not None:
        words.append(f"of {quantity_shares} shares")
    elif amount_usd is not None:
        left_over = event in ("MARGIN_CALL_SATISFIED", "CASE_CLOSED")
        words.append(f"{'leaving' if left_over else 'of'} {amount_usd:,.2f}")
    if price_usd is not None:
        words.append(f"at {usd_text(price_usd)}")
    return " ".join(words)


def _account_json(a: AccountVerdict) -> dict[str, Any]:
    return {
        "account_id": a.account.account_id,
        "account_type": a.account.account_type,
        "expected": [
            {"at": e.at} | _event_json(e.event, e.price_usd, e.amount_usd, e.quantity_shares)
            for e in a.account.expect
        ],
        "seen": [
            _event_json(r.event, r.price_usd, r.amount_usd, r.quantity_shares)
            | {"side": r.side, "status": r.status, "at": r.at}
            for r in a.seen
        ],
        "figures": [
            {"at": want.at, "expected": _texts(want.usd), "seen": _texts(have)}
            for want, have in zip(a.account.figures, a.seen_figures, strict=True)
        ],
        "match": a.match,
        "why": a.account.why,
        "band": a.assessment and a.assessment["band"],
        "equity": a.assessment and a.assessment["equity"],
        "requirement": a.assessment and a.assessment["requirement"],
        "excess": a.assessment and a.assessment["excess"],
    }


def _texts(usd: Mapping[str, Decimal | None]) -> dict[str, str | None]:
    return {name: None if value is None else usd_text(value) for name, value in usd.items()}


def _event_json(
    event: str,
    price_usd: Decimal | None,
    amount_usd: Decimal | None,
    quantity_shares: Decimal | None,
) -> dict[str, str | None]:
    return {
        "event": event,
        "price": None if price_usd is None else usd_text(price_usd),
        "amount": None if amount_usd is None else usd_text(amount_usd),
        "quantity": None if quantity_shares is None else format(quantity_shares.normalize(), "f"),
    }
