"""The inventory of any other log, from its corpus: records stay on disk, columns are read one at a time."""

from __future__ import annotations

from collections import Counter
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from logradar.core.sequences import Sequences
from logradar.core.tables import FIRST_TEMPLATE
from logradar.model.settings import RunSettings
from logradar.parsing.templates import TemplateMiner
from logradar.pipeline.inventory.calendar import LISTED, add_shares, by_day, missing
from logradar.sources.radar.lengths import Lengths
from logradar.sources.radar.services import NONE, SERVICES
from logradar.sources.radar.vocabulary import steps
from logradar.storage.records import Corpus
from logradar.storage.tabulate import days_covered, fill, group, learn_templates

WARN: Final = 13  # SeverityNumbers from which on a record is a warning,
ERROR: Final = 17  # and an error

Ints = npt.NDArray[np.int64]


def inventory_of_records(corpus: Corpus, settings: RunSettings) -> dict[str, Any]:
    """Counts, times, levels, services, session lengths and templates of a corpus."""
    grouped = group(corpus, settings.sessions)
    miner = TemplateMiner(settings.parsing)
    learn_templates(corpus, miner, grouped, np.arange(len(grouped)))
    sessions = fill(corpus, miner, grouped)
    sequences = Sequences.from_arrow(sessions["template_ids"])
    lengths = sequences.lengths
    labels = Counter(sessions["label"].to_pylist())
    counted = Lengths()
    counted.add(lengths)
    records = Sequences.from_arrow(sessions["record_ids"])
    severe = _severe_sessions(corpus, records)
    first = _first_records(sequences, records)
    scanned = pl.scan_parquet(corpus.shards)
    days = _by_day(scanned, severe, sessions, first)
    return {
        "records": corpus.records,
        "quarantined": corpus.quarantined,
        "lost": corpus.quarantined,
        "faults": dict(corpus.reasons),
        **_columns(scanned),
        "templates": miner.templates().num_rows,
        "sessions": sessions.num_rows,
        "distinct_sequences": len(sequences.distinct()),
        "session_length": {
            "mean": round(float(lengths.mean()), 2),
            "min": int(lengths.min()),
            "median": int(np.sort(lengths)[len(lengths) // 2]),
            "max": int(lengths.max()),
        },
        "days": days_covered(sessions),
        "labels": {"normal": labels[False], "anomalous": labels[True], "unknown": labels[None]},
        **_severe_counts(severe),
        "duplicate_sessions": len(records) - len(_contents(corpus, records).distinct()),
        "repeated_session_ids": None,
        "counted_exactly": True,
        "length_quantiles": {"p90": counted.quantile(0.9), "p99": counted.quantile(0.99)},
        "length_histogram": counted.report()["histogram"],
        "by_service": _by_service(scanned, severe, sessions),
        "by_day": days,
        **missing(row["day"] for row in days),
        "vocabulary": _growth(first, corpus.records),
    }


def _columns(records: pl.LazyFrame) -> dict[str, Any]:
    """The share of records that have each column, and the number of records by service, level and file."""
    names = ("timestamp", "level", "service", "component", "session_key")
    facts = records.select(
        *[pl.col(name).is_not_null().mean().alias(name) for name in names],
        first=pl.col("timestamp").min(),
        last=pl.col("timestamp").max(),
        files=pl.col("source").n_unique(),
    ).collect()
    row = facts.row(0, named=True)
    return {
        "filled": {name: round(row[name], 4) for name in names},
        "from": row["first"].isoformat() if row["first"] else None,
        "until": row["last"].isoformat() if row["last"] else None,
        "services": _counts(records, "service"),
        "levels": _counts(records, "level"),
        "files": _counts(records, "source"),
        "file_count": row["files"],
    }


def _counts(records: pl.LazyFrame, name: str) -> dict[str, int]:
    counted = records.group_by(name).len().sort("len", descending=True).head(LISTED).collect()
    return {str(value) if value is not None else "none": count for value, count in counted.rows()}


def _severe_sessions(corpus: Corpus, records: Sequences) -> pl.DataFrame | None:
    """For every session whether it has a warning and whether it has an error; None where no record has a level."""
    parts = [part["level"].fill_null(0).to_numpy() for part in corpus.scan(["level"])]
    levels = np.concatenate(parts).astype(np.int8)
    if not levels.any():
        return None
    inside = levels[records.values]
    warns = records.sums((inside >= WARN) & (inside < ERROR)) > 0
    return pl.DataFrame({"with_error": records.sums(inside >= ERROR) > 0, "with_warn": warns})


def _severe_counts(severe: pl.DataFrame | None) -> dict[str, Any]:
    row: dict[str, Any] = {"sessions": 0 if severe is None else len(severe)}
    for name in ("with_error", "with_warn"):
        row[name] = None if severe is None else int(severe[name].sum())
    add_shares(row)
    return {name: value for name, value in row.items() if name != "sessions"}


def _contents(corpus: Corpus, records: Sequences) -> Sequences:
    """The texts of each session's records, as numbers that are equal for equal texts."""
    hashes = [_hashes(part["body"]) for part in corpus.scan(["body"])]
    _, numbers = np.unique(np.concatenate(hashes), return_inverse=True)
    return Sequences.of(numbers.astype(np.int32)[records.values], records.offsets)


def _hashes(bodies: pa.ChunkedArray) -> npt.NDArray[np.uint64]:
    texts = pl.from_arrow(bodies)
    assert isinstance(texts, pl.Series)
    return texts.hash(7).to_numpy()


def _first_records(sequences: Sequences, records: Sequences) -> Ints:
    """The first record of each template, in order of the records; without unknown templates."""
    known = sequences.values >= FIRST_TEMPLATE
    ids = sequences.values[known]
    first = np.full(int(ids.max(initial=0)) + 1, np.iinfo(np.int64).max)
    np.minimum.at(first, ids, records.values[known])
    return np.sort(first[first < np.iinfo(np.int64).max])


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


def _sessions(severe: pl.DataFrame | None, sessions: pa.Table) -> pl.DataFrame:
    """For every session its service, the day on which it began, and whether it has errors and warnings."""
    service = sessions["service"].cast(pa.string()).fill_null(NONE)
    frame = pl.DataFrame({"service": pl.from_arrow(service), "start": pl.from_arrow(sessions["start"])})
    frame = frame.with_columns(day=pl.col("start").dt.date().cast(pl.String)).drop("start")
    return frame.hstack(severe) if severe is not None else frame


def _by_service(records: pl.LazyFrame, severe: pl.DataFrame | None, sessions: pa.Table) -> list[dict[str, Any]]:
    sums = [pl.col(name).sum() for name in ("with_error", "with_warn") if severe is not None]
    counted = _sessions(severe, sessions).group_by("service").agg(pl.len().alias("sessions"), *sums)
    lines = records.group_by(pl.col("service").cast(pl.String).fill_null(NONE)).agg(pl.len().alias("records"))
    joined = counted.join(lines.collect(), on="service", how="full", coalesce=True)
    joined = joined.with_columns(pl.exclude("service").fill_null(0))
    rows = joined.sort(["sessions", "records", "service"], descending=[True, True, False]).head(SERVICES).to_dicts()
    names = ("service", "sessions", "records", "with_error", "with_warn")
    services = [{name: row.get(name) for name in names} for row in rows]
    for service in services:
        add_shares(service)
    return services


def _by_day(
    records: pl.LazyFrame, severe: pl.DataFrame | None, sessions: pa.Table, first: Ints
) -> list[dict[str, Any]]:
    """Sessions by the day on which they began, records and new templates by the day of the record."""
    frame = _sessions(severe, sessions).filter(pl.col("day").is_not_null())
    if not len(frame):
        return []
    sums = [pl.col(name).sum() for name in ("with_error", "with_warn") if severe is not None]
    rows = frame.group_by("day").agg(pl.len().alias("sessions"), *sums).to_dicts()
    day = pl.col("timestamp").dt.date().cast(pl.String).alias("day")
    lines = records.group_by(day).agg(pl.len().alias("records")).collect().drop_nulls("day")
    rows += [{"sessions": 0, **row} for row in lines.to_dicts()]
    split = frame.group_by("day", "service").len().sort("len", descending=True).group_by("day").head(LISTED)
    rows += [{"day": name, "sessions": 0, "services": {service: count}} for name, service, count in split.rows()]
    rows += _new_by_day(records, first)
    return by_day(rows)


def _new_by_day(records: pl.LazyFrame, first: Ints) -> list[dict[str, Any]]:
    met = records.filter(pl.col("record_id").is_in(first.tolist())).select(day=pl.col("timestamp").dt.date())
    counted = met.drop_nulls().group_by(pl.col("day").cast(pl.String)).len().collect()
    return [{"day": day, "sessions": 0, "new_templates": count} for day, count in counted.rows()]
