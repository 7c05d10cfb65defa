"""Merging: the records of all senders in one order, that of their times, within a bounded wait.

Senders deliver late, each by its own delay. A record is handed on at the first tick at which every sender that is still
active has come as far as it (one whose first record is not whole yet has not), or once it has waited for ``lateness``.
Records of one sender keep their order: while one waits, those behind it wait too, whatever their times. So a wrong date
costs its sender one wait, and a sender that was silent for long is at once where its time is.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import numpy as np
import polars as pl
import pyarrow as pa

from logradar.serving.intake.rows import ROWS

_FROM: Final = "from"  # the time by which a record is in order: its own, or that of one before it which waits
_FIRST, _LAST = np.iinfo(np.int64).min, np.iinfo(np.int64).max


class Merging:
    """Merges rows of senders; ``lateness`` is a number of ticks."""

    def __init__(self, lateness: int) -> None:
        self._lateness = lateness
        self._held = pl.DataFrame(schema={**ROWS, _FROM: pl.Int64()})
        self._senders: dict[
            str, tuple[int, int]
        ] = {}  # time of the last record that is whole, tick of the last arrival

    def push(self, rows: pl.DataFrame, now: int, arrived: Iterable[str] = ()) -> pl.DataFrame:
        """Rows that are due at the tick ``now``; ``rows`` became whole since the tick before.

        ``arrived`` are the senders that delivered something since then, whether or not it is whole already.
        """
        for name in arrived:
            self._senders[name] = self._senders.get(name, (_FIRST, now))[0], now
        if len(rows):
            self._hold(rows, now)
        self._senders = {name: one for name, one in self._senders.items() if now - one[1] <= self._lateness}
        mark = min((time for time, _ in self._senders.values()), default=_LAST)
        waited = self._held.filter(pl.lit(now) - pl.col("tick") >= self._lateness)
        if len(waited):  # it goes on, and what is earlier with it
            mark = max(mark, *waited[_FROM].to_list())
        is_due = (pl.col(_FROM) <= mark) & pl.lit(mark != _FIRST)
        due = self._held.filter(is_due)
        if len(due):
            self._held = self._held.filter(~is_due)
        return due.sort(_FROM, "seq").drop(_FROM)

    def close(self) -> pl.DataFrame:
        """All rows that are held."""
        rest = self._held.sort(_FROM, "seq").drop(_FROM)
        self._held = self._held.clear()
        return rest

    def _hold(self, rows: pl.DataFrame, now: int) -> None:
        """Take in rows; one without a time has that of the one before it in its sender, or else that of its arrival."""
        time = pl.col("timestamp").dt.epoch("us").forward_fill().over("stream")
        timed = rows.with_columns(pl.coalesce(time, "arrived").alias(_FROM), tick=pl.lit(now, pl.Int64))
        for name, last in timed.group_by("stream").agg(pl.col(_FROM).last()).rows():
            self._senders[name] = last, self._senders.get(name, (_FIRST, now))[1]
        held = pl.concat([self._held, timed])
        self._held = held.with_columns(pl.col(_FROM).cum_max().over("stream"))

    def state(self) -> tuple[dict[str, Any], dict[str, pa.Table]]:
        """The state: JSON values, and tables by name."""
        values = {"senders": [[name, *one] for name, one in self._senders.items()]}
        return values, {"merging_held": self._held.to_arrow()}

    def restore(self, values: dict[str, Any], tables: dict[str, pa.Table]) -> None:
        """Take over what `state` gave."""
        self._senders = {name: (int(time), int(tick)) for name, time, tick in values["senders"]}
        held = pl.DataFrame(tables["merging_held"])
        self._held = held.cast(dict(ROWS.items())).select(*ROWS, _FROM)
