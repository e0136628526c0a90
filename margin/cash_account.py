"""Cash accounts: a security must be paid for before it is sold, or the account is frozen."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum

from margin.deadlines import payment_due
from margin.rulebook import Rulebook


@dataclass(frozen=True, slots=True, kw_only=True)
class CashPurchase:
    """A purchase in a cash account, cost in USD; `paid_on` None: never; `sold_on` None: still held.

    `with_unsettled_proceeds`: paid with the proceeds of a sale that had not settled by the sale.
    """

    bought_on: date
    cost_usd: Decimal
    paid_on: date | None = None
    sold_on: date | None = None
    with_unsettled_proceeds: bool = False


class Violation(StrEnum):
    """What a sale in a cash account did wrong."""

    FREE_RIDING = "free_riding"
    GOOD_FAITH = "good_faith"


def violation(purchase: CashPurchase) -> Violation | None:
    """What a purchase and its sale broke, or None; cost in USD.

    Sold before it was paid for: free riding, unless paid in full within the payment period; bought
    and sold with unsettled proceeds: a good-faith violation. A day outside the calendar raises
    MarginError. Source: 12 CFR 220.8(c); FINRA Rule 4210(f)(9).

    >>> sold = CashPurchase(bought_on=date(2026, 3, 2), cost_usd=Decimal(100),
    ...                     sold_on=date(2026, 3, 3))
    >>> str(violation(sold))
    'free_riding'
    """
    if purchase.sold_on is None:
        return None
    paid_on = purchase.paid_on
    if paid_on is None or (
        paid_on > purchase.sold_on and paid_on > payment_due(purchase.bought_on)
    ):
        return Violation.FREE_RIDING
    return Violation.GOOD_FAITH if purchase.with_unsettled_proceeds else None


def frozen_until(purchase: CashPurchase, rulebook: Rulebook) -> date | None:
    """Last day of the freeze that a purchase brings, 90 calendar days from the sale, or None.

    While frozen every purchase is paid for in advance. Only free riding freezes; a firm counts
    good-faith violations itself. Source: 12 CFR 220.8(c).

    >>> from margin.rulebook import REFERENCE
    >>> frozen_until(CashPurchase(bought_on=date(2026, 3, 2), cost_usd=Decimal(100),
    ...                           sold_on=date(2026, 3, 3)), REFERENCE).isoformat()
    '2026-06-01'
    """
    if violation(purchase) is not Violation.FREE_RIDING or purchase.sold_on is None:
        return None
    return purchase.sold_on + timedelta(days=rulebook.freeze_days.value)


def is_frozen(purchases: Iterable[CashPurchase], on: date, rulebook: Rulebook) -> bool:
    """Whether an account is frozen on a day by any of its purchases (cost in USD).

    Source: 12 CFR 220.8(c).

    >>> from margin.rulebook import REFERENCE
    >>> is_frozen([], date(2026, 3, 2), REFERENCE)
    False
    """
    for purchase in purchases:
        until = frozen_until(purchase, rulebook)
        if until is not None and purchase.sold_on is not None and purchase.sold_on <= on <= until:
            return True
    return False
