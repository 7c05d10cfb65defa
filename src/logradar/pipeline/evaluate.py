"""Evaluate: a bundle against labelled logs, all detectors side by side, with an audit."""

from __future__ import annotations

import json
import time
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
from logradar.alerting.alerts import anomalous
from logradar.alerting.threshold import Threshold
from logradar.core.sequences import Sequences
from logradar.evaluation.audit import Side, audit, distinguishable, seen_in
from logradar.evaluation.caveats import caveats
from logradar.evaluation.curves import Bools
from logradar.evaluation.metrics import distinct, measure, unseen_only
from logradar.evaluation.services import by_service, faults
from logradar.model.bundle import Bundle, input_settings
from logradar.pipeline import next_event_metrics as next_events
from logradar.pipeline.checkpoint_weights import with_checkpoint
from logradar.pipeline.detect import Detected
from logradar.pipeline.detection_delay import delay, kinds_of
from logradar.pipeline.evaluate_unlabelled import document_without_labels
from logradar.pipeline.evaluation_data import Measured, measured, novelty, timed, trained_on
from logradar.reporting.figures import write_pictures
from logradar.reporting.run_folder import Run
from logradar.scoring.drift_monitor import DriftMonitor
from logradar.scoring.scorer import Scorer
from logradar.scoring.thresholds import notes, plan_threshold
from logradar.sources.opening.opening import require_event_ids
from logradar.storage.day_files import DayCorpus
from logradar.storage.grouping import days_covered
from logradar.storage.records import Corpus, collect, opening

MOST_ALERTS = 500


@dataclass
class Evaluated:
    """The outcome of an evaluation: the document, scores of every session, and the alerts."""

    document: dict[str, Any]
    scores: pa.Table
    detected: Detected
    bundle: Bundle

    def write(self, folder: Path) -> None:
        """Write the run folder that `logradar.reporting.evaluation_page` reads."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "evaluation.json").write_bytes(orjson.dumps(self.document, option=orjson.OPT_INDENT_2))
        (folder / "alerts.json").write_bytes(orjson.dumps(self.detected.to_json(), option=orjson.OPT_INDENT_2))
        (folder / "run.json").write_text(json.dumps(self.bundle.settings.model_dump(mode="json"), indent=1))
        (folder / "history.json").write_text(json.dumps(self.bundle.history))
        pq.write_table(self.scores, folder / "scores.parquet")
        if figures := self.document["next_events"]:
            (folder / "next-events.txt").write_text(next_events.readable(figures))

    def draw(self, folder: Path) -> list[Path]:
        """Write the pictures as PNG files, as `logradar.reporting.figures.write_pictures` does; returns their paths."""
        scores = pl.DataFrame(self.scores)
        history = self.bundle.history
        alerts = self.detected.to_json()
        return write_pictures(Run(folder, self.document, alerts, history, scores=scores), folder)


def evaluate(
    bundle: Path,
    spec: str,
    *,
    given: dict[str, Any] | None = None,
    threshold: float | None = None,
    alerts_per_day: float | None = None,
    held_out: bool = False,
    checkpoint: Path | None = None,
    allow_overlap: bool = False,
    precision: float | None = None,
) -> Evaluated:
    """Measure a bundle on INPUT ``spec``, which has labels; or without labels how well it predicts events.

    Sessions that took part in training, or lie in its time, are an error, unless ``allow_overlap`` is set;
    ``held_out`` leaves them out (see `logradar.pipeline.evaluation_data.unseen`). ``checkpoint`` holds weights that are
    measured in place of the bundle's (see `logradar.pipeline.checkpoint_weights.with_checkpoint`). Without labels
    there are next-event metrics, score statistics and alarms; `DataError` where the bundle has no network either.
    """
    began = time.monotonic()
    loaded = Bundle.load(bundle)
    if checkpoint is not None:
        loaded = with_checkpoint(loaded, checkpoint)
    planned = plan_threshold(loaded, threshold, alerts_per_day, precision)
    limit = planned.value
    with opening(spec, input_settings(loaded, given)) as (opened, home):
        days = loaded.miner.uses_event_ids
        corpus = DayCorpus.collect(require_event_ids(opened), home) if days else collect(opened, home)
        found = measured(corpus, loaded, home, spec, limit, held_out=held_out, overlap=allow_overlap)
        sessions, scores = found.sessions, found.scores
        rows = anomalous(scores[loaded.settings.detector], limit)
        main = scores[loaded.settings.detector]
        looked = rows if len(loaded.feedback) else rows[:MOST_ALERTS]
        scorer = Scorer(loaded, planned)
        explained = scorer.explain(sessions.take(pa.array(looked)), main.take(pa.array(looked)), corpus.lines)
        alerts = scorer.alerts(explained.remaining(MOST_ALERTS), corpus.lines)
        suppressed = looked[~explained.kept]
        if found.labelled:
            document = _document(spec, loaded, corpus, found, limit)
            by_bundle = threshold is alerts_per_day is precision is None
            values = tuple(name for name, detector in loaded.detectors.items() if detector.needs_values)
            document["caveats"] = caveats(
                document["audit"], document["detectors"], novelty(loaded) if by_bundle else None, values
            )
        else:
            document = document_without_labels(spec, corpus.source, loaded, found, limit)
        document["audit"]["overlap_allowed"] = allow_overlap
        document["checkpoint"] = loaded.facts.get("checkpoint")
        if trimmed := loaded.facts["split"].get("trimmed"):
            document["audit"]["notes"].append(
                f"Training left out {trimmed:,} normal sessions, those least like the others (split.trim)."
            )
        document |= _watched(loaded, sessions, main, planned, suppressed)
        document["notes"] = notes(planned, alerts_per_day, precision)
    document["seconds"] = round(time.monotonic() - began, 2)
    figures = {
        "records": corpus.records,
        "sessions": sessions.num_rows,
        "quarantined": corpus.quarantined,
        "unknown_templates": document["audit"]["unknown_templates"]["events"],
        "raised": len(rows) - len(suppressed),
        "silenced": len(suppressed),
        "drift": document["drift"],
        "notes": document["notes"],
    }
    return Evaluated(document, _score_table(sessions, scores, loaded), Detected(alerts, figures), loaded)


def _watched(
    bundle: Bundle, sessions: pa.Table, scores: pa.Table, limit: Threshold, silent: npt.NDArray[np.int64]
) -> dict[str, Any]:
    """The main detector's figures with feedback, where there is any, and whether its threshold holds here."""
    watch = DriftMonitor(bundle, limit)
    watch.add(sessions, scores, silent)
    found: dict[str, Any] = {"drift": watch.drift(), "with_feedback": None}
    if len(bundle.feedback) and not sessions["label"].null_count:
        values = scores["score"].to_numpy().copy()
        values[silent] = np.minimum(values[silent], limit.value)
        labels = sessions["label"].to_numpy().astype(bool)
        figures = measure(labels, values, limit.value, days=days_covered(sessions))
        lost = int(labels[silent].sum())
        given = {"given": len(bundle.feedback), "silenced": len(silent), "silenced_anomalies": lost}
        found["with_feedback"] = {**given, **figures}
    return found


