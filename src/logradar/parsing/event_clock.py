"""Event clock: how late it is in a log, by the times that its own records carry.

A clock never goes back. It is what decides that a session is over, so it must not depend on where batches
end, on the wall clock, or on one record with a wrong date.
"""

from __future__ import annotations

from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from logradar.core.errors import StateError
from logradar.core.tables import microseconds

Ints = npt.NDArray[np.int64]
Column: TypeAlias = pa.Array | pa.ChunkedArray
UNKNOWN_TIME: Final = np.iinfo(np.int64).min  # before the first record that has a time
SECOND: Final = 1_000_000  # microseconds
_STEP: Final = 60 * SECOND
_STATE: Final = pa.schema(
    [pa.field("source", pa.string()), pa.field("time", pa.int64()), pa.field("clock", pa.int64())]
)


class EventClock:
    """Reads records in order of arrival and gives each its time and the clock of its source, in microseconds.

    A record without a time takes the time of the record before it in its source. The clock is the latest time
    so far that another record confirms: a time is believed up to a minute past that of the record before it, and
    the first time of all not yet. So one record with a wrong year does not end every session.

    >>> clock = EventClock()
    >>> times, clocks = clock.read(None, pa.array([10, None, 5, 20, 9 * 10**9, 30], pa.timestamp("us", tz="UTC")))
    >>> times.tolist(), clocks[1:].tolist(), bool(clocks[0] == UNKNOWN_TIME)
    ([10, 10, 5, 20, 9000000000, 30], [10, 10, 20, 60000020, 60000020], True)
    """

    def __init__(self) -> None:
        self._last: dict[str | None, tuple[int, int]] = {}  # by source: time and clock of its last record

    def read(
        self, sources: pa.Array | pa.ChunkedArray | None, timestamps: pa.Array | pa.ChunkedArray
    ) -> tuple[Ints, Ints]:
        """Time and clock of each record; `UNKNOWN_TIME` before the first time of a source.

        With ``sources`` (texts or a dictionary of texts) each source has its own clock, otherwise all records
        share one.
        """
        moments = microseconds(timestamps)
        known, given = np.ones(len(moments), bool), moments
        if moments.null_count:
            known, given = moments.is_valid().to_numpy(zero_copy_only=False), moments.fill_null(0)
        given = given.to_numpy()
        if sources is None and len(given):
            return self._of_source(None, given, known)
        times, clocks = np.empty(len(given), np.int64), np.empty(len(given), np.int64)
        for name, rows in _by_source(sources, len(given)):
            times[rows], clocks[rows] = self._of_source(name, given[rows], known[rows])
        return times, clocks

    def _of_source(self, name: str | None, given: Ints, known: npt.NDArray[np.bool_]) -> tuple[Ints, Ints]:
        time, clock = self._last.get(name, (UNKNOWN_TIME, UNKNOWN_TIME))
        last_known = np.maximum.accumulate(np.where(known, np.arange(len(given)), -1))
        times = np.where(last_known >= 0, given[np.maximum(last_known, 0)], time)
        before = np.concatenate([[time], times[:-1]])
        believed = np.where(before == UNKNOWN_TIME, before, np.minimum(times, before + _STEP))
        clocks = np.maximum(np.maximum.accumulate(believed), clock)
        self._last[name] = int(times[-1]), int(clocks[-1])
        return times, clocks

    def table(self) -> pa.Table:
        """The state, one row a source."""
        columns = [list(self._last), *([value[place] for value in self._last.values()] for place in (0, 1))]
        return pa.table([pa.array(c, f.type) for c, f in zip(columns, _STATE, strict=True)], schema=_STATE)

    @classmethod
    def restore(cls, table: pa.Table) -> EventClock:
        """The clock that `table` came from. Raises `StateError` for another kind of table."""
        if not table.schema.equals(_STATE):
            raise StateError("The state of the event clock has other columns; start without --state.")
        clock = cls()
        clock._last = {row["source"]: (row["time"], row["clock"]) for row in table.to_pylist()}
        return clock


def _by_source(sources: Column | None, count: int) -> list[tuple[str | None, Ints | slice]]:
    if not count:
        return []
    if sources is None:
        return [(None, slice(None))]
    if isinstance(sources, pa.ChunkedArray):
        sources = sources.unify_dictionaries() if pa.types.is_dictionary(sources.type) else sources
        sources = sources.combine_chunks()
    coded = sources if pa.types.is_dictionary(sources.type) else sources.dictionary_encode()
    codes = coded.indices.fill_null(-1).to_numpy()
    names = [coded.dictionary[code].as_py() if code >= 0 else None for code in np.unique(codes).tolist()]
    if len(names) == 1:
        return [(names[0], slice(None))]
    return [(name, np.flatnonzero(codes == code)) for name, code in zip(names, np.unique(codes).tolist(), strict=True)]
