"""Who may have portfolio margin, and what follows when an account or a firm falls below."""

from decimal import Decimal
from enum import StrEnum
from typing import assert_never

from margin.rulebook import Rulebook


class Arrangement(StrEnum):
    """How a firm watches an account, on which its minimum equity depends."""

    MONITORED = "full real-time intraday monitoring"
    UNMONITORED = "no full real-time intraday monitoring"
    PRIME_BROKER = "prime-broker arrangement"
    UNLISTED = "unlisted derivatives"


def minimum_equity(arrangement: Arrangement, rulebook: Rulebook) -> Decimal:
    """Least equity of a portfolio margin account, USD.

    Source: FINRA Rule 4210(g); the levels as published by brokers, or recalled guidance.

    >>> from margin.rulebook import REFERENCE
    >>> minimum_equity(Arrangement.UNLISTED, REFERENCE)
    Decimal('5000000')
    """
    match arrangement:
        case Arrangement.MONITORED:
            return rulebook.pm_equity_monitored.value
        case Arrangement.UNMONITORED:
            return rulebook.pm_equity_unmonitored.value
        case Arrangement.PRIME_BROKER:
            return rulebook.pm_equity_prime_broker.value
        case Arrangement.UNLISTED:
            return rulebook.pm_equity_unlisted.value
    assert_never(arrangement)


def is_eligible(equity_usd: Decimal, arrangement: Arrangement, rulebook: Rulebook) -> bool:
    """Whether an equity (USD) allows portfolio margin; the minimum itself does.

    Below it an account may only make trades that reduce its margin.
    Source: FINRA Rule 4210(g); IBKR as published.

    >>> from margin.rulebook import REFERENCE
    >>> is_eligible(Decimal(99999), Arrangement.MONITORED, REFERENCE)
    False
    """
    return equity_usd >= minimum_equity(arrangement, rulebook)


def accepts_new_accounts(
    aggregate_usd: Decimal, net_capital_usd: Decimal, days: int, rulebook: Rulebook
) -> bool:
    """Whether a firm may open portfolio margin accounts, on the nth business day (`days`) on
    which the sum of requirements (USD) has been above ten times its net capital (USD).

    From the fourth such day on it may not. Source: FINRA Rule 4210(g).

    >>> from margin.rulebook import REFERENCE
    >>> [accepts_new_accounts(Decimal(1010), Decimal(100), d, REFERENCE) for d in (3, 4)]
    [True, False]
    """
    above = aggregate_usd > rulebook.pm_net_capital_multiple.value * net_capital_usd
    return not (above and days > rulebook.pm_net_capital_days.value)