def _document(spec: str, bundle: Bundle, corpus: Corpus | DayCorpus, found: Measured, limit: float) -> dict[str, Any]:
    sessions, scores = found.sessions, found.scores
    labels = sessions["label"].to_numpy().astype(bool)
    sequences = Sequences.from_arrow(sessions["template_ids"])
    known = _known(bundle, sequences)
    days = days_covered(sessions)
    main = bundle.settings.detector
    detectors = {}
    for name, table in scores.items():
        values = table["score"].to_numpy()
        value = limit if name == main else bundle.thresholds[name].value
        detectors[name] = {
            **measure(labels, values, value, days=days),
            "unseen_only": unseen_only(labels, values, value, known, days=days),
            "distinct": distinct(labels, values, value, sequences.fingerprints(), days=days),
        }
    limits = {name: limit if name == main else bundle.thresholds[name].value for name in scores}
    alarmed = {name: table["score"].to_numpy() > limits[name] for name, table in scores.items()}
    return {
        "title": f"{corpus.source}: {sessions.num_rows:,} sessions",
        "input": "stdin" if spec == "-" else Path(spec).name,
        "trained_on": bundle.facts["input"],
        "main": main,
        **detectors[main],
        "audit": audit(
            sequences,
            labels,
            train=trained_on(bundle),
            side=Side.of(sessions),
            apart=Side.of(timed(sessions, bundle)),
        ),
        "detectors": detectors,
        "split": bundle.facts["split"],
        "next_events": next_events.when_evaluated(bundle.detectors, bundle.validation, sessions, scores),
        "faults": faults(kinds_of(corpus, sessions), labels, alarmed),
        "services": by_service(_services(sessions), alarmed, labels),
        "delay": delay(bundle, corpus, *found.anomalies(), limits),
        "seed": bundle.settings.seed,
        "version": __version__,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _services(sessions: pa.Table) -> npt.NDArray[np.object_]:
    """The service of each session; equal names are one object."""
    column = sessions["service"].combine_chunks()
    names = np.array([*column.dictionary.to_pylist(), None], object)
    named: npt.NDArray[np.object_] = names[column.indices.fill_null(len(names) - 1).to_numpy()]
    return named


def _known(bundle: Bundle, sequences: Sequences) -> Bools:
    """Which sequences occur in training, or might: what is measured as unseen was not there."""
    prints = sequences.fingerprints()
    return seen_in(bundle.seen.sequences, prints) | ~distinguishable(bundle.seen.sequences, prints)


def _score_table(sessions: pa.Table, scores: dict[str, pa.Table], bundle: Bundle) -> pa.Table:
    sequences = Sequences.from_arrow(sessions["template_ids"])
    table = sessions.select(["session_id", "service", "start", "label"])
    table = table.append_column("events", pa.array(sequences.lengths.astype(np.int32)))
    known = _known(bundle, sequences)
    table = table.append_column("seen_in_training", pa.array(known))
    for name, scored in scores.items():
        table = table.append_column(f"score:{name}", scored["score"])
    return table
