"""Open events: the events of sessions that are not over yet, as columns that grow at the end."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from logradar.parsing.sessions import COLUMNS, EventColumns, Ints

_NARROW: Final = {"source": np.int32, "service": np.int32, "level": np.int8, "template_id": np.int32, "label": np.int8}
TYPES: Final[dict[str, npt.DTypeLike]] = {name: _NARROW.get(name, np.int64) for name in COLUMNS}
_LEAST: Final = 1024  # events for which there is room at least


class OpenEvents:
    """Events by their place; places stay valid until `compact`."""

    def __init__(self) -> None:
        self._count = 0
        self._room = {name: np.empty(_LEAST, TYPES[name]) for name in COLUMNS}

    def __len__(self) -> int:
        return self._count

    @property
    def columns(self) -> EventColumns:
        """All events that are held; a view, valid until the next change."""
        return EventColumns(**{name: self._room[name][: self._count] for name in COLUMNS})

    def append(self, events: EventColumns) -> int:
        """Add events at the end; the place of the first of them."""
        first, count = self._count, self._count + len(events)
        if count > len(self._room["record_id"]):
            size = max(count, 2 * len(self._room["record_id"]))
            self._room = {name: _grown(self._room[name], self._count, size) for name in COLUMNS}
        for name in COLUMNS:
            self._room[name][first:count] = getattr(events, name)
        self._count = count
        return first

    def compact(self, places: Ints) -> Ints:
        """Keep the events at ``places`` alone, in the order in which they are held; the new place of each."""
        held = np.zeros(self._count, bool)
        held[places] = True
        kept = np.flatnonzero(held)
        if len(kept) == self._count:
            return places
        columns = self.columns.take(kept)
        self._room = {name: getattr(columns, name) for name in COLUMNS}
        self._count = len(kept)
        return (np.cumsum(held) - 1)[places]

    def table(self) -> pa.Table:
        """The events as an Arrow table."""
        return pa.table({name: pa.array(self._room[name][: self._count]) for name in COLUMNS})

    @classmethod
    def restore(cls, table: pa.Table) -> OpenEvents:
        """What `table` gave."""
        found = cls()
        columns: dict[str, Any] = {name: table[name].to_numpy().copy() for name in COLUMNS}
        found.append(EventColumns(**columns))
        return found


def _grown(column: npt.NDArray[Any], count: int, size: int) -> npt.NDArray[Any]:
    room = np.empty(size, column.dtype)
    room[:count] = column[:count]
    return room
