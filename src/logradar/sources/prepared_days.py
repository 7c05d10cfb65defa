"""Sessions in a folder that `logradar prepare` wrote from day files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa

from logradar.core.quarantine import Quarantine
from logradar.core.tables import conform
from logradar.sources.base import Hints, SessionSource
from logradar.sources.decoding.parquet import has_columns, open_parquet
from logradar.sources.radar.dated import DATED_SESSIONS, runs
from logradar.sources.radar_json import DayRecords


class PreparedDays(SessionSource):
    """``days/*.parquet`` of a prepared folder; sources, keys, times and labels are those of the original files."""

    @classmethod
    def recognises(cls, path: Path, head: Sequence[str]) -> float:
        """1 for Parquet files with the columns of DATED_SESSIONS."""
        return float(has_columns(path, DATED_SESSIONS))

    def read(self, files: Sequence[Path], hints: Hints, quarantine: Quarantine) -> Iterator[pa.Table]:
        """LOG_RECORDS of the lines, equal to those of the original day files."""
        record_id = 0
        records: DayRecords | None = None
        for table in self.sessions(files, hints, quarantine):
            for part in runs(table, "source"):
                name, day = part["source"][0].as_py(), part["session_key"][0].as_py().rpartition("/")[0]
                if records is None or records.name != name:
                    records = DayRecords(name, day, hints.session_key)
                whole = records.of(part, record_id)
                record_id += whole.num_rows
                for start in range(0, whole.num_rows, hints.limits.rows):
                    yield whole.slice(start, hints.limits.rows)

    def sessions(self, files: Sequence[Path], hints: Hints, quarantine: Quarantine) -> Iterator[pa.Table]:
        """DATED_SESSIONS, one table for each row group."""
        for file in files:
            with open_parquet(file) as parquet:
                for group in range(parquet.num_row_groups):
                    yield conform(parquet.read_row_group(group), DATED_SESSIONS)
            hints.on_progress(file.stat().st_size)
