"""Validate: what an input holds and what is wrong with it, before anything is learnt."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import polars as pl

from logradar.core.sequences import Sequences
from logradar.parsing.templates import TemplateMiner
from logradar.pipeline.corpus import Corpus, reading
from logradar.pipeline.settings import RunSettings
from logradar.pipeline.tabulate import days_covered, fill, group, learn_templates


def validate(spec: str, settings: RunSettings) -> dict[str, Any]:
    """Counts, times, levels, services, session lengths, templates and faults of INPUT ``spec``."""
    with reading(spec, settings.input) as corpus:
        grouped = group(corpus, settings.sessions)
        miner = TemplateMiner(settings.parsing)
        learn_templates(corpus, miner, grouped, np.arange(len(grouped)))
        sessions = fill(corpus, miner, grouped)
        columns = _columns(corpus)
        reasons = dict(corpus.reasons)
    sequences = Sequences.from_arrow(sessions["template_ids"])
    lengths = sequences.lengths
    labels = Counter(sessions["label"].to_pylist())
    return {
        "input": spec,
        "source": corpus.source,
        "records": corpus.records,
        "quarantined": corpus.quarantined,
        "faults": reasons,
        **columns,
        "templates": miner.templates().num_rows,
        "sessions": sessions.num_rows,
        "distinct_sequences": len(sequences.distinct()),
        "session_length": {
            "mean": round(float(lengths.mean()), 2),
            "min": int(lengths.min()),
            "median": int(sorted(lengths)[len(lengths) // 2]),
            "max": int(lengths.max()),
        },
        "days": days_covered(sessions),
        "labels": {"normal": labels[False], "anomalous": labels[True], "unknown": labels[None]},
        "session_key": corpus.input.session_key,
    }


def _columns(corpus: Corpus) -> dict[str, Any]:
    """Shares of records with time, level and so on, and counts per service and level."""
    records = pl.scan_parquet(corpus.shards)
    names = ("timestamp", "level", "service", "component", "session_key")
    one = records.select(
        *[pl.col(name).is_not_null().mean().alias(name) for name in names],
        first=pl.col("timestamp").min(),
        last=pl.col("timestamp").max(),
    ).collect()
    row = one.row(0, named=True)
    return {
        "filled": {name: round(row[name], 4) for name in names},
        "from": row["first"].isoformat() if row["first"] else None,
        "until": row["last"].isoformat() if row["last"] else None,
        "services": _counts(records, "service"),
        "levels": _counts(records, "level"),
        "files": _counts(records, "source"),
    }


def _counts(records: pl.LazyFrame, name: str) -> dict[str, int]:
    counted = records.group_by(name).len().sort("len", descending=True).head(20).collect()
    return {str(value) if value is not None else "none": count for value, count in counted.rows()}
