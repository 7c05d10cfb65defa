"""Merging: the records of all senders in one order, that of their clocks, within a bounded wait.

Senders deliver late, each by its own delay. A record is handed on at the first tick at which every sender that is still
active has come as far as it (one whose first record is not whole yet has not), or once it has waited for ``lateness``.
Records of one sender keep their order.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import numpy as np
import polars as pl
import pyarrow as pa

from logradar.parsing.event_clock import UNKNOWN_TIME, EventClock
from logradar.serving.intake.rows import ROWS

_CLOCK: Final = "clock"
_FIRST, _LAST = np.iinfo(np.int64).min, np.iinfo(np.int64).max


class Merging:
    """Merges rows of senders; ``lateness`` is a number of ticks."""

    def __init__(self, lateness: int) -> None:
        self._lateness = lateness
        self._clock = EventClock()
        self._held = pl.DataFrame(schema={**ROWS, _CLOCK: pl.Int64()})
        self._senders: dict[str, tuple[int, int]] = {}  # clock and tick of the last record

    def push(self, rows: pl.DataFrame, now: int, arrived: Iterable[str] = ()) -> pl.DataFrame:
        """Rows that are due at the tick ``now``; ``rows`` became whole since the tick before.

        ``arrived`` are the senders that delivered something since then, whether or not it is whole already.
        """
        for name in arrived:
            self._senders[name] = self._senders.get(name, (_FIRST, now))[0], now
        if len(rows):
            moments = self._clock.read(rows["stream"].to_arrow().cast(pa.string()), _times(rows))
            clocks = np.where(moments.clocks == UNKNOWN_TIME, moments.times, moments.clocks)  # of the first record
            timed = rows.with_columns(pl.Series(_CLOCK, clocks), pl.lit(now, pl.Int64).alias("tick"))
            held = pl.concat([self._held, timed])
            self._held = held.with_columns(pl.col(_CLOCK).cum_max().over("stream"))  # a sender keeps its order
            for name, clock in timed.group_by("stream").agg(pl.col(_CLOCK).max()).rows():
                known = self._senders.get(name, (_FIRST, now))
                self._senders[name] = max(known[0], clock), known[1]
        self._senders = {name: one for name, one in self._senders.items() if now - one[1] <= self._lateness}
        mark = min((clock for clock, _ in self._senders.values()), default=_LAST)
        waited = self._held.filter(pl.lit(now) - pl.col("tick") >= self._lateness)
        if len(waited):  # it goes on, and what is earlier with it
            mark = max(mark, *waited[_CLOCK].to_list())
        is_due = (pl.col(_CLOCK) <= mark) & pl.lit(mark != _FIRST)
        due = self._held.filter(is_due)
        if len(due):
            self._held = self._held.filter(~is_due)
        return due.sort(_CLOCK, "seq").drop(_CLOCK)

    def close(self) -> pl.DataFrame:
        """All rows that are held."""
        rest = self._held.sort(_CLOCK, "seq").drop(_CLOCK)
        self._held = self._held.clear()
        return rest

    def state(self) -> tuple[dict[str, Any], dict[str, pa.Table]]:
        """The state: JSON values, and tables by name."""
        return {"senders": [[name, *one] for name, one in self._senders.items()]}, {
            "merging_held": self._held.to_arrow(),
            "merging_clock": self._clock.table(),
        }

    def restore(self, values: dict[str, Any], tables: dict[str, pa.Table]) -> None:
        """Take over what `state` gave."""
        self._senders = {name: (int(clock), int(tick)) for name, clock, tick in values["senders"]}
        held = pl.DataFrame(tables["merging_held"])
        self._held = held.cast(dict(ROWS.items())).select(*ROWS, _CLOCK)
        self._clock = EventClock.restore(tables["merging_clock"])


def _times(rows: pl.DataFrame) -> pa.Array:
    return rows["timestamp"].to_arrow().cast(pa.timestamp("us", tz="UTC"))
