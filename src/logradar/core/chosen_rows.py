"""Chosen rows: those SESSIONS of a set that a mask names, read in the same way, a piece at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from logradar.core.sequences import Sequences
from logradar.core.session_set import SessionSet


@dataclass(frozen=True, eq=False)
class ChosenRows:
    """The rows of ``sessions`` where ``chosen`` is True; a `logradar.core.session_set.SessionSet` of its own.

    >>> from logradar.core.session_set import SessionTable
    >>> from logradar.core.tables import SESSIONS
    >>> len(ChosenRows(SessionTable(SESSIONS.empty_table()), np.zeros(0, bool)))
    0
    """

    sessions: SessionSet
    chosen: npt.NDArray[np.bool_]

    @property
    def in_memory(self) -> bool:
        """Whether all sessions are in memory already."""
        return self.sessions.in_memory

    def __len__(self) -> int:
        return int(self.chosen.sum())

    def tables(self, columns: list[str] | None = None) -> Iterator[pa.Table]:
        """SESSIONS (or the named columns of it) in order, some thousand rows at a time; no table is empty."""
        done = 0
        for table in self.sessions.tables(columns):
            mask = self.chosen[done : done + len(table)]
            done += len(table)
            if mask.any():
                yield table if mask.all() else table.filter(pa.array(mask))

    def sequences(self) -> Iterator[Sequences]:
        """The template ids of all rows in order, a piece at a time."""
        for table in self.tables(["template_ids"]):
            yield Sequences.from_arrow(table["template_ids"])

    def loaded(self) -> Sequences:
        """The template ids of all rows in order, in memory."""
        return Sequences.from_lists([]).concat(*self.sequences())

    def those(self, mask: npt.NDArray[np.bool_]) -> ChosenRows:
        """Of these rows those where ``mask``, with one entry for each of them, is True."""
        chosen = self.chosen.copy()
        chosen[self.chosen] = mask
        return replace(self, chosen=chosen)

    def thinned(self, count: int) -> ChosenRows:
        """At most ``count`` of these rows, evenly spaced: every k-th."""
        mask = np.zeros(len(self), np.bool_)
        mask[:: max(-(-len(mask) // max(count, 1)), 1)] = True
        return self.those(mask)
