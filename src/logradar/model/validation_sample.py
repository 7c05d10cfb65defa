"""Validation sample: the validation sessions that a bundle keeps, to measure another network on and fit its threshold.

They are all that there are, unless they hold very many events: then the threshold of the weights of a checkpoint is the
one that a training gives which ends with these weights.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from logradar.core.session_set import SessionSet
from logradar.core.tables import SESSIONS, conform

EVENTS: Final = 1_000_000  # up to which all sessions are kept, and to which they are thinned
_LEAST: Final = 1000  # sessions that are kept in any case


def sample(valid: SessionSet) -> pa.Table:
    """Validation SESSIONS with their events alone, as networks read nothing else; evenly thinned to about `EVENTS`."""
    events = sum(len(piece.values) for piece in valid.sequences())
    count = len(valid) if events <= EVENTS else max(len(valid) * EVENTS // events, _LEAST)
    return of_sample(pa.concat_tables(valid.thinned(count).tables(["template_ids"])))


def of_sample(some: pa.Table) -> pa.Table:
    """SESSIONS of their events and gaps alone, as a bundle keeps them; an unknown gap is 0 s."""
    lengths = pc.list_value_length(some["template_ids"]).to_numpy()
    offsets = pa.array(np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32))
    values = np.arange(int(lengths.sum()))
    nothing = pa.ListArray.from_arrays(offsets, pa.array(np.zeros(len(values), np.float32)))
    named = {
        "session_id": [str(row) for row in range(len(some))],
        "record_ids": pa.ListArray.from_arrays(offsets, pa.array(values)),
        "template_ids": some["template_ids"],
        "gaps": some["gaps"] if "gaps" in some.column_names else nothing,
    }
    return conform(pa.table(named), SESSIONS)
