"""The stateful stage of the stream. A module of its own on purpose.

What the main script defines travels to the workers by value at every batch, and a cache kept there
is always empty. From an imported module it is the worker's own.
"""

import os
import zipimport
from collections.abc import Iterator

for _threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_threads] = "1"  # a task has one core


def _keep_zip_caches(_importer: zipimport.zipimporter) -> None:
    """PySpark drops all import caches at every task; re-reading each zip costs 50-100 ms."""


zipimport.zipimporter.invalidate_caches = _keep_zip_caches  # type: ignore[method-assign,assignment]

import pandas as pd  # noqa: E402  after the settings that it reads
import pyarrow as pa  # noqa: E402
from pyspark.sql.streaming.stateful_processor import (  # noqa: E402
    StatefulProcessor,
    StatefulProcessorHandle,
    TimerValues,
)

from margin.rulebook import REFERENCE, Rulebook  # noqa: E402
from spark_jobs.emission import EmissionPolicy  # noqa: E402
from spark_jobs.messages import Message  # noqa: E402
from spark_jobs.schemas import RECORD  # noqa: E402
from spark_jobs.shard_batch import run_batch  # noqa: E402
from spark_jobs.shard_store import ShardStore  # noqa: E402


class ShardState(StatefulProcessor):
    """Keyed by shard. In: schemas.RECORD; out: topic, key, value; output mode update."""

    def __init__(self, policy: EmissionPolicy, rulebook: Rulebook = REFERENCE) -> None:
        self._policy = policy
        self._rulebook = rulebook

    def init(self, handle: StatefulProcessorHandle) -> None:
        self._store = ShardStore(handle)

    def handleInputRows(  # noqa: N802  PySpark's name
        self,
        key: tuple[int],
        rows: Iterator[pd.DataFrame],
        timerValues: TimerValues,  # noqa: N803
    ) -> Iterator[pd.DataFrame]:
        records = pa.concat_tables([_records(frame) for frame in rows])
        shard = self._store.load()
        batch = run_batch(shard, records, self._policy, self._rulebook)
        self._store.save(shard, records, batch.emitted)
        yield pd.DataFrame(batch.messages, columns=list(Message._fields), dtype="object")

    def close(self) -> None:
        """Nothing is open: the state belongs to Spark."""


def _records(frame: pd.DataFrame) -> pa.Table:
    return pa.Table.from_pandas(frame[RECORD.names], schema=RECORD, preserve_index=False)
