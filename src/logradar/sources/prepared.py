"""Records in a folder that `logradar prepare` wrote."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa

from logradar.core.quarantine import Quarantine
from logradar.core.tables import LOG_RECORDS, conform
from logradar.sources.base import Hints, Source
from logradar.sources.decoding.parquet import has_columns, open_parquet
from logradar.sources.opening.session_keys import extract


class Prepared(Source):
    """``records/*.parquet`` of a prepared folder; sources, lines, keys and labels are those of the original logs."""

    @classmethod
    def recognises(cls, path: Path, head: Sequence[str]) -> float:
        """1 for Parquet files with the columns of LOG_RECORDS."""
        return float(has_columns(path, LOG_RECORDS))

    def read(self, files: Sequence[Path], hints: Hints, quarantine: Quarantine) -> Iterator[pa.Table]:
        """LOG_RECORDS, numbered from 0; another session key than the stored one is extracted from the bodies."""
        record_id = 0
        for file in files:
            with open_parquet(file) as parquet:
                for batch in parquet.iter_batches(hints.limits.rows):
                    table = conform(pa.Table.from_batches([batch]), LOG_RECORDS)
                    yield _numbered(table, record_id, hints.session_key)
                    record_id += table.num_rows
            hints.on_progress(file.stat().st_size)


def _numbered(table: pa.Table, record_id: int, session_key: str | None) -> pa.Table:
    ids = pa.array(np.arange(record_id, record_id + table.num_rows))
    table = table.set_column(0, LOG_RECORDS.field("record_id"), ids)
    if session_key:
        body = pl.from_arrow(table.column("body"))
        assert isinstance(body, pl.Series)
        index = table.schema.get_field_index("session_key")
        keys = extract(body, body, session_key).to_arrow().cast(pa.string())
        table = table.set_column(index, LOG_RECORDS.field("session_key"), keys)
    return table
