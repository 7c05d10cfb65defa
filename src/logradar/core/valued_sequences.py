"""Sequences with what a sequence alone does not say: the time before each event and the values in its line."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from logradar.core.errors import TableError
from logradar.core.sequences import Sequences
from logradar.core.shards import BATCH, Shards
from logradar.core.tables import SESSIONS, check

COLUMNS: Final = ["template_ids", "gaps", "parameters"]  # of SESSIONS


@dataclass(frozen=True, eq=False)
class Valued(Sequences):
    """Template ids of sessions, each row for itself, with ``gaps`` (seconds) and ``parameters`` of every event.

    ``parameters`` is a ``list<string>`` array with one entry per value, null for an event without,
    or None where no session has any. Equal sequences may differ in both, so reducing them to
    distinct ones gives plain `Sequences`.
    """

    gaps: npt.NDArray[np.float32]
    parameters: pa.ListArray | None

    @classmethod
    def from_sessions(cls, sessions: pa.Table) -> Valued:
        """From the `COLUMNS` of SESSIONS. Raises `TableError` where they are not aligned."""
        ids = Sequences.from_arrow(sessions["template_ids"])
        gaps = sessions["gaps"].combine_chunks()
        if not np.array_equal(pc.list_value_length(gaps).to_numpy(), ids.lengths):
            raise TableError("In SESSIONS 'gaps' and 'template_ids' differ in length; give one gap for each event.")
        times = gaps.flatten().to_numpy(zero_copy_only=False)
        return cls(ids.values, ids.offsets, ids.counts, ids.inverse, times, _parameters(sessions, ids))

    @classmethod
    def chunks(cls, sessions: pa.Table | Shards) -> Iterator[Valued]:
        """SESSIONS in order, some thousand rows at a time."""
        if isinstance(sessions, Shards):
            yield from map(cls.from_sessions, sessions.tables(COLUMNS))
            return
        table = check(sessions, SESSIONS).select(COLUMNS)
        for start in range(0, table.num_rows, BATCH):
            yield cls.from_sessions(table.slice(start, BATCH))

    @classmethod
    def whole(cls, sessions: pa.Table | Shards) -> Valued:
        """All SESSIONS at once, in memory."""
        if isinstance(sessions, Shards):
            schema = pa.schema([SESSIONS.field(name) for name in COLUMNS])
            return cls.from_sessions(pa.concat_tables([schema.empty_table(), *sessions.tables(COLUMNS)]))
        return cls.from_sessions(check(sessions, SESSIONS))

    def part(self, start: int, stop: int) -> Valued:
        """Rows ``start`` to ``stop`` with their gaps and parameters."""
        first, last = int(self.offsets[start]), int(self.offsets[stop])
        rows = super().part(start, stop)
        values = None if self.parameters is None else self.parameters.slice(first, last - first)
        return Valued(rows.values, rows.offsets, rows.counts, rows.inverse, self.gaps[first:last], values)


def _parameters(sessions: pa.Table, ids: Sequences) -> pa.ListArray | None:
    column = sessions["parameters"].combine_chunks()
    if column.null_count == len(column):
        return None
    lengths = pc.list_value_length(column).fill_null(0).to_numpy()
    there = column.is_valid().to_numpy(zero_copy_only=False)
    if not np.array_equal(lengths[there], ids.lengths[there]):
        raise TableError("In SESSIONS 'parameters' and 'template_ids' differ in length; give one list for each event.")
    flat = column.flatten()
    if not there.all():
        inside = np.repeat(there, ids.lengths)
        place = np.cumsum(inside) - 1
        flat = flat.take(pa.array(np.maximum(place, 0), mask=~inside))
    return cast(pa.ListArray, flat)
