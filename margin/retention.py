"""How long records are kept, and whether a store that forgets them earlier will do."""

from dataclasses import dataclass
from enum import StrEnum

DAYS_PER_YEAR = 365
EASILY_ACCESSIBLE_YEARS = 2

# What the reference design does: its audit objects and its states expire after these days.
REFERENCE_AUDIT_EXPIRY_DAYS = 90
REFERENCE_STATE_EXPIRY_DAYS = 30


class Record(StrEnum):
    """Classes of records with a period of their own; any other is kept as FINRA Rule 4511 says."""

    LEDGER = "ledger"
    BLOTTER = "blotter"
    DECISION = "decision"
    ORDER_MEMORANDUM = "order memorandum"
    CONFIRMATION = "confirmation"
    COMMUNICATION = "communication"
    TRIAL_BALANCE = "trial balance"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Retention:
    """Years that a record is kept, and the first of them in an easily accessible place."""

    years: int
    easily_accessible_years: int = EASILY_ACCESSIBLE_YEARS


_THREE_YEARS = frozenset(
    {Record.ORDER_MEMORANDUM, Record.CONFIRMATION, Record.COMMUNICATION, Record.TRIAL_BALANCE}
)


def retention(record: Record) -> Retention:
    """Years to keep a class of records: three for the day-to-day ones, six for all others.

    Source: 17 CFR 240.17a-4(a), (b); FINRA Rule 4511.

    >>> retention(Record.DECISION).years, retention(Record.COMMUNICATION).years
    (6, 3)
    """
    return Retention(3 if record in _THREE_YEARS else 6)


def keeps_long_enough(record: Record, expires_after_days: int) -> bool:
    """Whether a store that deletes after a number of days keeps a record for its whole period.

    Source: 17 CFR 240.17a-4(a), (b); FINRA Rule 4511.

    >>> keeps_long_enough(Record.DECISION, REFERENCE_AUDIT_EXPIRY_DAYS)
    False
    """
    # A leap day more than 365 a year, at most two in six years.
    years = retention(record).years
    return expires_after_days >= years * DAYS_PER_YEAR + years // 3
