"""Lines: a few records of an input by their numbers, for which their units are read once more."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from logradar.core.quarantine import Quarantine
from logradar.core.tables import LOG_RECORDS, empty
from logradar.engines.spark.messages import RECORDS, SCHEMA, Message, batches_of, packed, unpacked
from logradar.engines.spark.pieces import PLACED
from logradar.sources.opening.opening import Opened, Unit


@dataclass(frozen=True)
class LineFinder:
    """Reads ``units`` of an input and keeps the records with these ids."""

    opened: Opened
    units: list[tuple[int, Unit]]  # with their numbers
    record_ids: list[int]

    def __call__(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Messages for the places of units that come in; it is what `DataFrame.mapInArrow` calls."""
        wanted = pa.array(self.record_ids, pa.int64())
        for place in (place for batch in batches for place in batch.column(0).to_pylist()):
            number, unit = self.units[place]
            for table in self.opened.records(unit, number * PLACED, Quarantine(), lambda count: None):
                found = table.filter(pc.is_in(table["record_id"], wanted))
                if len(found):
                    yield from batches_of([Message(0, number, 0, RECORDS, packed(found))])


def lines_of(session: Any, opened: Opened, units: list[Unit], record_ids: Sequence[int]) -> pa.Table:
    """LOG_RECORDS with these ids, which count from `PLACED` times the number of their unit."""
    if not len(record_ids):
        return empty(LOG_RECORDS)
    numbers = np.unique(np.asarray(record_ids, np.int64) // PLACED).tolist()
    finder = LineFinder(opened, [(number, units[number]) for number in numbers], [int(one) for one in record_ids])
    rows = session.range(0, len(numbers), 1, len(numbers)).mapInArrow(finder, SCHEMA).collect()
    found = [unpacked(bytes(row["payload"])).cast(LOG_RECORDS) for row in rows]
    return pa.concat_tables([empty(LOG_RECORDS), *found]).unify_dictionaries()
