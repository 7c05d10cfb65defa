"""DAY_SESSIONS: the sessions of a day file as an Arrow table; of the padding only the length is stored."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from logradar.core.tables import NAME
from logradar.sources.radar.columns import Columns

DAY_SESSIONS: Final = pa.schema(
    [
        pa.field("session_id", pa.int64(), nullable=False),
        pa.field("service", NAME),
        pa.field("event_sequence", pa.list_(pa.int32()), nullable=False),
        pa.field("has_error", pa.bool_()),
        pa.field("has_warn", pa.bool_()),
        pa.field("original_logs", pa.list_(pa.large_string())),
        pa.field("offset", pa.int64(), nullable=False),  # byte of the unpacked file where the object begins
        pa.field("tokens_length", pa.int32()),  # of token_ids and attention_mask; null: the session has neither
    ]
)


def table_of(columns: Columns) -> pa.Table:
    """A copy of the rows that were read."""
    rows, lines = map(int, columns.used)
    events = int(columns.event_ends[rows])
    services = _strings(pa.string(), columns.services, columns.service_ends, rows, columns.has_service)
    texts = _strings(pa.large_string(), columns.text, columns.text_ends, lines)
    lengths = columns.token_lengths[:rows]
    arrays = [
        _integers(columns.session_ids[:rows]),
        services.dictionary_encode(),
        _lists(_integers(columns.events[:events]), columns.event_ends, rows),
        _booleans(columns.errors[:rows]),
        _booleans(columns.warns[:rows]),
        _lists(texts, columns.log_ends, rows, columns.has_logs),
        _integers(columns.offsets[:rows]),
        pa.array(lengths.copy(), mask=lengths < 0),
    ]
    return pa.Table.from_arrays(arrays, schema=DAY_SESSIONS)


def _copy(values: npt.NDArray[Any]) -> pa.Buffer:
    """A copy in the memory pool of Arrow, which reuses memory; large new numpy arrays would not."""
    buffer = pa.allocate_buffer(values.nbytes)
    np.frombuffer(buffer, values.dtype)[:] = values
    return buffer


def _integers(values: npt.NDArray[Any]) -> pa.Array:
    return pa.Array.from_buffers(pa.from_numpy_dtype(values.dtype), len(values), [None, _copy(values)])


def _valid(present: npt.NDArray[np.uint8]) -> pa.Buffer | None:
    return None if present.all() else pa.py_buffer(np.packbits(present, bitorder="little"))


def _booleans(values: npt.NDArray[np.uint8]) -> pa.Array:
    return pa.array(values == 1, mask=values == 2)


def _strings(
    kind: pa.DataType, text: Any, ends: Any, count: int, present: npt.NDArray[np.uint8] | None = None
) -> pa.Array:
    valid = None if present is None else _valid(present[:count])
    buffers = [valid, _copy(ends[: count + 1]), _copy(text[: int(ends[count])])]
    return pa.Array.from_buffers(kind, count, buffers)


def _lists(values: pa.Array, ends: Any, count: int, present: npt.NDArray[np.uint8] | None = None) -> pa.Array:
    valid = None if present is None else _valid(present[:count])
    return pa.Array.from_buffers(pa.list_(values.type), count, [valid, _copy(ends[: count + 1])], children=[values])
