"""Compare: several bundles, and the detectors inside each, on the same sessions of one input."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from logradar import __version__
from logradar.core.errors import ConfigError
from logradar.core.sequences import Sequences
from logradar.core.session_view import TEMPLATE_IDS
from logradar.evaluation.agreement import agreement, alone
from logradar.evaluation.audit import Side, audit
from logradar.evaluation.bootstrap import differences, intervals, resampled
from logradar.evaluation.caveats import limits as reach
from logradar.evaluation.metrics import Measured, measure
from logradar.evaluation.seed_averages import over_seeds
from logradar.evaluation.services import by_service, faults
from logradar.pipeline.comparison_inputs import Candidate, candidates
from logradar.pipeline.detection_delay import delay, kinds_of
from logradar.pipeline.evaluation_data import timed, trained_on
from logradar.reporting.comparison_page import write_comparison
from logradar.storage.grouping import days_covered

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
MOST = 24  # detectors that are compared pair by pair


@dataclass
class Compared:
    """The outcome of a comparison: the document, and the score of every session by every detector."""

    document: dict[str, Any]
    scores: pa.Table

    def write(self, place: Path) -> Path:
        """Write the page, ``place`` itself or in that folder beside ``compare.json`` and ``scores.parquet``."""
        scores = pl.from_arrow(self.scores)
        assert isinstance(scores, pl.DataFrame)
        if place.suffix.lower() in (".html", ".htm"):
            place.parent.mkdir(parents=True, exist_ok=True)
            return write_comparison(self.document, scores, place)
        place.mkdir(parents=True, exist_ok=True)
        (place / "compare.json").write_bytes(orjson.dumps(self.document, option=orjson.OPT_INDENT_2))
        pq.write_table(self.scores, place / "scores.parquet")
        return write_comparison(self.document, scores, place / "compare.html")


def compare(
    bundles: Sequence[Path],
    spec: str,
    *,
    given: dict[str, Any] | None = None,
    only: Sequence[str] = (),
    held_out: bool = False,
    allow_overlap: bool = False,
    seed: int = 0,
) -> Compared:
    """Put ``bundles`` side by side on INPUT ``spec``, each detector at its own threshold.

    With labels they are measured, and each pair is compared by a paired bootstrap (``seed``); without, the
    document tells alerts and agreement only. ``only`` names the detectors that are wanted; the last two are those of
    `logradar.pipeline.evaluate.evaluate`. Detectors that score all sessions alike are told once.
    """
    began = time.monotonic()
    if not bundles:
        raise ConfigError("There is no bundle to compare; name one or more before the input.")
    with ExitStack() as stack:
        found = candidates(bundles, spec, given, stack, only, held_out, allow_overlap)
        document, scores = _document(found, spec, seed)
    document["overlap_allowed"] = allow_overlap
    document["seconds"] = round(time.monotonic() - began, 2)
    return Compared(document, scores)


def _document(found: list[Candidate], spec: str, seed: int) -> tuple[dict[str, Any], pa.Table]:
    sessions, corpus = found[0].sessions, found[0].corpus
    labels = None if sessions["label"].null_count else sessions["label"].to_numpy().astype(bool)
    days = days_covered(sessions)
    scores, limits, figures = {}, {}, {}
    for one in found:
        for detector, table in one.scores.items():
            name = detector if len(found) == 1 else f"{one.name}/{detector}"
            scores[name], limits[name] = table["score"].to_numpy(), one.limits[detector]
            figures[name] = {
                "bundle": one.name,
                "detector": detector,
                "main": detector == one.main,
                "seconds": round(one.seconds[detector], 4),
                **_alerts(scores[name], limits[name], days),
                **(measure(labels, scores[name], limits[name], days=days) if labels is not None else {}),
            }
    identical = _identical(figures, scores, limits)
    kept = [name for name in figures if name not in identical]
    if labels is not None:
        kept.sort(key=lambda name: _rank(name, figures[name]))
    alarmed = {name: scores[name] > limits[name] for name in kept}
    document = {
        "title": f"{corpus.source}: {sessions.num_rows:,} sessions",
        "input": "stdin" if spec == "-" else Path(spec).name,
        "sessions": sessions.num_rows,
        "anomalies": None if labels is None else int(labels.sum()),
        "days": days,
        "bundles": {one.name: _bundle(one, labels) for one in found},
        "detectors": {name: figures[name] for name in kept},
        "same_as": identical,
        "agreement": agreement(alarmed, labels),
        "services": by_service(sessions["service"].to_pylist(), alarmed, labels),
        **_measured(found, labels, scores, alarmed, figures, seed),
        "seed": seed,
        "version": __version__,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    table = sessions.select(["session_id", "service", "start", "label"])
    for name in kept:
        table = table.append_column(f"score:{name}", pa.array(scores[name]))
    return document, table


def _rank(name: str, figures: Measured) -> tuple[float, bool, str]:
    """Best F1 first; where no anomaly is labelled, fewest alerts first; main detectors before others."""
    f1 = figures["f1"]
    return float(figures["alerts"]) if f1 is None else -f1, not figures["main"], name


def _alerts(scores: Floats, limit: float, days: float | None) -> Measured:
    alerts = int((scores > limit).sum())
    finite = scores[np.isfinite(scores)]
    spread = (
        {
            name: float(value)
            for name, value in zip(("min", "median", "p99", "max"), np.quantile(finite, [0, 0.5, 0.99, 1]), strict=True)
        }
        if len(finite)
        else None
    )
    return {
        "threshold": limit,
        "alerts": alerts,
        "alert_rate": alerts / len(scores) if len(scores) else None,
        "alerts_per_day": alerts / days if days else None,
        "scores": spread,
    }


def _measured(
    found: list[Candidate],
    labels: Bools | None,
    scores: Mapping[str, Floats],
    alarmed: Mapping[str, Bools],
    figures: dict[str, Measured],
    seed: int,
) -> dict[str, Any]:
    """What takes labels: intervals, pairs, delays, kinds of fault, seeds."""
    if labels is None:
        return {"differences": [], "faults": None, "alone": None, "delay": None, "seeds": _seeds(found, figures)}
    few = dict(list(alarmed.items())[:MOST])
    drawn = resampled(labels, scores, few, seed)
    for name in few:
        figures[name]["intervals"] |= intervals(drawn, name)  # of F1 and the areas; shares have Wilson's
    return {
        "differences": differences(drawn, {name: figures[name] for name in few}),
        "faults": faults(kinds_of(found[0].corpus, found[0].sessions), labels, alarmed),
        "alone": alone(alarmed, labels),
        "delay": _delays(found, set(alarmed)),
        "seeds": _seeds(found, figures),
    }


def _delays(found: list[Candidate], kept: set[str]) -> dict[str, Any]:
    told: dict[str, Any] = {}
    for one in found:
        delays = delay(one.fitted, one.corpus, one.sessions, one.scores, one.limits)
        named = {(name if len(found) == 1 else f"{one.name}/{name}"): d for name, d in delays["detectors"].items()}
        told |= {name: {"from": delays["from"], **d} for name, d in named.items() if name in kept}
    return told


def _identical(
    figures: Mapping[str, Measured], scores: Mapping[str, Floats], limits: Mapping[str, float]
) -> dict[str, str]:
    """Detectors that are another one's equal: of the same name, with the same scores and threshold."""
    first: dict[tuple[str, float, bytes], str] = {}
    same = {}
    for name, one in figures.items():
        other = first.setdefault((one["detector"], limits[name], scores[name].tobytes()), name)
        if other != name:
            same[name] = other
    return same


