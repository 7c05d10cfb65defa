"""Counts of records: how many have each column, and how many by service, level, file and day, in one pass."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable
from datetime import datetime
from typing import Any, Final

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from logradar.core.tables import NO_SERVICE
from logradar.pipeline.inventory.calendar import LISTED

_FILLED: Final = ("timestamp", "level", "service", "component", "session_key")
_COUNTED: Final = ("service", "level", "source")
COLUMNS: Final = (*_FILLED, "source")


class RecordCounts:
    """Counts of RECORDS that come a piece at a time; what is kept is small, however many records come."""

    def __init__(self) -> None:
        self.records = 0
        self.days: Counter[str] = Counter()
        self._filled: Counter[str] = Counter()
        self._by: dict[str, Counter[Hashable]] = {name: Counter() for name in _COUNTED}
        self._first: datetime | None = None
        self._last: datetime | None = None

    def add(self, records: pa.Table) -> None:
        """Count some RECORDS, of the columns `COLUMNS`."""
        self.records += len(records)
        self._filled.update({name: len(records) - records[name].null_count for name in _FILLED})
        for name, counts in self._by.items():
            counts.update(counted(records[name]))
        times = records["timestamp"]
        days = counted(times.cast(pa.date32(), safe=False))
        self.days.update({f"{day}": count for day, count in days.items() if day is not None})
        first, last = pc.min(times).as_py(), pc.max(times).as_py()
        self._first = min((moment for moment in (self._first, first) if moment), default=None)
        self._last = max((moment for moment in (self._last, last) if moment), default=None)

    def by_service(self) -> dict[str, int]:
        """Records of every service."""
        return {NO_SERVICE if name is None else str(name): count for name, count in self._by["service"].items()}

    def report(self) -> dict[str, Any]:
        """Shares of records that have each column, first and last time, and counts by service, level and file."""
        return {
            "filled": {name: round(self._filled[name] / max(self.records, 1), 4) for name in _FILLED},
            "from": self._first.isoformat() if self._first else None,
            "until": self._last.isoformat() if self._last else None,
            "services": self._most("service"),
            "levels": self._most("level"),
            "files": self._most("source"),
            "file_count": len(self._by["source"]),
        }

    def _most(self, name: str) -> dict[str, int]:
        counts = [("none" if value is None else str(value), count) for value, count in self._by[name].items()]
        return dict(sorted(counts, key=lambda item: (-item[1], item[0]))[:LISTED])


def counted(values: pa.ChunkedArray) -> dict[Hashable, int]:
    """How often each value is there, null too."""
    series = pl.from_arrow(values)
    assert isinstance(series, pl.Series)
    return dict(pl.DataFrame({"value": series}).group_by("value").len().rows())
