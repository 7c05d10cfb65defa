"""Reads named data sets whole, for the tests of their sources."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pyarrow as pa

from logradar.core.quarantine import Quarantine
from logradar.core.tables import LOG_RECORDS, check
from logradar.sources.base import Hints, SessionSource
from logradar.sources.opening.opening import InputSettings, Opened, open_input
from logradar.sources.radar.dated import DATED_SESSIONS


def sessions_of(
    kind: type[SessionSource], *files: Path, quarantine: Quarantine | None = None, **hints: object
) -> pl.DataFrame:
    """The sessions of files as one frame; every table is checked."""
    found = kind().sessions(files, Hints(**hints), quarantine or Quarantine())
    tables = [check(table, DATED_SESSIONS) for table in found]
    return frame_of(tables or [DATED_SESSIONS.empty_table()])


def whole(name: str, data_dir: Path, **settings: object) -> tuple[Opened, pl.DataFrame]:
    """A named data set: what was found out about it, and its sessions, or its lines where it has these."""
    opened = open_input(name, InputSettings(data_dir=data_dir, **settings))
    tables = []
    for unit in opened.units():
        if opened.has_sessions:
            tables += list(opened.sessions(unit, opened.quarantine, lambda count: None))
        else:
            tables += [check(t, LOG_RECORDS) for t in opened.records(unit, 0, opened.quarantine, lambda count: None)]
    return opened, frame_of(tables)


def frame_of(tables: list[pa.Table]) -> pl.DataFrame:
    frame = pl.from_arrow(pa.concat_tables(tables).unify_dictionaries())
    assert isinstance(frame, pl.DataFrame)
    return frame.with_columns(pl.col("source", "service").cast(pl.String))
