"""The audit chain: whatever was altered, dropped or moved is found and named."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.audit_trail import name_of, objects_of, problem_of

from local.audit_verify import chain_problem
from margin.audit import GENESIS, Head, chained, head_of, record_hash
from margin.canonical import JsonObject


def chain(length: int) -> list[JsonObject]:
    """Records 1 to length of one account."""
    records: list[JsonObject] = []
    head = Head()
    for number in range(length):
        records.append(chained(head, {"account_id": "A", "action": f"step {number}"}))
        head = head_of(records[-1])
    return records


lengths = st.integers(min_value=1, max_value=6)


@st.composite
def chain_and_place(draw: Any) -> tuple[list[JsonObject], int]:
    length = draw(lengths)
    return chain(length), draw(st.integers(min_value=0, max_value=length - 1))


@given(lengths)
def test_a_whole_chain_has_no_problem(length: int) -> None:
    records = chain(length)
    assert problem_of(records, head_of(records[-1])) is None


def test_an_empty_chain_is_whole() -> None:
    assert problem_of([], Head()) is None


@given(chain_and_place(), st.sampled_from(["action", "account_id", "previous_hash", "hash"]))
def test_an_altered_record_is_named(case: tuple[list[JsonObject], int], name: str) -> None:
    records, place = case
    head = head_of(records[-1])
    records[place] = records[place] | {name: "0" * 63 + "1"}
    problem = problem_of(records, head)
    assert problem is not None
    assert problem.startswith(name_of(place + 1, "A"))


@given(chain_and_place())
def test_a_planted_field_is_an_altered_record(case: tuple[list[JsonObject], int]) -> None:
    records, place = case
    head = head_of(records[-1])
    records[place] = records[place] | {"note": 0.5}  # type: ignore[dict-item]
    problem = problem_of(records, head)
    assert problem is not None
    assert problem.startswith(name_of(place + 1, "A"))


@given(chain_and_place())
def test_a_missing_record_is_named(case: tuple[list[JsonObject], int]) -> None:
    records, place = case
    head = head_of(records[-1])
    objects = objects_of(records, "A")
    del objects[place]
    problem = chain_problem("A", objects, (head.sequence, head.hash))
    assert problem is not None
    assert problem.startswith(f"{name_of(place + 1, 'A')} is missing")


@given(chain_and_place(), st.integers(min_value=0, max_value=5))
def test_records_that_changed_places_are_named(
    case: tuple[list[JsonObject], int], other: int
) -> None:
    records, place = case
    other %= len(records)
    head = head_of(records[-1])
    records[place], records[other] = records[other], records[place]
    problem = problem_of(records, head)
    if place == other:
        assert problem is None
    else:
        assert problem is not None
        assert problem.startswith(f"{name_of(min(place, other) + 1, 'A')} is out of its place")


@given(chain_and_place())
def test_a_repeated_record_is_found(case: tuple[list[JsonObject], int]) -> None:
    records, place = case
    head = head_of(records[-1])
    assert problem_of([*records[: place + 1], *records[place:]], head) is not None


def test_a_forged_chain_does_not_end_at_the_head() -> None:
    head = head_of(chain(2)[-1])
    first = chained(Head(), {"account_id": "A", "action": "forged"})
    second = chained(head_of(first), {"account_id": "A", "action": "step 1"})
    problem = problem_of([first, second], head)
    assert problem is not None
    assert problem.startswith(f"{name_of(2, 'A')} does not have the hash of its head")


def test_a_record_beyond_the_head_is_found() -> None:
    records = chain(3)
    problem = problem_of(records, head_of(records[1]))
    assert problem is not None
    assert problem.startswith(f"{name_of(3, 'A')} is one too many")


def test_a_record_of_another_account_is_found() -> None:
    first = chain(1)[0]
    stranger = chained(head_of(first), {"account_id": "B"})
    problem = problem_of([first, stranger], head_of(stranger))
    assert problem is not None
    assert problem.startswith(f"{name_of(2, 'A')} is out of its place: it says it is B")


def test_the_hash_is_over_the_previous_hash_and_the_canonical_text() -> None:
    # sha256("0" x 64 + '{"sequence":1}'), computed with sha256sum
    assert record_hash(GENESIS, {"sequence": 1}) == (
        "7c227689aed6351255f1dd74d3c7d5f3615d7d53f939882c9e7d86b3faec21d3"
    )


def test_a_record_that_is_not_chained_has_no_head() -> None:
    with pytest.raises(TypeError):
        head_of({"sequence": "1", "hash": ""})