def _bundle(one: Candidate, labels: Bools | None) -> dict[str, Any]:
    """Where a candidate comes from, and whether its figures can be trusted."""
    facts, settings = one.fitted.facts, one.fitted.settings
    sequences = Sequences.from_arrow(one.sessions["template_ids"])
    side, apart = Side.of(one.sessions), Side.of(timed(one.sessions, one.fitted))
    checked = audit(sequences, labels, train=trained_on(one.fitted), side=side, apart=apart)
    values = tuple(name for name, detector in one.fitted.detectors.items() if detector.inputs != TEMPLATE_IDS)
    told = [*reach(checked, {}, None, values), *checked["notes"]]
    return {
        "detector": one.main,
        "trained_on": facts["input"],
        "sessions": facts["sessions"],
        "split": facts["split"],
        "seed": settings.seed,
        "version": facts.get("logradar"),
        "audit": {**checked, "notes": told},
    }


def _seeds(found: list[Candidate], figures: Mapping[str, Measured]) -> list[dict[str, Any]]:
    """Detectors of bundles that differ in their seed only, each with the mean over these bundles."""
    families: dict[str, list[Candidate]] = defaultdict(list)
    for one in found:
        settings = one.fitted.settings.model_dump(mode="json", exclude={"seed": True, "input": {"data_dir"}})
        alike = [settings, one.fitted.facts["input"], one.fitted.facts["records"]]
        families[orjson.dumps(alike, option=orjson.OPT_SORT_KEYS).decode()].append(one)
    told = []
    for family in families.values():
        if len({one.fitted.settings.seed for one in family}) < 2:
            continue
        for detector in family[0].scores:
            runs = [figures[f"{one.name}/{detector}"] for one in family if detector in one.scores]
            seeds = sorted(one.fitted.settings.seed for one in family)
            told.append(
                {
                    "detector": detector,
                    "main": detector == family[0].main,
                    "bundles": [one.name for one in family],
                    "seeds": seeds,
                    **over_seeds(runs),
                }
            )
    return told
