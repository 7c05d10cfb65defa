"""What day files hold, counted while they are read: bounded memory, and mergeable over files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from logradar.core.quarantine import Case, Quarantine
from logradar.sources.radar.columns import KEYS, MASK, NOTE_EXTRA, REQUIRED, TOKENS
from logradar.sources.radar.faults import Example, Fault, Faults, noted
from logradar.sources.radar.fingerprints import CAPACITY, Fingerprints, of_integers, of_sessions
from logradar.sources.radar.lengths import Lengths
from logradar.sources.radar.reading import read_day
from logradar.sources.radar.services import OTHERS, SERVICES, Services
from logradar.sources.radar.vocabulary import Vocabulary

LISTED: Final = 20  # services of a single file that its row names
UNREADABLE: Final = "file that cannot be read to its end"
_TYPES: Final = (
    "integer of 64 bits", "array of integers of 32 bits", "array of integers", "array of 0 and 1",
    "true or false", "true or false", "text", "array of texts",
)  # fmt: skip
_COLUMNS: Final = {"service_name": "service", "has_error": "has_error", "has_warn": "has_warn"}
_SUMS: Final = (
    "sessions", "events", "lines", "records", "bytes", "with_error", "with_warn", "repeated_ids",
)  # fmt: skip


class Statistics:
    """Figures of one day file or, merged in order of their dates, of many.

    `add` takes DAY_SESSIONS from wherever they come (a day file, Parquet that was prepared from
    one); after the last table of a file, `close` sums it up as one row of ``files``.

    >>> whole = Statistics()
    >>> for number in (1, 2):
    ...     day = Path(f"preprocessed_logs_2024-05-0{number}.json")
    ...     _ = day.write_text('[{"session_id": 7, "event_sequence": [4, 5, 4]}]')
    ...     whole.merge(statistics_of(day))
    >>> whole.sessions, whole.events, whole.sequences.distinct
    (2, 6, 1)
    """

    def __init__(self, name: str = "", capacity: int = CAPACITY) -> None:
        self.name = name
        self.sessions = self.events = self.lines = self.records = self.bytes = 0
        self.with_error = self.with_warn = self.repeated_ids = 0
        self.missing: Counter[str] = Counter()  # sessions without a key that is not needed
        self.lengths = Lengths()
        self.services = Services()
        self.padded: Counter[int] = Counter()
        self.vocabulary = Vocabulary()
        self.sequences = Fingerprints(capacity)
        self.contents = Fingerprints(capacity)
        self.faults = Faults(name)
        self.files: list[dict[str, Any]] = []
        self._ids = Fingerprints(capacity)

    def add(self, table: pa.Table) -> None:
        """Count the sessions of a DAY_SESSIONS table."""
        table = table.combine_chunks()
        if not table.num_rows:
            return
        column = table["event_sequence"].chunk(0)
        ends = column.offsets.to_numpy().astype(np.int64)
        events = np.asarray(column.values)[ends[0] : ends[-1]]
        before, shift = self.sessions, ends[0]
        self.vocabulary.add(events, lambda places: before + np.searchsorted(ends, places + shift, "right") - 1)
        lengths = np.diff(ends)
        self.lengths.add(lengths)
        lines = pc.list_value_length(table["original_logs"]).fill_null(0).to_numpy().astype(np.int64)
        records = np.maximum(lengths, lines)
        errors, warns = (table[name].fill_null(False).to_numpy() for name in ("has_error", "has_warn"))
        self.sessions += table.num_rows
        self.events += len(events)
        self.lines += int(lines.sum())
        self.records += int(records.sum())
        self.with_error += int(errors.sum())
        self.with_warn += int(warns.sum())
        self.services.add(table["service"].chunk(0), [np.ones_like(records), records, errors, warns])
        for key, name in (*_COLUMNS.items(), ("original_logs", "original_logs")):
            self.missing[key] += table[name].null_count
        self._count_padded(table["tokens_length"])
        sequences, contents = of_sessions(table)
        self.sequences.add(sequences)
        self.contents.add(contents)
        self._ids.add(of_integers(table["session_id"].to_numpy()))

    def _count_padded(self, lengths: pa.ChunkedArray) -> None:
        counted = lengths.fill_null(-1).value_counts().to_pylist()
        _count(self.padded, {pair["values"]: pair["counts"] for pair in counted})

    def close(self) -> None:
        """The file has been read: sum it up as one row."""
        self.repeated_ids = self._ids.repeated
        self._ids = Fingerprints(self._ids.capacity)
        for key in (TOKENS, MASK):
            fault = self.faults.reasons.get(noted(key))
            self.missing[KEYS[key]] = fault.count if fault else self.padded[-1]
        self.files = [
            {
                "file": self.name,
                "bytes": self.bytes,
                "sessions": self.sessions,
                "events": self.events,
                "records": self.records,
                "with_error": self.with_error,
                "with_warn": self.with_warn,
                "lost": self.faults.lost,
                "faults": sum(fault.count for fault in self.faults.reasons.values()),
                "services": self.services.most(LISTED),
            }
        ]

    def closed(self) -> Statistics:
        """The same, after `close`; what has no name and no session adds no row."""
        if self.name or self.sessions:
            self.close()
        return self

    def merge(self, other: Statistics) -> None:
        """Take over the figures of files that come after these."""
        self.vocabulary.merge(other.vocabulary, self.sessions)
        self.files += other.files
        for name in _SUMS:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.missing.update(other.missing)
        self.lengths.merge(other.lengths)
        self.services.merge(other.services)
        _count(self.padded, other.padded)
        self.sequences.merge(other.sequences)
        self.contents.merge(other.contents)
        self.faults.merge(other.faults)

    def report(self) -> dict[str, Any]:
        """All figures, JSON-ready; shares are 0 to 1, ``offset`` and ``place`` are bytes of the unpacked file."""
        count = max(self.sessions, 1)
        new = self.vocabulary.new(row["sessions"] for row in self.files)
        return {
            "files": len(self.files),
            "bytes": self.bytes,
            "sessions": self.sessions,
            "events": self.events,
            "lines": self.lines,
            "records": self.records,
            "sequence_length": self.lengths.report(),
            "padded_length": {_length(length): count for length, count in self.padded.most_common(20)},
            "services": self.services.most(),
            "by_service": self.services.report(),
            "with_error": round(self.with_error / count, 6),
            "with_warn": round(self.with_warn / count, 6),
            "keys": list(self._keys()),
            "distinct_sequences": self.sequences.distinct,
            "duplicate_sessions": self.contents.repeated,
            "repeated_session_ids": self.repeated_ids,
            "counted_exactly": self.sequences.exact and self.contents.exact,
            "vocabulary": self.vocabulary.report(self.sessions),
            "lost": self.faults.lost,
            "faults": self.faults.report(),
            "days": [{**row, "new_events": more} for row, more in zip(self.files, new, strict=True)],
        }

    def _keys(self) -> Iterator[dict[str, Any]]:
        """Every key with its type, and how many sessions have it."""
        for number, key in enumerate(KEYS):
            found = self.sessions - self.missing[key]
            yield {"key": key, "type": _TYPES[number], "needed": number < REQUIRED, "sessions": found}
        if extra := self.faults.reasons.get(noted(NOTE_EXTRA)):
            yield {"key": "(others)", "type": "any, ignored", "needed": False, "sessions": extra.count}


def statistics_of(
    path: Path,
    quarantine: Quarantine | None = None,
    on_progress: Callable[[int], object] = lambda count: None,
    *,
    name: str | None = None,
    on_table: Callable[[pa.Table], object] = lambda table: None,
) -> Statistics:
    """Read a day file for its figures only; ``on_table`` is shown each of its tables.

    A file that cannot be read (to its end) is a fault of its own, not an error.
    """
    found = Statistics(name or path.name)
    told = _Damage(found.faults, quarantine)

    def used(count: int) -> None:
        found.bytes += count
        on_progress(count)

    try:
        for table in read_day(path, told, name=found.name, faults=found.faults, on_progress=used):
            found.add(table)
            on_table(table)
    except OSError as error:
        told.add(found.name, UNREADABLE, text=str(error))
    found.close()
    return found


class _Damage(Quarantine):
    """Passes all on, and takes what the unpacking of a file has to tell into its faults."""

    def __init__(self, faults: Faults, behind: Quarantine | None) -> None:
        super().__init__()
        self._faults, self._behind = faults, behind

    def _record(self, cases: Sequence[Case]) -> None:
        for case in cases:
            if case.reason not in self._faults.reasons:  # what the walk through the file finds is there already
                fault = self._faults.reasons[case.reason] = Fault(kept=False)
                fault.add(case.count, [Example(case.source, case.offset or 0, case.offset or 0, case.text)])
        if self._behind is not None:
            self._behind._record(cases)


def _length(length: int) -> str:
    return {-1: "none", -2: OTHERS}.get(length, str(length))


def _count(into: Counter[int], counts: dict[int, int]) -> None:
    """Add to a counter that keeps at most as many numbers as services are named."""
    for number, count in counts.items():
        into[number if number in into or len(into) < SERVICES else -2] += count
