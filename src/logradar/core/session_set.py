"""SESSIONS in memory or on disk, read in the same way: a table in memory is one shard."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np
import pyarrow as pa

from logradar.core.sequences import Sequences
from logradar.core.shards import BATCH
from logradar.core.tables import SESSIONS, check


class SessionSet(Protocol):
    """SESSIONS in a fixed order; `SessionTable` holds them in memory, `logradar.core.shards.Shards` on disk."""

    @property
    def in_memory(self) -> bool:
        """Whether all sessions are in memory already, so that `loaded` costs nothing."""

    def __len__(self) -> int: ...

    def tables(self, columns: list[str] | None = None) -> Iterator[pa.Table]:
        """SESSIONS (or the named columns of it) in order, some thousand rows at a time."""

    def sequences(self) -> Iterator[Sequences]:
        """The template ids of all sessions in order, a piece at a time."""

    def loaded(self) -> Sequences:
        """The template ids of all sessions in order, in memory."""

    def thinned(self, count: int) -> SessionSet:
        """At most ``count`` of the sessions, evenly spaced: every k-th."""


@dataclass(frozen=True, eq=False)
class SessionTable:
    """SESSIONS in memory. Raises `logradar.core.errors.TableError` for a table of another schema.

    >>> len(SessionTable(SESSIONS.empty_table()))
    0
    """

    table: pa.Table
    in_memory: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check(self.table, SESSIONS)

    def __len__(self) -> int:
        return len(self.table)

    def tables(self, columns: list[str] | None = None) -> Iterator[pa.Table]:
        """SESSIONS (or the named columns) in order, some thousand rows at a time; nothing is copied."""
        table = self.table if columns is None else self.table.select(columns)
        for start in range(0, table.num_rows, BATCH):
            yield table.slice(start, BATCH)

    def sequences(self) -> Iterator[Sequences]:
        """As `SessionSet.sequences`: all of them in one piece."""
        yield self.loaded()

    def loaded(self) -> Sequences:
        """As `SessionSet.loaded`; nothing is copied."""
        return Sequences.from_arrow(self.table["template_ids"])

    def thinned(self, count: int) -> SessionTable:
        """Every k-th session, so that ``count`` of them remain at most."""
        step = max(-(-len(self.table) // max(count, 1)), 1)
        return SessionTable(self.table.take(np.arange(0, len(self.table), step)))
