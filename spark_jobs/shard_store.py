"""A shard in Spark's state store: a snapshot, and a frame for every batch since."""

import uuid
from typing import Final

import numpy as np
import pyarrow as pa
from pyspark.sql.streaming.stateful_processor import StatefulProcessorHandle

from margin.columnar import Ints
from spark_jobs.schemas import ABOUT_DDL, FRAME_DDL, FRAME_KEY_DDL, RECORD, SNAPSHOT_DDL
from spark_jobs.shard import Shard

SNAPSHOT_BYTES: Final = 4 << 20
# In each Python worker: lineage of the state -> (batch, decoded shard). It lives as long as the
# worker because this module is imported, and is not sent from the driver.
HELD: Final[dict[str, tuple[int, Shard]]] = {}


class ShardStore:
    """Loads the shard of the current key and saves what a batch did to it."""

    def __init__(self, handle: StatefulProcessorHandle) -> None:
        self._about = handle.getValueState("about", ABOUT_DDL)
        self._snapshot = handle.getValueState("snapshot", SNAPSHOT_DDL)
        self._frames = handle.getMapState("frames", FRAME_KEY_DDL, FRAME_DDL)

    def load(self) -> Shard:
        """The shard as the last committed batch left it; taken from HELD until it is saved."""
        lineage, batch, snapshot_batch, _, _ = self._position()
        held_batch, shard = HELD.pop(lineage, (-1, None))
        if shard is None or not snapshot_batch <= held_batch <= batch:
            held_batch = snapshot_batch
            blob = self._snapshot.get() if snapshot_batch else None
            shard = Shard.loads(bytes(blob[0])) if blob else Shard()
        for missed in range(held_batch + 1, batch + 1):
            frame = self._frames.getValue((missed,))
            if frame is None:
                raise RuntimeError(f"frame {missed} of a shard is missing from the checkpoint")
            shard.apply(records_of(bytes(frame[0])))
            shard.say(*emitted_of(bytes(frame[1])))
        return shard

    def save(self, shard: Shard, records: pa.Table, emitted: tuple[Ints, Ints, Ints]) -> None:
        """Keep one more batch: what came, and what was said of which accounts."""
        lineage, batch, snapshot_batch, frame_bytes, snapshot_bytes = self._position()
        batch += 1
        frame = (frame_of_records(records), np.stack(emitted).tobytes())
        frame_bytes += len(frame[0]) + len(frame[1])
        if frame_bytes > max(SNAPSHOT_BYTES, snapshot_bytes):
            blob = shard.dumps()
            self._snapshot.update((blob,))
            self._frames.clear()
            self._about.update((lineage, batch, batch, 0, len(blob)))
        else:
            self._frames.updateValue((batch,), frame)
            self._about.update((lineage, batch, snapshot_batch, frame_bytes, snapshot_bytes))
        HELD[lineage] = (batch, shard)

    def _position(self) -> tuple[str, int, int, int, int]:
        about = self._about.get()
        if about is None:
            # Names this state apart from that of another query in the same worker.
            about = (uuid.uuid4().hex, 0, 0, 0, 0)
            self._about.update(about)
        lineage, *numbers = about
        batch, snapshot_batch, frame_bytes, snapshot_bytes = map(int, numbers)
        return str(lineage), batch, snapshot_batch, frame_bytes, snapshot_bytes


def frame_of_records(records: pa.Table) -> bytes:
    """The records of a batch as an Arrow stream.

    >>> records_of(frame_of_records(RECORD.empty_table())).num_rows
    0
    """
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, RECORD) as writer:
        writer.write_table(records)
    content: bytes = sink.getvalue().to_pybytes()
    return content


def records_of(frame: bytes) -> pa.Table:
    """The records of frame_of_records."""
    return pa.ipc.open_stream(frame).read_all()


def emitted_of(frame: bytes) -> tuple[Ints, Ints, Ints]:
    """Accounts, bands and excesses of the messages of a batch."""
    account, band, excess = np.frombuffer(frame, np.int64).reshape(3, -1)
    return account, band, excess
