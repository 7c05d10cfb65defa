"""What day files hold, counted while they are read: bounded memory, and mergeable over files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from logradar.core.quarantine import Quarantine
from logradar.sources.days.faults import Faults
from logradar.sources.days.fingerprints import CAPACITY, Fingerprints, of_integers, of_sessions
from logradar.sources.days.reading import read_day

Ints = npt.NDArray[np.int64]
SERVICES: Final = 10_000  # services that are counted by name
OTHERS: Final = "(others)"
VOCABULARY: Final = 1 << 20  # event ids that are told apart
POINTS: Final = 60  # of the curve of vocabulary growth
_FINE: Final = 64  # lengths below it have a bin each, from it on there are 16 bins per octave
_BINS: Final = _FINE + 16 * 26


def bins_of(lengths: Ints) -> Ints:
    """The bin of each length."""
    octave = np.floor(np.log2(np.maximum(lengths, _FINE))).astype(np.int64)
    place = (np.maximum(lengths, _FINE) >> (octave - 4)) - 16
    return np.where(lengths < _FINE, lengths, _FINE + (octave - 6) * 16 + place)


def bin_range(number: int) -> tuple[int, int]:
    """The smallest and the largest length in a bin."""
    if number < _FINE:
        return number, number
    octave, place = divmod(number - _FINE, 16)
    return (16 + place) << (octave + 2), ((17 + place) << (octave + 2)) - 1


@dataclass
class Lengths:
    """Lengths of sequences: mean, extremes and histogram."""

    count: int = 0
    total: int = 0
    shortest: int = 0
    longest: int = 0

    def __post_init__(self) -> None:
        self.bins = np.zeros(_BINS, np.int64)

    def add(self, lengths: Ints) -> None:
        """Count lengths."""
        if len(lengths):
            self._join(len(lengths), int(lengths.sum()), int(lengths.min()), int(lengths.max()))
            self.bins += np.bincount(bins_of(lengths), minlength=_BINS)

    def merge(self, other: Lengths) -> None:
        """Count what another has counted."""
        if other.count:
            self._join(other.count, other.total, other.shortest, other.longest)
            self.bins += other.bins

    def _join(self, count: int, total: int, shortest: int, longest: int) -> None:
        self.shortest = min(self.shortest, shortest) if self.count else shortest
        self.longest = max(self.longest, longest)
        self.count += count
        self.total += total

    def quantile(self, share: float) -> int:
        """The length that this share of the sequences does not exceed (above 63: to 6 %)."""
        if not self.count:
            return 0
        number = int(np.searchsorted(np.cumsum(self.bins), share * self.count))
        return min(bin_range(number)[1], self.longest)

    def report(self) -> dict[str, Any]:
        """JSON-ready; a line of the histogram is (from, to, sequences)."""
        return {
            "mean": round(self.total / self.count, 2) if self.count else 0.0,
            "min": self.shortest,
            "median": self.quantile(0.5),
            "p90": self.quantile(0.9),
            "p99": self.quantile(0.99),
            "max": self.longest,
            "histogram": [[*bin_range(number), count] for number, count in enumerate(self.bins.tolist()) if count],
        }


class Vocabulary:
    """The distinct event ids, and in which session (from 0, over all files) each was first met."""

    def __init__(self) -> None:
        self.first: dict[int, int] = {}
        self.full = False
        self._known = np.zeros(1 << 16, np.bool_)  # small ids that were met, to pass over them fast

    def add(self, events: npt.NDArray[np.int32], rows: Callable[[Ints], Ints]) -> None:
        """Meet events; ``rows`` tells the sessions of places in ``events``."""
        small = (events >= 0) & (events < len(self._known))
        new = np.flatnonzero(~(small & self._known[np.where(small, events, 0)]))
        ids, places = np.unique(events[new], return_index=True)
        sessions = rows(new[places])
        for number, session in zip(ids.tolist(), sessions.tolist(), strict=True):
            self._meet(number, session)

    def merge(self, other: Vocabulary, before: int) -> None:
        """Meet what another has met, after ``before`` sessions."""
        for number, session in other.first.items():
            self._meet(number, session + before)
        self.full |= other.full

    def _meet(self, number: int, session: int) -> None:
        if number in self.first:
            return
        if len(self.first) >= VOCABULARY:
            self.full = True
            return
        self.first[number] = session
        if 0 <= number < len(self._known):
            self._known[number] = True

    def _met(self) -> Ints:
        return np.sort(np.fromiter(self.first.values(), np.int64, len(self.first)))

    def new(self, sessions: Iterable[int]) -> list[int]:
        """How many ids are new in each of several stretches of sessions, given by their lengths."""
        ends = np.cumsum(np.fromiter(sessions, np.int64))
        known = np.searchsorted(self._met(), ends).tolist()
        return [after - before for before, after in zip([0, *known], known, strict=False)]

    def report(self, sessions: int) -> dict[str, Any]:
        """JSON-ready; a point of ``growth`` is (sessions read, distinct ids among them)."""
        met = self._met()
        steps = np.unique(np.geomspace(1, max(sessions, 1), POINTS).round().astype(np.int64))
        return {
            "size": len(self.first),
            "full": self.full,
            "smallest": min(self.first, default=None),
            "largest": max(self.first, default=None),
            "growth": [[int(step), int(count)] for step, count in zip(steps, np.searchsorted(met, steps), strict=True)],
        }


class Statistics:
    """Figures of one day file or, merged in order of their dates, of many.

    >>> whole = Statistics()
    >>> for path in paths:
    ...     whole.merge(statistics_of(path))  # doctest: +SKIP
    """

    def __init__(self, name: str = "", capacity: int = CAPACITY) -> None:
        self.name = name
        self.sessions = self.events = self.lines = self.bytes = 0
        self.with_error = self.with_warn = self.without_logs = self.repeated_ids = 0
        self.lengths = Lengths()
        self.services: Counter[str] = Counter()
        self.padded: Counter[int] = Counter()
        self.vocabulary = Vocabulary()
        self.sequences = Fingerprints(capacity)
        self.contents = Fingerprints(capacity)
        self.faults = Faults(name)
        self.days: list[dict[str, Any]] = []
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
        self.lengths.add(np.diff(ends))
        self.sessions += table.num_rows
        self.events += len(events)
        self.lines += int(pc.sum(pc.list_value_length(table["original_logs"])).as_py() or 0)
        self.without_logs += table["original_logs"].null_count
        self.with_error += int(pc.sum(table["has_error"]).as_py() or 0)
        self.with_warn += int(pc.sum(table["has_warn"]).as_py() or 0)
        _count(self.services, _counts(table["service"].cast(pa.string()).fill_null("(none)")), SERVICES, OTHERS)
        _count(self.padded, _counts(table["tokens_length"].fill_null(-1)), SERVICES, -2)
        sequences, contents = of_sessions(table)
        self.sequences.add(sequences)
        self.contents.add(contents)
        self._ids.add(of_integers(table["session_id"].to_numpy()))

    def close(self) -> None:
        """The file has been read: sum it up as one day."""
        self.repeated_ids = self._ids.repeated
        self._ids = Fingerprints(self._ids.capacity)
        self.days = [
            {
                "file": self.name,
                "bytes": self.bytes,
                "sessions": self.sessions,
                "events": self.events,
                "with_error": self.with_error,
                "with_warn": self.with_warn,
                "lost": self.faults.lost,
                "services": dict(self.services.most_common(20)),
            }
        ]

    def merge(self, other: Statistics) -> None:
        """Take over the figures of files that come after these."""
        self.vocabulary.merge(other.vocabulary, self.sessions)
        self.days += other.days
        for name in ("sessions", "events", "lines", "bytes", "with_error", "with_warn", "without_logs", "repeated_ids"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.lengths.merge(other.lengths)
        _count(self.services, other.services, SERVICES, OTHERS)
        _count(self.padded, other.padded, SERVICES, -2)
        self.sequences.merge(other.sequences)
        self.contents.merge(other.contents)
        self.faults.merge(other.faults)

    def report(self) -> dict[str, Any]:
        """All figures, JSON-ready; shares are 0 to 1, ``offset`` and ``place`` are bytes of the unpacked file."""
        count = max(self.sessions, 1)
        return {
            "files": len(self.days),
            "bytes": self.bytes,
            "sessions": self.sessions,
            "events": self.events,
            "lines": self.lines,
            "sequence_length": self.lengths.report(),
            "padded_length": {_length(length): count for length, count in self.padded.most_common(20)},
            "services": dict(self.services.most_common()),
            "with_error": round(self.with_error / count, 6),
            "with_warn": round(self.with_warn / count, 6),
            "without_logs": self.without_logs,
            "distinct_sequences": self.sequences.distinct,
            "duplicate_sessions": self.contents.repeated,
            "repeated_session_ids": self.repeated_ids,
            "counted_exactly": self.sequences.exact and self.contents.exact,
            "vocabulary": self.vocabulary.report(self.sessions),
            "lost": self.faults.lost,
            "faults": self.faults.report(),
            "days": [
                {**day, "new_events": new}
                for day, new in zip(self.days, self.vocabulary.new(day["sessions"] for day in self.days), strict=True)
            ],
        }


def statistics_of(
    path: Path, quarantine: Quarantine | None = None, advance: Callable[[int], object] = lambda count: None
) -> Statistics:
    """Read a day file for its figures only. Raises `OSError` where it cannot be read at all."""
    found = Statistics(path.name)

    def used(count: int) -> None:
        found.bytes += count
        advance(count)

    for table in read_day(path, quarantine, name=path.name, faults=found.faults, advance=used):
        found.add(table)
    found.close()
    return found


def _length(length: int) -> str:
    return {-1: "none", -2: OTHERS}.get(length, str(length))


def _counts(column: pa.ChunkedArray) -> dict[Any, int]:
    return {pair["values"]: pair["counts"] for pair in column.value_counts().to_pylist()}


def _count(into: Counter[Any], counts: dict[Any, int], limit: int, rest: Any) -> None:
    """Add to a counter that keeps at most ``limit`` names."""
    for name, count in counts.items():
        into[name if name in into or len(into) < limit else rest] += count
