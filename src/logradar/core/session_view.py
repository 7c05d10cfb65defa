"""What a detector reads of some sessions: their template ids, and where it asks for them gaps and parameters."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from logradar.core.errors import TableError
from logradar.core.sequences import Sequences
from logradar.core.session_set import SessionSet
from logradar.core.tables import SESSIONS

TEMPLATE_IDS: Final = frozenset({"template_ids"})
INPUTS: Final = TEMPLATE_IDS | {"gaps", "parameters", "texts"}


@dataclass(frozen=True, eq=False)
class SessionView:
    """Sequences of template ids, with ``gaps`` (seconds) and ``parameters`` of every event where ``inputs`` has them.

    A view of template ids alone may be reduced to distinct sequences; in all others each row stands for itself, as
    equal sequences may differ in the rest. ``gaps`` has one entry per event, or none where they were not asked for.
    ``parameters`` is a ``list<string>`` array with one entry per event, null for an event without any, or None where
    they were not asked for or no session has any. ``texts`` is a ``string`` array with the masked text of each event
    whose template is not known, null for all others, or None as above.
    """

    sequences: Sequences
    inputs: frozenset[str] = TEMPLATE_IDS
    gaps: npt.NDArray[np.float32] = field(default_factory=lambda: np.empty(0, np.float32))
    parameters: pa.ListArray | None = None
    texts: pa.StringArray | None = None

    @classmethod
    def of_table(cls, sessions: pa.Table, inputs: frozenset[str]) -> SessionView:
        """The ``inputs`` of SESSIONS, each row for itself.

        Raises `TableError` where a column is missing, or its lists have other lengths than ``template_ids``.
        """
        if missing := sorted(inputs - set(sessions.column_names) - {"texts"}):  # event ids alone have no texts
            raise TableError(
                f"SESSIONS have no column '{missing[0]}', which the detector reads; choose another detector."
            )
        ids = Sequences.from_arrow(sessions["template_ids"])
        gaps = _gaps(sessions, ids) if "gaps" in inputs else np.empty(0, np.float32)
        parameters = _lists(sessions, "parameters", ids) if "parameters" in inputs else None
        texts = _lists(sessions, "texts", ids) if "texts" in inputs and "texts" in sessions.column_names else None
        return cls(ids, inputs, gaps, cast(pa.ListArray, parameters), cast(pa.StringArray, texts))

    @classmethod
    def chunks(cls, sessions: SessionSet, inputs: frozenset[str]) -> Iterator[SessionView]:
        """The ``inputs`` of SESSIONS in order, some thousand rows at a time."""
        for table in sessions.tables(_columns(inputs)):
            yield cls.of_table(table, inputs)

    @classmethod
    def whole(cls, sessions: SessionSet, inputs: frozenset[str]) -> SessionView:
        """The ``inputs`` of all SESSIONS at once, in memory."""
        if inputs == TEMPLATE_IDS:
            return cls(sessions.loaded())
        columns = _columns(inputs)
        empty = pa.schema([SESSIONS.field(name) for name in columns]).empty_table()
        return cls.of_table(pa.concat_tables([empty, *sessions.tables(columns)]), inputs)

    def __len__(self) -> int:
        return len(self.sequences)

    def narrowed(self, inputs: frozenset[str]) -> SessionView:
        """The view of a detector that reads ``inputs`` only: distinct sequences where these are all that it reads."""
        if inputs != TEMPLATE_IDS:
            return self
        return SessionView(self.sequences.distinct())

    def part(self, start: int, stop: int) -> SessionView:
        """Rows ``start`` to ``stop``."""
        first, last = int(self.sequences.offsets[start]), int(self.sequences.offsets[stop])
        parameters = None if self.parameters is None else self.parameters.slice(first, last - first)
        texts = None if self.texts is None else self.texts.slice(first, last - first)
        return SessionView(self.sequences.part(start, stop), self.inputs, self.gaps[first:last], parameters, texts)

    def parts(self, size: int) -> Iterator[tuple[slice, SessionView]]:
        """Runs of whole rows with about ``size`` events each (one row at least), with the slice that they are."""
        for rows, _ in self.sequences.parts(size):
            yield rows, self.part(rows.start, rows.stop)


def _columns(inputs: frozenset[str]) -> list[str]:
    return [name for name in SESSIONS.names if name in inputs]


def _gaps(sessions: pa.Table, ids: Sequences) -> npt.NDArray[np.float32]:
    gaps = sessions["gaps"].combine_chunks()
    if not np.array_equal(pc.list_value_length(gaps).to_numpy(), ids.lengths):
        raise TableError("In SESSIONS 'gaps' and 'template_ids' differ in length; give one gap for each event.")
    seconds: npt.NDArray[np.float32] = gaps.flatten().to_numpy(zero_copy_only=False)
    return seconds


def _lists(sessions: pa.Table, name: str, ids: Sequences) -> pa.Array | None:
    """The entries of a column of lists, one for each event; None where no session has any."""
    column = sessions[name].combine_chunks()
    if column.null_count == len(column):
        return None
    lengths = pc.list_value_length(column).fill_null(0).to_numpy()
    there = column.is_valid().to_numpy(zero_copy_only=False)
    if not np.array_equal(lengths[there], ids.lengths[there]):
        raise TableError(f"In SESSIONS '{name}' and 'template_ids' differ in length; give one entry for each event.")
    flat = column.flatten()
    if not there.all():
        inside = np.repeat(there, ids.lengths)
        place = np.cumsum(inside) - 1
        flat = flat.take(pa.array(np.maximum(place, 0), mask=~inside))
    return flat
