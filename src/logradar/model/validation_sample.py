"""Validation sample: some validation sessions that a bundle keeps, to measure a change of a network on."""

from __future__ import annotations

from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from logradar.core.session_set import SessionSet
from logradar.core.tables import SESSIONS, conform

SAMPLE: Final = 1000  # sessions that are kept


def sample(valid: SessionSet) -> pa.Table:
    """Some validation SESSIONS, evenly spread, with their events alone: networks read nothing else."""
    return of_sample(pa.concat_tables(valid.thinned(SAMPLE).tables(["template_ids"])))


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
