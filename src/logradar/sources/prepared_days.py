"""A folder that `logradar prepare` wrote from day files: sessions that were read before."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from logradar.core.errors import InputError, TableError
from logradar.core.quarantine import Quarantine
from logradar.core.tables import conform
from logradar.sources.base import Hints, SessionSource
from logradar.sources.radar.dated import DATED_SESSIONS, runs
from logradar.sources.radar_json import DayRecords


class PreparedDays(SessionSource):
    """``days/*.parquet`` of a prepared folder; sources, keys, times and labels are as they were."""

    @classmethod
    def recognises(cls, path: Path, head: Sequence[str]) -> float:
        """Sure for Parquet files that have the columns of DATED_SESSIONS."""
        if path.suffix != ".parquet":
            return 0.0
        try:
            return 1.0 if set(pq.read_schema(path).names) == set(DATED_SESSIONS.names) else 0.0
        except (pa.ArrowInvalid, OSError):
            return 0.0

    def read(self, files: Sequence[Path], hints: Hints, quarantine: Quarantine) -> Iterator[pa.Table]:
        """LOG_RECORDS of their lines, as the day files themselves give them."""
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
        """DATED_SESSIONS, a row group at a time."""
        for file in files:
            try:
                with pq.ParquetFile(file) as parquet:
                    for group in range(parquet.num_row_groups):
                        yield conform(parquet.read_row_group(group), DATED_SESSIONS)
            except (pa.ArrowInvalid, TableError, OSError) as error:
                why = str(error).partition("\n")[0]
                raise InputError(f"'{file}' is damaged ({why}); prepare the input again.") from None
            hints.advance(file.stat().st_size)
