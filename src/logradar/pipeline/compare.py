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
from logradar.core.outputs import PAGES, require_output
from logradar.core.sequences import Sequences
from logradar.evaluation.agreement import agreement, alone
from logradar.evaluation.audit import Side, audit
from logradar.evaluation.bootstrap import differences, intervals, resampled
from logradar.evaluation.caveats import caveats
from logradar.evaluation.metrics import Measured, measure
from logradar.evaluation.seed_averages import over_seeds
from logradar.evaluation.services import by_service, faults
from logradar.pipeline.measuring.comparison_inputs import Candidate, candidates
from logradar.pipeline.measuring.detection_delay import delay, kinds_of
from logradar.pipeline.measuring.evaluation_data import timed, trained_on
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
        """Write the page to ``place``; where that is a folder, also ``compare.json`` and ``scores.parquet``."""
        scores = pl.from_arrow(self.scores)
        assert isinstance(scores, pl.DataFrame)
        if place.suffix.lower() in PAGES:
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
    output: Path | None = None,
) -> Compared:
    """Compare the detectors of ``bundles`` on INPUT ``spec``, each at its own threshold.

    With labels they are measured, and each pair is compared by a paired bootstrap (``seed``); without labels the
    document has alerts and agreement only. ``only`` names the detectors to compare (empty: all). ``held_out`` and
    ``allow_overlap`` are those of `logradar.pipeline.evaluate.evaluate`. Of detectors with equal scores for
    all sessions, the document has the first. ``output`` is where the caller will write (`Compared.write`): `InputError`
    where that would change what is read.
    """
    began = time.monotonic()
    require_output(output, pages=PAGES)
    if not bundles:
        raise ConfigError("There is no bundle to compare; name one or more before the input.")
    with ExitStack() as stack:
        compared = candidates(bundles, spec, given, stack, only, held_out, allow_overlap, output)
        document, scores = _document(compared, spec, seed)
    document["overlap_allowed"] = allow_overlap
    document["seconds"] = round(time.monotonic() - began, 2)
    return Compared(document, scores)


def _document(compared: list[Candidate], spec: str, seed: int) -> tuple[dict[str, Any], pa.Table]:
    sessions, corpus = compared[0].sessions, compared[0].corpus
    labels = None if sessions["label"].null_count else sessions["label"].to_numpy().astype(bool)
    days = days_covered(sessions)
    scores, thresholds, figures = {}, {}, {}
    for candidate in compared:
        for detector, table in candidate.scores.items():
            name = detector if len(compared) == 1 else f"{candidate.name}/{detector}"
            scores[name], thresholds[name] = table["score"].to_numpy(), candidate.thresholds[detector]
            figures[name] = {
                "bundle": candidate.name,
                "detector": detector,
                "main": detector == candidate.main,
                "seconds": round(candidate.seconds[detector], 4),
                **_alerts(scores[name], thresholds[name], days),
                **(measure(labels, scores[name], thresholds[name], days=days) if labels is not None else {}),
            }
    identical = _identical(figures, scores, thresholds)
    kept = [name for name in figures if name not in identical]
    if labels is not None:
        kept.sort(key=lambda name: _rank(name, figures[name]))
    alarmed = {name: scores[name] > thresholds[name] for name in kept}
    document = {
        "title": f"{corpus.source}: {sessions.num_rows:,} sessions",
        "input": "stdin" if spec == "-" else Path(spec).name,
        "sessions": sessions.num_rows,
        "anomalies": None if labels is None else int(labels.sum()),
        "days": days,
        "bundles": {candidate.name: _bundle(candidate, labels) for candidate in compared},
        "detectors": {name: figures[name] for name in kept},
        "same_as": identical,
        "agreement": agreement(alarmed, labels),
        "services": by_service(sessions["service"].to_pylist(), alarmed, labels),
        **_with_labels(compared, labels, scores, alarmed, figures, seed),
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


def _alerts(scores: Floats, threshold: float, days: float | None) -> Measured:
    alerts = int((scores > threshold).sum())
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
        "threshold": threshold,
        "alerts": alerts,
        "alert_rate": alerts / len(scores) if len(scores) else None,
        "alerts_per_day": alerts / days if days else None,
        "scores": spread,
    }


