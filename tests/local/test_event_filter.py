import pytest

from local.bridge import ENFORCED_ONLY
from local.errors import UsageError
from local.event_filter import matches, parse_pattern


@pytest.mark.parametrize(
    ("value", "fits"),
    [
        ({"enforce": True, "band": "WARNING"}, True),
        ({"enforce": False}, False),
        ({"enforce": 1}, False),
        ({"enforce": "true"}, False),
        ({"band": "WARNING"}, False),
        (["enforce"], False),
    ],
)
def test_the_routers_pattern_lets_only_enforced_values_through(value: object, fits: bool) -> None:
    assert matches(parse_pattern(ENFORCED_ONLY), value) is fits


def test_all_names_must_fit_and_one_of_their_values() -> None:
    pattern = parse_pattern('{"a": [1, null], "b": {"c": ["x"]}}')
    assert matches(pattern, {"a": None, "b": {"c": "x"}})
    assert not matches(pattern, {"a": 1, "b": {"c": "y"}})
    assert not matches(pattern, {"a": 1, "b": "x"})


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"a": true}', '{"a": [{"exists": true}]}'])
def test_a_pattern_that_would_be_applied_otherwise_on_aws_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="filter"):
        parse_pattern(text)
