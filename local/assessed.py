"""The account that `explain` and `compare` are about: of a file, or of the running system."""

from __future__ import annotations

import json
from pathlib import Path

from local.account_file import Account, is_file, read_account
from local.errors import FindingError, UsageError
from margin.assessment import Assessment, assess
from margin.portfolio import AccountType


def find(name: str) -> Account:
    """The account in a file, or the newest assessment of the running system's account of that id.

    NotRunningError where the system does not run, UsageError where there is no such account.
    """
    if is_file(name):
        return read_account(Path(name))
    from local.commands.accounts import newest
    from local.state import StateFolder
    from margin.wire_assessment import parse_assessment, portfolio_and_market

    event = newest(StateFolder.here().running().line).get(name)
    if event is None:
        raise UsageError(
            f"expected a file, or an account of `marginwatch accounts list`, found {name!r}"
        )
    found = parse_assessment(json.dumps(event).encode())
    portfolio, account_type, market = portfolio_and_market(found)
    return Account(
        portfolio=portfolio, account_type=account_type, market=market, as_of_ms=found.as_of_ms
    )


def assessed(account: Account, account_type: AccountType | None = None) -> Assessment:
    """Its figures now computed again; FindingError where it has none."""
    kind = account_type or account.account_type
    found = assess(account.portfolio, kind, account.market, account.rulebook, account.as_of_ms)
    if not isinstance(found, Assessment):
        raise FindingError(
            f"expected an account with figures, found {account.portfolio.account_id} UNPRICED: "
            f"{', '.join(found.flags)}; give what is missing"
        )
    return found
