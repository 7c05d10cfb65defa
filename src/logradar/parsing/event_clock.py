"""Event clock: how late it is in a log, by the times that its own records carry.

A clock never goes back. It is what decides that a session is over, so it must not depend on where batches
end, on the wall clock, or on one record with a wrong date.

The clock of a machine does go back: by an hour at the end of summer time, by less when NTP corrects it. A log that was
in order before such a step is in order after it, so each record also has a shift, which is the sum of the steps of its
source so far: times plus shifts are in the order of the file. A source that goes back again and again is not in order
(lines of several services one after the other): its steps are not corrections, and its times alone say the order.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from logradar.core.errors import StateError
from logradar.core.kernels import kernel
from logradar.core.tables import microseconds

Ints = npt.NDArray[np.int64]
Column: TypeAlias = pa.Array | pa.ChunkedArray
UNKNOWN_TIME: Final = np.iinfo(np.int64).min  # before the first record that has a time
SECOND: Final = 1_000_000  # microseconds
_STEP: Final = 60 * SECOND
_BELIEVED: Final = ("time", "clock")  # of the last record of a source
_STEPS: Final = ("before", "shift", "run", "records", "small", "large")  # see `_shifts`
_STATE: Final = pa.schema(
    [pa.field("source", pa.string()), *(pa.field(name, pa.int64()) for name in (*_BELIEVED, *_STEPS))]
)
_ORDERED: Final = 12  # records in order before a step back, without which it is no correction of the clock
_FURTHEST: Final = 7_500 * SECOND  # a correction is at most this long: two hours of summer time, and a little
_QUARTER: Final = 900 * SECOND  # summer time ends by a multiple of it; records of the last minute may be missing
_JITTER: Final = SECOND  # threads that write at the same time are so far out of order
_SPARED, _EACH = 3, 500  # corrections that a log may have at first, and records for each further one


class Moments(NamedTuple):
    """When records happened: ``times``, ``clocks`` and ``shifts`` (microseconds), and the number of their source."""

    times: Ints
    clocks: Ints
    shifts: Ints
    sources: npt.NDArray[np.int32]


@kernel
def _shifts(times, state, out):  # type: ignore[no-untyped-def]
    """The shift of each record into ``out``; ``state`` (as in `_STEPS`) goes on from record to record."""
    before, shift, run, records, small, large = state[0], state[1], state[2], state[3], state[4], state[5]
    for row in range(len(times)):
        time = times[row]
        if time != UNKNOWN_TIME:
            records += 1
            if before == UNKNOWN_TIME or time >= before:
                run += 1
            else:
                back = before - time
                if back > _JITTER:
                    large += 1
                    steps = large
                else:
                    small += 1
                    steps = small
                if run >= _ORDERED and back <= _FURTHEST and steps <= _SPARED + records // _EACH:
                    whole = -(-back // _QUARTER) * _QUARTER
                    shift += whole if back > _QUARTER and whole - back <= _STEP else back
                if back > _JITTER:
                    run = 0
            before = time
        out[row] = shift
    state[0], state[1], state[2], state[3], state[4], state[5] = before, shift, run, records, small, large


class EventClock:
    """Reads records in order of arrival and gives each its time, the clock and the shift of its source (`Moments`).

    A record without a time takes the time of the record before it in its source. The clock is the latest time
    so far that another record confirms: a time is believed up to a minute past that of the record before it, and
    the first time of all not yet. So one record with a wrong year does not end every session.

    >>> clock = EventClock()
    >>> times, clocks, *_ = clock.read(None, pa.array([10, None, 5, 20, 9 * 10**9, 30], pa.timestamp("us", tz="UTC")))
    >>> times.tolist(), clocks[1:].tolist(), bool(clocks[0] == UNKNOWN_TIME)
    ([10, 10, 5, 20, 9000000000, 30], [10, 10, 20, 60000020, 60000020], True)
    """

    def __init__(self) -> None:
        self._last: dict[str | None, tuple[int, int]] = {}  # by source: time and clock of its last record
        self._steps: dict[str | None, Ints] = {}
        self._numbers: dict[str | None, int] = {}

    def read(self, sources: pa.Array | pa.ChunkedArray | None, timestamps: pa.Array | pa.ChunkedArray) -> Moments:
        """Time, clock and shift of each record; time and clock are `UNKNOWN_TIME` before the first time of a source.

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
        times, clocks, shifts = (np.empty(len(given), np.int64) for _ in range(3))
        numbers = np.empty(len(given), np.int32)
        for name, rows in _by_source(sources, len(given)):
            times[rows], clocks[rows], shifts[rows], numbers[rows] = self._of_source(name, given[rows], known[rows])
        return Moments(times, clocks, shifts, numbers)

    def _of_source(self, name: str | None, given: Ints, known: npt.NDArray[np.bool_]) -> Moments:
        time, clock = self._last.get(name, (UNKNOWN_TIME, UNKNOWN_TIME))
        last_known = np.maximum.accumulate(np.where(known, np.arange(len(given)), -1))
        times = np.where(last_known >= 0, given[np.maximum(last_known, 0)], time)
        before = np.concatenate([[time], times[:-1]])
        believed = np.where(before == UNKNOWN_TIME, before, np.minimum(times, before + _STEP))
        clocks = np.maximum(np.maximum.accumulate(believed), clock)
        self._last[name] = int(times[-1]), int(clocks[-1])
        steps = self._steps.setdefault(name, np.array([UNKNOWN_TIME, 0, 0, 0, 0, 0], np.int64))
        shifts = np.empty(len(times), np.int64)
        _shifts(times, steps, shifts)
        number = self._numbers.setdefault(name, len(self._numbers))
        return Moments(times, clocks, shifts, np.full(len(times), number, np.int32))

    def table(self) -> pa.Table:
        """The state, one row a source."""
        rows = [(name, *last, *self._steps[name].tolist()) for name, last in self._last.items()]
        columns: list[Any] = list(zip(*rows, strict=True)) or [[] for _ in _STATE]
        return pa.table([pa.array(c, f.type) for c, f in zip(columns, _STATE, strict=True)], schema=_STATE)

    @classmethod
    def restore(cls, table: pa.Table) -> EventClock:
        """The clock that `table` came from. Raises `StateError` for another kind of table."""
        if not table.schema.equals(_STATE):
            raise StateError("The state of the event clock has other columns; start without --state.")
        clock = cls()
        for row in table.to_pylist():
            clock._last[row["source"]] = row["time"], row["clock"]
            clock._numbers[row["source"]] = len(clock._numbers)
            clock._steps[row["source"]] = np.array([row[name] for name in _STEPS], np.int64)
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
