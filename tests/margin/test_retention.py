"""Records are kept six years, or three; what expires a day too early does not comply."""

import pytest

from margin.retention import REFERENCE_AUDIT_EXPIRY_DAYS, Record, keeps_long_enough, retention


def test_day_to_day_records_are_kept_three_years() -> None:
    three = {record for record in Record if retention(record).years == 3}
    assert three == {
        Record.ORDER_MEMORANDUM,
        Record.CONFIRMATION,
        Record.COMMUNICATION,
        Record.TRIAL_BALANCE,
    }
    assert retention(Record.OTHER).years == 6


@pytest.mark.parametrize(("days", "enough"), [(2191, False), (2192, True), (2193, True)])
def test_six_years_are_their_days_with_leap_days(days: int, enough: bool) -> None:
    assert keeps_long_enough(Record.DECISION, days) is enough


def test_expiry_of_the_reference_design_is_too_early() -> None:
    assert not any(keeps_long_enough(r, REFERENCE_AUDIT_EXPIRY_DAYS) for r in Record)
