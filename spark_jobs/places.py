"""Where records stand: an offset on Kafka, on Kinesis a sequence number too large for a column.

Sequence numbers are text of up to 129 digits, without leading zeros or all of one length.
"""

from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc


def position_column(records: pa.Table) -> str:
    """The column that orders records within a partition: "offset", or "sequence" on Kinesis."""
    return "sequence" if records["offset"].null_count else "offset"


def offset_of(record: Mapping[str, Any]) -> int:
    """The offset or sequence number of one record."""
    sequence = record["sequence"]
    return int(record["offset"] if sequence is None else sequence)


def next_offsets(records: pa.Table) -> dict[str, int]:
    """By topic-partition, the first offset or sequence number after these records."""
    if position_column(records) == "offset":
        ends = records.group_by(["topic", "partition"]).aggregate([("offset", "max")])
        return {f"{e['topic']}-{e['partition']}": e["offset_max"] + 1 for e in ends.to_pylist()}
    # Text of one length compares as its numbers do.
    digits = pc.utf8_length(records["sequence"])
    ends = (
        records.append_column("digits", digits)
        .group_by(["topic", "partition", "digits"])
        .aggregate([("sequence", "max")])
    )
    found: dict[str, int] = {}
    for end in ends.to_pylist():
        name, after = f"{end['topic']}-{end['partition']}", int(end["sequence_max"]) + 1
        found[name] = max(found.get(name, 0), after)
    return found