def _with_labels(
    compared: list[Candidate],
    labels: Bools | None,
    scores: Mapping[str, Floats],
    alarmed: Mapping[str, Bools],
    figures: dict[str, Measured],
    seed: int,
) -> dict[str, Any]:
    """The parts of the document that need labels: intervals, pairs, delays, kinds of fault; and the seeds."""
    seeds = _seeds(compared, figures)
    if labels is None:
        return {"differences": [], "faults": None, "alone": None, "delay": None, "seeds": seeds}
    paired = dict(list(alarmed.items())[:MOST])
    drawn = resampled(labels, scores, paired, seed)
    for name in paired:
        figures[name]["intervals"] |= intervals(drawn, name)  # of F1 and the areas; shares have Wilson's
    return {
        "differences": differences(drawn, {name: figures[name] for name in paired}),
        "faults": faults(kinds_of(compared[0].corpus, compared[0].sessions), labels, alarmed),
        "alone": alone(alarmed, labels),
        "delay": _delays(compared, set(alarmed)),
        "seeds": seeds,
    }


def _delays(compared: list[Candidate], kept: set[str]) -> dict[str, Any]:
    by_detector: dict[str, Any] = {}
    for candidate in compared:
        delays = delay(candidate.bundle, candidate.corpus, candidate.sessions, candidate.scores, candidate.thresholds)
        for detector, figures in delays["detectors"].items():
            name = detector if len(compared) == 1 else f"{candidate.name}/{detector}"
            if name in kept:
                by_detector[name] = {"from": delays["from"], **figures}
    return by_detector


def _identical(
    figures: Mapping[str, Measured], scores: Mapping[str, Floats], thresholds: Mapping[str, float]
) -> dict[str, str]:
    """Detectors that equal an earlier one, with its name: same detector, same scores, same threshold."""
    first: dict[tuple[str, float, bytes], str] = {}
    same = {}
    for name, row in figures.items():
        earlier = first.setdefault((row["detector"], thresholds[name], scores[name].tobytes()), name)
        if earlier != name:
            same[name] = earlier
    return same


def _bundle(candidate: Candidate, labels: Bools | None) -> dict[str, Any]:
    """How a candidate was trained, and whether its figures can be trusted."""
    bundle, sessions = candidate.bundle, candidate.sessions
    facts, settings = bundle.facts, bundle.settings
    sequences = Sequences.from_arrow(sessions["template_ids"])
    side, apart = Side.of(sessions), Side.of(timed(sessions, bundle))
    checked = audit(sequences, labels, train=trained_on(bundle), side=side, apart=apart)
    values = tuple(name for name, detector in bundle.detectors.items() if detector.needs_values)
    notes = [*caveats(checked, {}, None, values), *checked["notes"]]
    return {
        "detector": candidate.main,
        "trained_on": facts["input"],
        "sessions": facts["sessions"],
        "split": facts["split"],
        "seed": settings.seed,
        "version": facts.get("logradar"),
        "audit": {**checked, "notes": notes},
    }


def _seeds(compared: list[Candidate], figures: Mapping[str, Measured]) -> list[dict[str, Any]]:
    """The detectors of bundles that differ only in their seed, each with the mean over these bundles."""
    families: dict[str, list[Candidate]] = defaultdict(list)
    for candidate in compared:
        bundle = candidate.bundle
        settings = bundle.settings.model_dump(mode="json", exclude={"seed": True, "input": {"data_dir"}})
        alike = [settings, bundle.facts["input"], bundle.facts["records"]]
        families[orjson.dumps(alike, option=orjson.OPT_SORT_KEYS).decode()].append(candidate)
    averages = []
    for family in families.values():
        seeds = sorted(candidate.bundle.settings.seed for candidate in family)
        if len(set(seeds)) < 2:
            continue
        for detector in family[0].scores:
            members = [candidate for candidate in family if detector in candidate.scores]
            averages.append(
                {
                    "detector": detector,
                    "main": detector == family[0].main,
                    "bundles": [candidate.name for candidate in family],
                    "seeds": seeds,
                    **over_seeds([figures[f"{candidate.name}/{detector}"] for candidate in members]),
                }
            )
    return averages
