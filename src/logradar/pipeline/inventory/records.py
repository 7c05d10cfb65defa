"""The inventory of any other log, from its corpus: records stay on disk, columns are read one at a time."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from logradar.core.disk_column import DiskColumn
from logradar.core.sequences import Sequences
from logradar.core.tables import ERROR, FIRST_TEMPLATE, NO_SERVICE, WARN
from logradar.model.settings import RunSettings
from logradar.parsing.templates import TemplateMiner
from logradar.pipeline.inventory.calendar import LISTED, add_shares, by_day, missing
from logradar.pipeline.inventory.record_counts import COLUMNS, RecordCounts
from logradar.sources.radar.lengths import Lengths
from logradar.sources.radar.services import SERVICES
from logradar.sources.radar.vocabulary import steps
from logradar.storage.filling import fill, learn_templates
from logradar.storage.grouping import days_covered, group
from logradar.storage.records import Corpus

Ints = npt.NDArray[np.int64]
_NEVER: Final = np.iinfo(np.int64).max


def inventory_of_records(corpus: Corpus, settings: RunSettings, scratch: Path) -> dict[str, Any]:
    """Counts, times, levels, services, lengths and templates of a corpus; what is large is kept in ``scratch``."""
    grouped = group(corpus, settings.sessions, scratch)
    miner = TemplateMiner(settings.parsing)
    learn_templates(corpus, miner, [grouped], scratch)
    sessions = fill(corpus, miner, grouped, scratch)
    counted = _Counted(corpus, scratch)
    for table in sessions.tables():
        counted.add(table)
    frame, lengths, first = counted.frame(), np.concatenate(counted.lengths), counted.first_records()
    days = _by_day(corpus, counted.records, frame, first)
    return {
        "records": corpus.records,
        "quarantined": corpus.quarantined,
        "lost": corpus.quarantined,
        "faults": dict(corpus.reasons),
        "remarks": list(corpus.remarks),
        **counted.records.report(),
        "templates": miner.templates().num_rows,
        "sessions": len(sessions),
        "distinct_sequences": _distinct(counted.sequences),
        "session_length": {
            "mean": round(float(lengths.mean()), 2),
            "min": int(lengths.min()),
            "median": int(np.sort(lengths)[len(lengths) // 2]),
            "max": int(lengths.max()),
        },
        "days": days_covered(pa.table({"start": [counted.start], "end": [counted.end]})),
        "labels": {"normal": counted.labels[False], "anomalous": counted.labels[True], "unknown": counted.labels[None]},
        **_alarming(frame),
        "duplicate_sessions": len(lengths) - _distinct(counted.contents),
        "repeated_session_ids": None,
        "counted_exactly": True,
        "length_quantiles": {"p90": counted.histogram.quantile(0.9), "p99": counted.histogram.quantile(0.99)},
        "length_histogram": counted.histogram.report()["histogram"],
        "by_service": _by_service(counted.records, frame),
        "by_day": days,
        **missing(row["day"] for row in days),
        "vocabulary": _growth(first, corpus.records),
    }


class _Counted:
    """Figures of SESSIONS that come a piece at a time; some bytes are kept of each session."""

    def __init__(self, corpus: Corpus, scratch: Path) -> None:
        self.labels: Counter[bool | None] = Counter()
        self.histogram = Lengths()
        self.lengths: list[Ints] = []
        self.sequences: list[npt.NDArray[np.uint64]] = []
        self.contents: list[npt.NDArray[np.uint64]] = []
        self.start: datetime | None = None
        self.end: datetime | None = None
        self._frames: list[pl.DataFrame] = []
        self._first = np.empty(0, np.int64)  # by template id: the record in which it was first met
        self._levels = DiskColumn(scratch / "levels.bin", np.int8, corpus.records)
        self._bodies = DiskColumn(scratch / "bodies.bin", np.uint64, corpus.records)
        start = 0
        self.records = RecordCounts()
        for part in corpus.scan([*COLUMNS, "body"]):
            self.records.add(part)
            self._levels.values[start : start + len(part)] = part["level"].fill_null(0).to_numpy()
            self._bodies.values[start : start + len(part)] = _hashes(part["body"])
            start += len(part)
            self._release()
        self._levelled = bool(self._levels.values.any())

    def add(self, sessions: pa.Table) -> None:
        """Count some SESSIONS."""
        sequences, records = (Sequences.from_arrow(sessions[name]) for name in ("template_ids", "record_ids"))
        self.labels.update(sessions["label"].to_pylist())
        self.histogram.add(sequences.lengths)
        self.lengths.append(sequences.lengths)
        self.sequences.append(sequences.fingerprints())
        self.contents.append(_halves(self._bodies.values[records.values], records).fingerprints())
        first, last = pc.min(sessions["start"]).as_py(), pc.max(sessions["end"]).as_py()
        self.start = min((moment for moment in (self.start, first) if moment), default=None)
        self.end = max((moment for moment in (self.end, last) if moment), default=None)
        self._frames.append(self._of(sessions, records))
        self._meet(sequences, records)
        self._release()

    def _release(self) -> None:
        self._levels.release()
        self._bodies.release()

    def _of(self, sessions: pa.Table, records: Sequences) -> pl.DataFrame:
        """For every session its service, the day on which it began, and whether it holds an error or a warning."""
        service = sessions["service"].cast(pa.string()).fill_null(NO_SERVICE)
        frame = pl.DataFrame({"service": pl.from_arrow(service), "start": pl.from_arrow(sessions["start"])})
        frame = frame.with_columns(pl.col("service").cast(pl.Categorical), day=pl.col("start").dt.date()).drop("start")
        if not self._levelled:
            return frame
        inside = self._levels.values[records.values]
        warns = records.sums((inside >= WARN) & (inside < ERROR)) > 0
        return frame.with_columns(with_error=pl.Series(records.sums(inside >= ERROR) > 0), with_warn=pl.Series(warns))

    def _meet(self, sequences: Sequences, records: Sequences) -> None:
        known = sequences.values >= FIRST_TEMPLATE
        ids = sequences.values[known]
        missing_ids = int(ids.max(initial=0)) + 1 - len(self._first)
        if missing_ids > 0:
            self._first = np.append(self._first, np.full(missing_ids, _NEVER))
        np.minimum.at(self._first, ids, records.values[known])

    def first_records(self) -> Ints:
        """The record in which each template was first met, in order."""
        return np.sort(self._first[self._first < _NEVER])

    def frame(self) -> pl.DataFrame:
        """A row for each session."""
        return pl.concat(self._frames)


def _halves(hashes: npt.NDArray[np.uint64], records: Sequences) -> Sequences:
    """Hashes of 64 bits as two values of 32 bits each, in the rows of ``records``."""
    return Sequences.of(np.ascontiguousarray(hashes).view(np.int32), records.offsets * 2)


def _distinct(fingerprints: list[npt.NDArray[np.uint64]]) -> int:
    return len(np.unique(np.concatenate(fingerprints)))


def _alarming(frame: pl.DataFrame) -> dict[str, Any]:
    levelled = "with_error" in frame.columns
    row: dict[str, Any] = {"sessions": len(frame) if levelled else 0}
    for name in ("with_error", "with_warn"):
        row[name] = int(frame[name].sum()) if levelled else None
    add_shares(row)
    return {name: value for name, value in row.items() if name != "sessions"}


def _hashes(bodies: pa.ChunkedArray) -> npt.NDArray[np.uint64]:
    texts = pl.from_arrow(bodies)
    assert isinstance(texts, pl.Series)
    return texts.hash(7).to_numpy()


def _growth(first: Ints, count: int) -> dict[str, Any]:
    places = steps(count)
    met = np.searchsorted(first, places)
    return {
        "of": "templates",
        "over": "records",
        "size": len(first),
        "full": False,
        "growth": [[int(place), int(many)] for place, many in zip(places, met, strict=True)],
    }


def _by_service(records: RecordCounts, frame: pl.DataFrame) -> list[dict[str, Any]]:
    counted = frame.group_by("service").agg(pl.len().alias("sessions"), *_sums(frame)).cast({"service": pl.String})
    lines = pl.DataFrame(list(records.by_service().items()), {"service": pl.String, "records": pl.UInt32}, orient="row")
    joined = counted.join(lines, on="service", how="full", coalesce=True)
    joined = joined.with_columns(pl.exclude("service").fill_null(0))
    rows = joined.sort(["sessions", "records", "service"], descending=[True, True, False]).head(SERVICES).to_dicts()
    names = ("service", "sessions", "records", "with_error", "with_warn")
    services = [{name: row.get(name) for name in names} for row in rows]
    for service in services:
        add_shares(service)
    return services


def _sums(frame: pl.DataFrame) -> list[pl.Expr]:
    return [pl.col(name).sum() for name in ("with_error", "with_warn") if name in frame.columns]


def _by_day(corpus: Corpus, records: RecordCounts, frame: pl.DataFrame, first: Ints) -> list[dict[str, Any]]:
    """Sessions by the day on which they began, records by their own; new templates by that of their session."""
    frame = frame.filter(pl.col("day").is_not_null())
    if not len(frame):
        return []
    text = pl.col("day").cast(pl.String)
    rows = frame.group_by("day").agg(pl.len().alias("sessions"), *_sums(frame)).with_columns(text).to_dicts()
    rows += [{"day": day, "sessions": 0, "records": count} for day, count in sorted(records.days.items())]
    split = frame.group_by("day", "service").len().with_columns(text, pl.col("service").cast(pl.String))
    split = split.sort(["len", "service"], descending=[True, False]).group_by("day", maintain_order=True).head(LISTED)
    rows += [{"day": name, "sessions": 0, "services": {service: count}} for name, service, count in split.rows()]
    rows += [{"day": day, "sessions": 0, "new_templates": count} for day, count in _new_by_day(corpus, first).items()]
    return by_day(rows)


def _new_by_day(corpus: Corpus, first: Ints) -> dict[str, int]:
    """New templates of each day, from the records in which they were first met."""
    met: Counter[str] = Counter()
    for part in corpus.scan(["record_id", "timestamp"]):
        times = part.filter(pc.is_in(part["record_id"], pa.array(first, part["record_id"].type)))["timestamp"]
        met.update(times.drop_null().cast(pa.date32(), safe=False).cast(pa.string()).to_pylist())
    return dict(met)
