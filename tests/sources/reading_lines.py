"""Reads files with the `Lines` source into one Polars frame, for the tests beside it."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pyarrow as pa

from logradar.core.quarantine import Quarantine
from logradar.core.tables import LOG_RECORDS, check
from logradar.sources.base import Hints, ReadLimits, Source
from logradar.sources.lines import Lines


def read(
    *files: Path,
    quarantine: Quarantine | None = None,
    source: type[Source] = Lines,
    limits: ReadLimits | None = None,
    **hints,
) -> pl.DataFrame:
    """All records of the files; every batch is checked against LOG_RECORDS."""
    told = Hints(limits=limits or ReadLimits(), **hints)
    batches = [check(b, LOG_RECORDS) for b in source().read(files, told, quarantine or Quarantine())]
    frame = pl.from_arrow(
        pa.concat_tables(batches or [LOG_RECORDS.empty_table()], promote_options="default").unify_dictionaries()
    )
    assert isinstance(frame, pl.DataFrame)
    return frame.with_columns(pl.col("source", "service", "component").cast(pl.String))


def write(path: Path, text: str | bytes) -> Path:
    """A file with this content."""
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path
