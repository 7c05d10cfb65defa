"""How rare it is among normal sessions that a template occurs as often as it does in a session."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from logradar.core.columns import HIGHEST_ID, MOST, Columns
from logradar.core.kernels import kernel, lower_bound, read_only
from logradar.core.sequences import Sequences

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Rarity:
    """Of ``total`` sessions, how many (``sessions``) hold a template a certain number of times (``cells``).

    A cell is ``template << 32 | times``, times at least 1; cells ascend. That a session does not hold
    a template at all follows from the total.
    """

    cells: Ints
    sessions: Ints
    total: int

    @classmethod
    def none(cls) -> Rarity:
        """The state before anything was learnt."""
        return cls(np.empty(0, np.int64), np.empty(0, np.int64), 0)

    def and_of(self, rows: Sequences) -> Rarity:
        """Sorted ``rows`` learnt in addition; each counts for as many sessions as its count says."""
        cells, row = _cells(rows)
        every = np.concatenate([self.cells, cells])
        merged, place = np.unique(every, return_inverse=True)
        sessions = np.zeros(len(merged), np.int64)
        np.add.at(sessions, place, np.concatenate([self.sessions, rows.counts[row]]))
        return Rarity(merged, sessions, self.total + int(rows.counts.sum()))

    def of(self, rows: Sequences) -> Floats:
        """For each sorted row the surprise of its rarest count: -log10 of a tail of that template, above 0.

        The tail is the share of sessions that have the template at least as often, or at most as often,
        whichever is smaller; a missing template counts as 0 times. For counts above all that were seen it
        is 1 in (sessions + 2), divided by the ratio to the highest count (Pareto): twice the highest is half as likely.
        """
        cells, row = _cells(rows)
        above, ends = self._above, self._ends[np.searchsorted(self.templates, cells >> 32)]
        start, stop = (np.searchsorted(self.cells, cells, side) for side in ("left", "right"))
        known = np.isin(cells >> 32, self.templates)
        at_least = np.where(known, above[start] - above[ends], 0)
        more = np.where(known, above[stop] - above[ends], 0)
        most = np.ones(len(cells), np.int64)  # highest count of a template; of a new one: 1
        most[known] = self.cells[ends[known] - 1] & 0xFFFFFFFF
        tail = (np.minimum(at_least, self.total - more) + 1) / np.maximum((cells & 0xFFFFFFFF) / most, 1.0)
        lacks = np.zeros(len(rows), np.int64)
        _held(read_only(rows.values), rows.offsets, *self._frequent, lacks)
        least = self.total - lacks + 1.0
        np.minimum.at(least, row, tail)
        surprise: Floats = -np.log10(least / (self.total + 2))
        return surprise

    @cached_property
    def _above(self) -> Ints:
        """For each cell, and after the last, the sessions of it and of all cells after it."""
        return np.append(np.cumsum(self.sessions[::-1])[::-1], 0)

    @cached_property
    def templates(self) -> Ints:
        """All templates that occur, in ascending order."""
        return np.unique(self.cells >> 32)

    @cached_property
    def _ends(self) -> Ints:
        """For each template the first cell after its own; one more, for the end of all."""
        last = self.templates << 32 | 0xFFFFFFFF
        return np.append(np.searchsorted(self.cells, last, "right"), len(self.cells))

    @cached_property
    def held(self) -> Ints:
        """How many sessions hold each of ``templates``."""
        bounds = np.concatenate([[0], self._ends[:-1]])
        held: Ints = self._above[bounds[:-1]] - self._above[bounds[1:]]
        return held

    @cached_property
    def _frequent(self) -> tuple[Ints, Ints]:
        """Templates that sessions hold, the most frequent first, and how many hold each."""
        order = np.argsort(-self.held, kind="stable")
        return self.templates[order], self.held[order]

    def save(self, file: Path) -> None:
        """Write all cells as Parquet."""
        table = pa.table({"cell": self.cells, "sessions": self.sessions})
        pq.write_table(table.replace_schema_metadata({"total": str(self.total)}), file, compression="zstd")

    @classmethod
    def load(cls, file: Path) -> Rarity:
        """What `save` wrote; `ValueError` where it cannot be counts of sessions."""
        saved = Columns(file).only("cell", "sessions")
        total = int(saved.metadata.get("total", "0")[:20])
        if not 1 <= total <= MOST:
            raise ValueError(f"{file.name} counts {total} sessions")
        cells = saved.numbers("cell", np.int64, (1, HIGHEST_ID << 32 | 0xFFFFFFFF), "strictly")
        if not (cells & 0xFFFFFFFF).all():
            raise ValueError(f"{file.name} has a cell of a template that occurs 0 times")
        rarity = cls(cells, saved.numbers("sessions", np.int64, (1, total)), total)
        begin = np.append(0, rarity._ends[:-1])[:-1]
        if len(begin) and np.add.reduceat(rarity.sessions, begin).max() > total:
            raise ValueError(f"{file.name} has a template in more than all {total:,} sessions")
        return rarity


def _cells(rows: Sequences) -> tuple[Ints, Ints]:
    """The cells of sorted rows, and the row of each."""
    values, row = rows.values.astype(np.int64), rows.rows
    first = np.ones(len(values), bool)
    first[1:] = (values[1:] != values[:-1]) | (row[1:] != row[:-1])
    begin = np.flatnonzero(first)
    times = np.diff(np.append(begin, len(values)))
    return values[begin] << 32 | times, row[begin]


@kernel
def _held(values, offsets, templates, held, lacking):  # type: ignore[no-untyped-def]
    """For each sorted row how many sessions hold the most frequent template that it lacks; 0 where it lacks none."""
    for row in range(len(lacking)):
        inside = values[offsets[row] : offsets[row + 1]]
        for i in range(len(templates)):
            place = lower_bound(inside, templates[i])
            if place == len(inside) or inside[place] != templates[i]:
                lacking[row] = held[i]
                break
