"""SESSIONS made of plain lists of template ids."""

from __future__ import annotations

import pyarrow as pa

from logradar.core.tables import SESSIONS


def sessions(rows: list[list[int]]) -> pa.Table:
    """SESSIONS of the given sequences, one second between events."""
    return pa.Table.from_pylist(
        [
            {
                "session_id": f"s{number}",
                "record_ids": list(range(len(row))),
                "template_ids": row,
                "gaps": [float(place > 0) for place in range(len(row))],
            }
            for number, row in enumerate(rows)
        ],
        schema=SESSIONS,
    )
