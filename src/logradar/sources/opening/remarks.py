"""Remarks on how an input was read: what most likely is not as its author meant it, in sentences.

Records are counted as they are read, file by file, so nothing is read twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from logradar.core.formatting import counted
from logradar.sources.decoding.timestamps import SLACK

MOSTLY: Final = 0.5  # share of the records from which on a field counts as missing
FEW: Final = 0.2  # records for each line, below which most lines were taken for parts of records
MANY: Final = 50  # lines of a file, above which that is said
NAMED: Final = 3  # files that a sentence names


@dataclass
class _Counts:
    records: int = 0
    untimed: int = 0
    unlevelled: int = 0
    lines: int = 0
    latest: datetime | None = None


class Remarks:
    """Counts what is missing in the records of each file; ``add`` takes them, ``sentences`` says what stands out."""

    def __init__(self, *, before: int = 0) -> None:
        """``before``: so many lines of a stream came in an earlier call, or were not read."""
        self._files: dict[str, _Counts] = {}
        self._before = before

    def add(self, table: pa.Table) -> None:
        """Count LOG_RECORDS of one file."""
        if not table.num_rows:
            return
        counts = self._files.setdefault(str(table["source"][0]), _Counts())
        counts.records += table.num_rows
        counts.untimed += table["timestamp"].null_count
        counts.unlevelled += table["level"].null_count
        counts.lines = max(counts.lines, table["line"][-1].as_py() + table["body"][-1].as_py().count("\n"))
        latest = pc.max(table["timestamp"]).as_py()
        if latest is not None:
            counts.latest = max(latest, counts.latest or latest)

    def rows(self) -> list[dict[str, Any]]:
        """What was counted, a row of JSON values for each file, for `merge` in another process."""
        return [
            {"name": name, **asdict(one), "latest": one.latest.isoformat() if one.latest else None}
            for name, one in self._files.items()
        ]

    def merge(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Add what `rows` gave elsewhere, for other files."""
        for row in rows:
            counts = _Counts(**{name: value for name, value in row.items() if name != "name"})
            counts.latest = datetime.fromisoformat(row["latest"]) if row["latest"] else None
            self._files[row["name"]] = counts

    def sentences(self, modified: Mapping[str, datetime]) -> list[str]:
        """What deserves attention; ``modified`` has the last modification of each file, by its name."""
        return [*self._on_fields(), *self._on_lines(), *self._on_modification(modified)]

    def _on_fields(self) -> Iterable[str]:
        untimed = {name: one for name, one in self._files.items() if one.untimed >= MOSTLY * one.records}
        if untimed:
            part, whole = sum(one.untimed for one in untimed.values()), sum(one.records for one in untimed.values())
            yield f"{_most(part, whole)} of {_listed(untimed)} no time is known."
        whole = sum(one.records for one in self._files.values())
        part = sum(one.unlevelled for one in self._files.values())
        if whole and part >= MOSTLY * whole:
            bare = [name for name, one in self._files.items() if one.unlevelled >= MOSTLY * one.records]
            yield f"{_most(part, whole)} no level is known: see {_listed(bare)}."

    def _on_lines(self) -> Iterable[str]:
        read = [(name, one, one.lines - self._before) for name, one in self._files.items()]
        few = [(name, one, lines) for name, one, lines in read if lines >= MANY and one.records < FEW * lines]
        for name, one, lines in few[:NAMED]:
            yield (
                f"{lines:,} lines of '{name}' became only {counted(one.records, 'record')}, because most lines "
                "look like parts of the record above; if they are not, name their format with --format."
            )

    def _on_modification(self, modified: Mapping[str, datetime]) -> Iterable[str]:
        ahead = [
            (name, one.latest, modified[name])
            for name, one in self._files.items()
            if one.latest and name in modified and one.latest > modified[name] + SLACK
        ]
        for name, latest, written in ahead[:NAMED]:
            more = f" (and {len(ahead) - NAMED} more files)" if len(ahead) > NAMED and name == ahead[0][0] else ""
            yield (
                f"The times of '{name}'{more} go on until {latest:%Y-%m-%d %H:%M}, after its last modification on "
                f"{written:%Y-%m-%d %H:%M}: its year, its zone, or the order of day and month may be read wrongly."
            )


def _most(part: int, whole: int) -> str:
    return "Of all records" if part == whole else f"Of {min(99, round(100 * part / whole))} % of the records"


def _listed(names: Iterable[str]) -> str:
    every = [f"'{name}'" for name in names]
    return ", ".join(every[:NAMED]) + (f" and {len(every) - NAMED} more" if len(every) > NAMED else "")
