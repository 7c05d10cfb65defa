"""A run folder for the report, filled by real computation without the rest of the pipeline.

The log is the raw HDFS sample where it is available, else generated sessions. Detectors are plain
rules (templates, pairs and counts of templates never seen, unusual lengths) and a softmax over pairs
that is trained by gradient descent, so that there is a true training history.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from logradar.core.sequences import Sequences
from logradar.core.tables import FIRST_TEMPLATE, SESSIONS, UNKNOWN, conform
from logradar.evaluation.audit import Side, audit, seen_in
from logradar.evaluation.metrics import distinct, measure, unseen_only
from logradar.evaluation.splits import SplitSettings, chronological

MASKS = [
    r"blk_-?\d+",
    r"/?\d+\.\d+\.\d+\.\d+(:\d+)?",
    r"/[\w/.\-]*part-\d+\S*",
    r"/\S+/\S+",
    r"\b\d+\b",
    r"<\*>(,? <\*>)+",
]


def hdfs_records(data_dir: Path) -> pl.DataFrame:
    """Lines of the raw HDFS sample with time, block and label."""
    import lzma

    lines = lzma.decompress((data_dir / "hdfs/HDFS_2pct.log.xz").read_bytes()).decode().splitlines()
    head = pl.col("text").str
    frame = (
        pl.DataFrame({"text": lines})
        .with_row_index("record_id")
        .with_columns(
            head.slice(0, 13).str.to_datetime("%y%m%d %H%M%S", time_zone="UTC", time_unit="us").alias("time"),
            head.extract(r"^\S+ \S+ \S+ \S+ \S+: (.*)$").alias("body"),
            head.extract(r"(blk_-?\d+)").alias("session"),
            pl.lit("hdfs").alias("service"),
        )
    )
    labels = pl.read_csv(data_dir / "hdfs/HDFS_2pct_labels.csv.gz")
    labels = labels.select(pl.col("BlockId").alias("session"), (pl.col("Label") == "Anomaly").alias("label"))
    return frame.join(labels, on="session").with_columns(
        pl.lit("HDFS_2pct.log").alias("source"), pl.lit(None, pl.String).alias("fault")
    )


def generated_records(sessions: int = 1500, seed: int = 7) -> pl.DataFrame:
    """Lines of a made-up shop: orders that run through steps, some with a fault."""
    rng = np.random.default_rng(seed)
    steps = ["order {} received", "stock checked for order {}", "payment of order {} took {} ms", "order {} shipped"]
    faults = {"missing_step": [0, 1, 3], "wrong_order": [0, 2, 1, 3], "error": [0, 1, 2, "payment of order {} refused"]}
    rows, began = [], datetime(2024, 5, 6, tzinfo=UTC)
    for number in range(sessions):
        faulty = number > sessions * 0.4 and rng.random() < 0.04
        fault = str(rng.choice(list(faults))) if faulty else None
        plan = faults[fault] if fault else [0, *[1] * int(rng.integers(1, 4)), 2, 3]
        for offset, step in enumerate(plan):
            text = step if isinstance(step, str) else steps[step]
            body = text.format(number, int(rng.integers(5, 90)))
            when = began + timedelta(seconds=60 * number + offset)
            rows.append((when, body, f"order-{number}", faulty, fault, ["shop", "stock"][number % 2]))
    frame = pl.DataFrame(
        rows, schema=["time", "body", "session", "label", "fault", "service"], orient="row", infer_schema_length=None
    )
    return frame.with_columns(
        pl.lit("shop.log").alias("source"), pl.col("time").cast(pl.Datetime("us", "UTC"))
    ).with_row_index("record_id")


def sessions_of(records: pl.DataFrame) -> tuple[pa.Table, pl.DataFrame]:
    """SESSIONS and masked texts; template ids follow first appearance among the earliest half."""
    masked = pl.col("body")
    for mask in MASKS:
        masked = masked.str.replace_all(mask, "<*>")
    records = records.with_columns(masked.alias("template"))
    early = records.head(len(records) // 2).select(pl.col("template").unique(maintain_order=True)).with_row_index("id")
    early = early.with_columns((pl.col("id") + FIRST_TEMPLATE).cast(pl.Int32))
    records = records.join(early, on="template", how="left", maintain_order="left").with_columns(
        pl.col("id").fill_null(UNKNOWN)
    )
    grouped = records.group_by("session", maintain_order=True).agg(
        pl.col("service").first(),
        pl.col("time").min().alias("start"),
        pl.col("time").max().alias("end"),
        pl.col("record_id").cast(pl.Int64).alias("record_ids"),
        pl.col("id").alias("template_ids"),
        pl.col("time").diff().dt.total_microseconds().truediv(1e6).fill_null(0).cast(pl.Float32).alias("gaps"),
        pl.col("label").first(),
    )
    return conform(grouped.rename({"session": "session_id"}).to_arrow(), SESSIONS), records


class PairModel:
    """Softmax over the next template given the one before, trained by Adam on all pairs at once."""

    def __init__(self, train: Sequences, valid: Sequences, size: int, epochs: int = 40) -> None:
        pairs, held = self.counts(train, size), self.counts(valid, size)
        self.history, weights = [], np.zeros((size, size))
        first, second = np.zeros_like(weights), np.zeros_like(weights)
        for epoch in range(1, epochs + 1):
            rate = 0.3 * 0.5 * (1 + np.cos(np.pi * epoch / epochs))
            gradient = (pairs.sum(1, keepdims=True) * self.softmax(weights) - pairs) / pairs.sum()
            first, second = 0.9 * first + 0.1 * gradient, 0.99 * second + 0.01 * gradient**2
            weights -= rate * (first / (1 - 0.9**epoch)) / (np.sqrt(second / (1 - 0.99**epoch)) + 1e-12)
            losses = [float(-(c * np.log(self.softmax(weights))).sum() / c.sum()) for c in (pairs, held)]
            row = {"epoch": float(epoch), "loss": losses[0], "eval_loss": losses[1], "learning_rate": float(rate)}
            self.history.append(row)
        self.next = self.softmax(weights)

    @staticmethod
    def softmax(weights: np.ndarray) -> np.ndarray:
        power = np.exp(weights - weights.max(1, keepdims=True))
        return power / power.sum(1, keepdims=True)

    @staticmethod
    def counts(sequences: Sequences, size: int) -> np.ndarray:
        before = sequences.windows(1)[0][:, 0]
        return np.bincount(before * size + sequences.values, minlength=size * size).reshape(size, size).astype(float)

    def surprise(self, sequences: Sequences) -> np.ndarray:
        """Nats of surprise for every event."""
        return -np.log(self.next[sequences.windows(1)[0][:, 0], sequences.values])


def write_run(folder: Path, records: pl.DataFrame, title: str) -> Path:
    """Split, fit, score, measure, audit; write all files of a run."""
    sessions, records = sessions_of(records)
    parts = chronological(sessions, SplitSettings(test=0.5))
    normal = ~sessions["label"].to_numpy(zero_copy_only=False)
    train, valid, test = (
        sessions.take(pa.array(rows))
        for rows in (parts.train[normal[parts.train]], parts.valid[normal[parts.valid]], parts.test)
    )
    first, held, asked = (Sequences.from_arrow(part["template_ids"]) for part in (train, valid, test))
    known = Sequences.from_arrow(pa.concat_tables([train, valid])["template_ids"])  # the rules need no validation
    size = int(max(part.values.max() for part in (known, held, asked))) + 1
    model = PairModel(first, held, size)
    seen = np.unique(known.values)
    pairs = PairModel.counts(known, size) > 0
    normal_vectors = _vectors(known.distinct(), size)
    rules = {
        "count_vector": lambda s: _distance(_vectors(s.distinct(), size), normal_vectors)[s.distinct().inverse],
        "new_template": lambda s: _sums(s, ~np.isin(s.values, seen)),
        "new_pair": lambda s: _sums(s, ~pairs[s.windows(1)[0][:, 0], s.values]),
        "length": lambda s: (
            np.maximum(s.lengths - known.lengths.max(), known.lengths.min() - s.lengths).clip(0).astype(float)
        ),
        "pair_model": lambda s: _sums(s, model.surprise(s)),
    }
    labels = test["label"].to_numpy(zero_copy_only=False)
    days = (pc.max(test["start"]).as_py() - pc.min(test["start"]).as_py()).total_seconds() / 86_400
    trained, prints = Side.of(pa.concat_tables([train, valid])), asked.fingerprints()
    repeated = seen_in(trained.sequences, prints)
    scores = {name: rule(asked) for name, rule in rules.items()}
    thresholds = dict.fromkeys(rules, 0.0) | {"pair_model": float(np.quantile(rules["pair_model"](held), 0.99))}
    figures = {}
    for name, values in scores.items():
        figures[name] = measure(labels, values, thresholds[name], days=days)
        figures[name]["unseen_only"] = unseen_only(labels, values, thresholds[name], repeated, days=days)
    main = max(figures, key=lambda name: figures[name]["f1"] or 0)
    alarmed = scores[main] > thresholds[main]
    fault_of = dict(records.select("session", "fault").unique().iter_rows())
    kinds = np.array([fault_of.get(key) or "" for key in test["session_id"].to_pylist()])
    faults = {
        str(kind): {
            "sessions": int((kinds == kind).sum()),
            "recall": {
                name: float((values > thresholds[name])[kinds == kind].mean()) for name, values in scores.items()
            },
        }
        for kind in np.unique(kinds[kinds != ""])
    }
    evaluation = {
        "title": title,
        "input": "HDFS_2pct.log.xz" if "HDFS" in title else "shop.log",
        "main": main,
        **{key: value for key, value in figures[main].items() if key != "unseen_only"},
        "unseen_only": figures[main]["unseen_only"],
        "distinct": distinct(labels, scores[main], thresholds[main], prints, days=days),
        "audit": audit(asked, labels, train=trained, side=Side.of(test)),
        "detectors": figures,
        "split": parts.facts(sessions),
        **({"faults": faults} if faults else {}),
        "seed": 0,
        "version": "0.1.0",
        "created": "2025-03-04T10:20:30+00:00",
        "seconds": 41.8,
    }
    folder.mkdir(parents=True, exist_ok=True)
    _write(folder / "evaluation.json", evaluation)
    _write(folder / "history.json", {"pair_model": model.history})
    settings = {"seed": 0, "split": {"train": 0.4, "valid": 0.1, "test": 0.5}, "threshold": {"quantile": 0.99}}
    _write(folder / "run.json", {**settings, "detectors": {name: {} for name in rules}})
    columns = {name: test[name] for name in ("session_id", "service", "start", "label")}
    columns |= {"events": pa.array(asked.lengths.astype(np.int32)), "seen_in_training": pa.array(repeated)}
    pq.write_table(
        pa.table(columns | {f"score:{name}": pa.array(values) for name, values in scores.items()}),
        folder / "scores.parquet",
    )
    alerts = _alerts(test, records, model, scores[main], thresholds[main], main, np.flatnonzero(alarmed))
    document = {
        "records": len(records),
        "sessions": len(test),
        "quarantined": 0,
        "unknown_templates": 0,
        "alerts": alerts,
    }
    _write(folder / "alerts.json", document)
    return folder


def _vectors(sequences: Sequences, size: int) -> np.ndarray:
    cells = np.bincount(sequences.rows * size + sequences.values, minlength=len(sequences) * size)
    return cells.reshape(len(sequences), size).astype(float)


def _distance(vectors: np.ndarray, normal: np.ndarray) -> np.ndarray:
    """L1 distance to the nearest normal vector, over the events of the longer one."""
    longer = np.maximum(vectors.sum(1)[:, None], normal.sum(1)[None])
    return (np.abs(vectors[:, None] - normal[None]).sum(2) / longer).min(1)


def _sums(sequences: Sequences, values: np.ndarray) -> np.ndarray:
    return np.bincount(sequences.rows, weights=values, minlength=len(sequences))


def _write(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, allow_nan=False, indent=1))


def _alerts(
    test: pa.Table,
    records: pl.DataFrame,
    model: PairModel,
    scores: np.ndarray,
    limit: float,
    main: str,
    rows: np.ndarray,
) -> list[dict]:
    texts = {
        int(i): text for i, text in records.select("id", "template").unique("id").iter_rows() if i >= FIRST_TEMPLATE
    }
    bodies, sources = records["body"].to_list(), records["source"].to_list()
    alerts = []
    for number, row in enumerate(rows[np.argsort(-scores[rows], kind="stable")]):
        session = test.slice(int(row), 1).to_pylist()[0]
        sequence = Sequences.from_lists([session["template_ids"]])
        surprise, before = model.surprise(sequence), sequence.windows(1)[0][:, 0]
        unlikely = set(np.argsort(-surprise)[:3][np.sort(-surprise)[:3] < -4].tolist())
        evidence = []
        for place, record in enumerate(session["record_ids"]):
            ranked = FIRST_TEMPLATE + np.argsort(-model.next[before[place], FIRST_TEMPLATE:])[:3]
            evidence.append(
                {
                    "record_id": record,
                    "source": sources[record],
                    "line": record + 1,
                    "body": bodies[record],
                    "reason": f"unlikely here (surprise {surprise[place]:.1f} nats)" if place in unlikely else None,
                    "expected": [
                        {
                            "template_id": int(t),
                            "template": texts.get(int(t)),
                            "probability": float(model.next[before[place], t]),
                        }
                        for t in ranked
                    ]
                    if place in unlikely
                    else [],
                }
            )
        ratio = scores[row] / limit if limit else 9.0
        alerts.append(
            {
                "alert_id": f"a{number + 1:04}",
                "session_id": session["session_id"],
                "service": session["service"],
                "raised_at": session["end"].isoformat(),
                "detector": main,
                "score": float(scores[row]),
                "threshold": limit,
                "severity": "critical" if ratio > 3 else "high" if ratio > 1.5 else "medium",
                "evidence": evidence,
                "label": session["label"],
            }
        )
    return alerts
