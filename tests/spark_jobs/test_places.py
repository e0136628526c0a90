"""Where records stand: offsets on Kafka, sequence numbers beyond any column on Kinesis."""

import json
from typing import Any

import pyarrow as pa
import pytest
from support.stream_records import Record, demo_account, placed, record, run

from margin.channels import partition_of, wire_number
from margin.topics import FILLS, MARGIN_CALC
from margin.wire_assessment import encode_assessment, parse_assessment
from spark_jobs.places import next_offsets, offset_of
from spark_jobs.schemas import RECORD
from spark_jobs.shard import Shard
from spark_jobs.shard_store import frame_of_records, records_of

SEQUENCE = 49590338271490256608559692538361571095921575989136588898


def on_kinesis(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The same records with sequence numbers in place of offsets."""
    return [row | {"offset": None, "sequence": str(SEQUENCE + row["offset"])} for row in rows]


def table(*places: tuple[str, int, str]) -> pa.Table:
    rows = [{"topic": t, "partition": p, "sequence": s, "mine": True} for t, p, s in places]
    return pa.Table.from_pylist(rows, schema=RECORD)


def test_the_larger_number_is_later_whatever_its_length() -> None:
    found = next_offsets(
        table((FILLS, 0, "9"), (FILLS, 0, "10"), (FILLS, 0, "0000000000008"), (FILLS, 1, "5"))
    )
    assert found == {"fills.v1-0": 11, "fills.v1-1": 6}


def test_a_sequence_number_of_aws_is_exact() -> None:
    records = table((FILLS, 0, str(SEQUENCE)), (FILLS, 0, str(SEQUENCE - 1)))
    assert next_offsets(records) == {"fills.v1-0": SEQUENCE + 1}
    assert offset_of(records.to_pylist()[0]) == SEQUENCE


def test_the_same_records_give_the_same_figures_on_both_and_a_place_each() -> None:
    rows = placed([*map(record, demo_account()), Record(topic=FILLS, key=b"x", value=b"not json")])
    kafka, kinesis = run(Shard(), rows), run(Shard(), on_kinesis(rows))
    assert [(m.topic, m.key) for m in kafka] == [(m.topic, m.key) for m in kinesis]
    for one, other in zip(kafka, kinesis, strict=True):
        a, b = json.loads(one.value), json.loads(other.value)
        if one.topic == MARGIN_CALC:
            assert {p: o + SEQUENCE for p, o in a.pop("inputs").items()} == {
                p: int(o) for p, o in b.pop("inputs").items()
            }
        elif "offset" in a:
            assert b.pop("offset") == str(SEQUENCE + a.pop("offset"))
            assert a.pop("event_id") != b.pop("event_id")
            assert a.pop("correlation_id") != b.pop("correlation_id")
        assert a == b


def test_an_assessment_carries_sequence_numbers_there_and_back() -> None:
    rows = on_kinesis(placed([*map(record, demo_account())]))
    (raw,) = [m.value.encode() for m in run(Shard(), rows) if m.topic == MARGIN_CALC]
    event = parse_assessment(raw)
    assert encode_assessment(event) == raw
    assert min(offset for _, offset in event.inputs) > 2**63


def test_a_shard_that_was_kept_goes_on_with_its_places() -> None:
    shard, rows = Shard(), on_kinesis(placed([*map(record, demo_account())]))
    run(shard, rows)
    assert Shard.loads(shard.dumps()).inputs == shard.inputs
    again = records_of(frame_of_records(pa.Table.from_pylist(rows, schema=RECORD)))
    other = Shard()
    other.apply(again)
    assert other.inputs == shard.inputs


@pytest.mark.parametrize("number", [0, 2**63 - 1, 2**63, SEQUENCE])
def test_a_number_is_text_exactly_where_it_must_be(number: int) -> None:
    assert isinstance(wire_number(number), str) == (number >= 2**63)


def test_a_key_has_one_of_the_catalogues_partitions() -> None:
    assert {partition_of(FILLS, f"ACC_{i}") for i in range(100)} == {0, 1, 2}
