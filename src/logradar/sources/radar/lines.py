"""Describes the event ids of day files: the frequency and some lines of each."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from logradar.sources.radar.vocabulary import VOCABULARY

KEPT: Final = 6  # lines stored for each event id
LONGEST: Final = 500  # characters stored of a line


class EventLines:
    """Counts the event ids of DAY_SESSIONS (or DATED_SESSIONS) and stores some lines of each.

    The lines are spread over the first table that has the event: the first ones of all are often alike (a night of
    heartbeats), and what they have in common would not hold for the others.
    """

    def __init__(self) -> None:
        self.counts: Counter[int] = Counter()
        self.lines: dict[int, list[str]] = {}
        self.beyond = 0  # events with ids that are not counted, because there are more than `VOCABULARY` ids
        self._full = np.empty(0, np.int32)  # ids that need no more lines

    def add(self, table: pa.Table) -> None:
        """Add the next sessions; the column ``original_logs`` may be missing."""
        table = table.combine_chunks()
        if not table.num_rows:
            return
        events: Any = table["event_sequence"].chunk(0)
        ends = events.offsets.to_numpy().astype(np.int64)
        ids = events.values.to_numpy()
        if "original_logs" in table.column_names:
            self._keep(ids, ends, table["original_logs"].chunk(0))
        events_here, counts = _counted(ids[ends[0] : ends[-1]])
        for event, count in zip(events_here.tolist(), counts.tolist(), strict=True):
            self._count(event, count)

    def merge(self, other: EventLines) -> None:
        """Add the counts and lines of later sessions."""
        self.beyond += other.beyond
        for event, count in other.counts.items():
            self._count(event, count)
        for event, lines in other.lines.items():
            if event in self.counts:
                own = self.lines.setdefault(event, [])
                own += lines[: KEPT - len(own)]

    def _count(self, event: int, count: int) -> None:
        if event in self.counts or len(self.counts) < VOCABULARY:
            self.counts[event] += count
        else:
            self.beyond += count

    def sentence(self) -> str:
        """A sentence about the ids that were not counted; empty if all were."""
        if not self.beyond:
            return ""
        return (
            f"There are more than {VOCABULARY:,} event ids: {self.beyond:,} events with other ids have no template. "
            "So many ids are probably not kinds of events."
        )

    def save(self, path: Path) -> None:
        """Write counts and lines as Parquet."""
        events = sorted(self.counts)
        table = {
            "event": pa.array(events, pa.int64()),
            "count": pa.array([self.counts[event] for event in events], pa.int64()),
            "lines": pa.array([self.lines.get(event, []) for event in events], pa.list_(pa.string())),
        }
        whole = pa.table(table).replace_schema_metadata({"beyond": str(self.beyond)})
        pq.write_table(whole, path)

    @classmethod
    def load(cls, path: Path) -> EventLines:
        """Load what `save` wrote."""
        loaded = cls()
        table = pq.read_table(path)
        loaded.beyond = int((table.schema.metadata or {}).get(b"beyond", 0))
        for row in table.to_pylist():
            loaded.counts[row["event"]] = row["count"]
            loaded.lines[row["event"]] = row["lines"]
        return loaded

    def _keep(self, ids: np.ndarray, ends: np.ndarray, logs: Any) -> None:
        log_ends = logs.offsets.to_numpy().astype(np.int64)
        counts = np.diff(ends)
        whole = np.flatnonzero((np.diff(log_ends) == counts) & (counts > 0))
        row = np.repeat(whole, counts[whole])
        step = np.arange(len(row)) - np.repeat(np.cumsum(counts[whole]) - counts[whole], counts[whole])
        here = ids[ends[:-1][row] + step]
        wanted = np.flatnonzero(~np.isin(here, self._full))
        order = wanted[np.argsort(here[wanted], kind="stable")]
        sorted_ids = here[order]
        starts = np.flatnonzero(np.diff(sorted_ids, prepend=sorted_ids[0] - 1 if len(sorted_ids) else 0))
        sizes = np.diff(np.append(starts, len(order)))
        rank, size = np.arange(len(order)) - np.repeat(starts, sizes), np.repeat(sizes, sizes)
        spread = order[rank * KEPT // size != (rank - 1) * KEPT // size]
        texts = logs.values.take(pa.array(log_ends[:-1][row[spread]] + step[spread])).to_pylist()
        for event, text in zip(here[spread].tolist(), texts, strict=True):
            kept = self.lines.get(event)
            if kept is None and len(self.lines) < VOCABULARY:
                kept = self.lines[event] = []
            if kept is not None and len(kept) < KEPT:
                kept.append(text[:LONGEST])
        self._full = np.array([event for event, kept in self.lines.items() if len(kept) >= KEPT], np.int32)


def _counted(ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The distinct ids in ascending order, and their frequencies."""
    low, high = (int(ids.min()), int(ids.max())) if len(ids) else (0, 0)
    if low >= 0 and high < 1 << 20:
        counts = np.bincount(ids)
        distinct = np.flatnonzero(counts)
        return distinct, counts[distinct]
    return np.unique(ids, return_counts=True)
