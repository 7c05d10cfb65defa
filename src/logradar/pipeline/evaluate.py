"""Evaluate: a bundle against labelled logs, all detectors side by side, with an audit."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
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
from logradar.alerting.incidents import incidents_of
from logradar.alerting.threshold import Threshold
from logradar.core.memory import give_back
from logradar.core.outputs import require_output
from logradar.evaluation.audit import Hashes, Side, audit, distinguishable, seen_in
from logradar.evaluation.calibration import calibration
from logradar.evaluation.caveats import caveats
from logradar.evaluation.curves import Bools
from logradar.evaluation.metrics import distinct, measure, unseen_only
from logradar.evaluation.services import by_service, faults
from logradar.model.bundle import Bundle, input_settings
from logradar.pipeline.detection.detected import Detected
from logradar.pipeline.measuring import next_event_metrics as next_events
from logradar.pipeline.measuring.detection_delay import delay, kinds_of
from logradar.pipeline.measuring.evaluate_unlabelled import document_without_labels
from logradar.pipeline.measuring.evaluation_data import measured, novelty, timed, trained_on
from logradar.pipeline.measuring.measured import Measured
from logradar.reporting.figures import write_pictures
from logradar.reporting.run_folder import Run
from logradar.scoring.drift_monitor import DriftMonitor
from logradar.scoring.scorer import Scorer, in_order_of_severity
from logradar.scoring.thresholds import notes, plan_threshold
from logradar.sources.opening.opening import require_event_ids
from logradar.storage.day_files import DayCorpus
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
            (folder / "next-events.txt").write_text(next_events.readable(figures), "utf-8")

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
    outputs: Sequence[Path | None] = (),
) -> Evaluated:
    """Measure a bundle on INPUT ``spec``, which has labels; or without labels how well it predicts events.

    Sessions that took part in training, or lie in its time, are an error, unless ``allow_overlap`` is set;
    ``held_out`` leaves them out (see `logradar.pipeline.measuring.evaluation_data.unseen`). ``checkpoint`` holds
    weights that are measured in place of the bundle's (see `logradar.pipeline.checkpoint_weights.with_checkpoint`).
    Without labels there are next-event metrics, score statistics and alarms; `DataError` where the bundle has no
    network either.
    ``outputs`` are folders to which the caller will write: `InputError` where that would change what is read.
    """
    began = time.monotonic()
    require_output(*outputs)
    loaded = Bundle.load(bundle)
    if checkpoint is not None:
        from logradar.pipeline.checkpoint_weights import with_checkpoint  # reads networks

        loaded = with_checkpoint(loaded, checkpoint)
    planned = plan_threshold(loaded, threshold, alerts_per_day, precision)
    limit = planned.value
    with opening(spec, input_settings(loaded, given), outputs=outputs) as (opened, home):
        days = loaded.miner.uses_event_ids
        corpus = DayCorpus.collect(require_event_ids(opened), home) if days else collect(opened, home)
        found = measured(corpus, loaded, home, spec, limit, held_out=held_out, overlap=allow_overlap)
        sessions, main = found.sessions, found.scored[loaded.settings.detector]
        rows = anomalous(main, limit)  # among the sessions that are whole here, which are all that raise an alarm
        looked = rows if len(loaded.feedback) else rows[:MOST_ALERTS]
        scorer = Scorer(loaded, planned)
        explained = scorer.explain(sessions.take(pa.array(looked)), main.take(pa.array(looked)), corpus.lines)
        alerts = in_order_of_severity([scorer.alerts(explained.remaining(MOST_ALERTS), corpus.lines)])
        suppressed = np.sort(found.rows[looked[~explained.kept]])
        if found.labelled:
            document = _document(spec, loaded, corpus, found, limit)
            alarmed = found.rows[rows]
            sure = scorer.confidence.of(found.scores[loaded.settings.detector][alarmed])
            document["calibration"] = calibration(found.labels[alarmed], sure)
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
            why = "those that are suspect" if "unlabelled" in loaded.facts["split"] else "those least like the others"
            document["audit"]["notes"].append(
                f"Training left out {trimmed:,} sessions that no label calls anomalous, {why} (split.trim)."
            )
        give_back()
        watched, reached = _watched(loaded, found, planned, suppressed)
        document |= watched
        document["notes"] = notes(planned, alerts_per_day, precision, loaded.facts.get("sessions_per_day"))
        give_back()
        scores = found.score_table(_known(loaded, found.facts.prints))
    document["seconds"] = round(time.monotonic() - began, 2)
    figures = {
        "records": corpus.records,
        "sessions": len(found),
        "quarantined": corpus.quarantined,
        "unknown_templates": document["audit"]["unknown_templates"]["events"],
        "raised": len(rows) - len(suppressed),
        "silenced": len(suppressed),
        "drift": document["drift"],
        "notes": document["notes"],
    }
    incidents = incidents_of(alerts, loaded.settings.incidents, loaded.settings.severity, now=reached)
    return Evaluated(document, scores, Detected(alerts, figures, incidents=incidents), loaded)


def _watched(
    bundle: Bundle, found: Measured, limit: Threshold, silent: npt.NDArray[np.int64]
) -> tuple[dict[str, Any], int | None]:
    """The main detector's figures with feedback, where there is any, and whether its threshold holds here.

    The second value is the end of the last session (microseconds). ``silent`` are the rows (rising) that feedback
    explains.
    """
    watch, scores = DriftMonitor(bundle, limit), found.scores[bundle.settings.detector]
    for rows, table in found.pieces(["start", "end", "template_ids"]):
        inside = silent[(silent >= rows.start) & (silent < rows.stop)] - rows.start
        watch.add(table, pa.table({"score": scores[rows]}), inside)
    figures: dict[str, Any] = {"drift": watch.drift(), "with_feedback": None}
    if len(bundle.feedback) and found.labelled:
        values = scores.copy()
        values[silent] = np.minimum(values[silent], limit.value)
        lost = int(found.labels[silent].sum())
        given = {"given": len(bundle.feedback), "silenced": len(silent), "silenced_anomalies": lost}
        figures["with_feedback"] = {**given, **measure(found.labels, values, limit.value, days=found.days)}
    return figures, watch.reached


def _document(spec: str, bundle: Bundle, corpus: Corpus | DayCorpus, found: Measured, limit: float) -> dict[str, Any]:
    scores, labels, prints = found.scores, found.labels, found.facts.prints
    known = _known(bundle, prints)
    days = found.days
    main = bundle.settings.detector
    detectors = {}
    for name, values in scores.items():
        value = limit if name == main else bundle.thresholds[name].value
        detectors[name] = {
            **measure(labels, values, value, days=days),
            "unseen_only": unseen_only(labels, values, value, known, days=days),
            "distinct": distinct(labels, values, value, prints, days=days),
        }
        give_back()
    checked = audit(
        found.facts,
        labels,
        train=trained_on(bundle),
        side=replace(Side.between(found.times), sequences=prints, identities=found.identities),
        apart=Side.between(timed(found.times, bundle)),
    )
    give_back()
    limits = {name: limit if name == main else bundle.thresholds[name].value for name in scores}
    alarmed = {name: values > limits[name] for name, values in scores.items()}
    give_back()
    anomalies, scored = found.anomalies()
    kinds = kinds_of(corpus, anomalies.filter(anomalies["label"]))
    services = by_service(found.services, alarmed, labels)
    give_back()
    return {
        "title": f"{corpus.source}: {len(found):,} sessions",
        "input": "stdin" if spec == "-" else Path(spec).name,
        "trained_on": bundle.facts["input"],
        "main": main,
        **detectors[main],
        "audit": checked,
        "detectors": detectors,
        "split": bundle.facts["split"],
        "next_events": next_events.when_evaluated(bundle.detectors, bundle.validation, found.source, labels, scores),
        "faults": faults(kinds, labels[labels], {name: alarms[labels] for name, alarms in alarmed.items()}),
        "services": services,
        "delay": delay(bundle, corpus, anomalies, scored, limits),
        "seed": bundle.settings.seed,
        "version": __version__,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _known(bundle: Bundle, prints: Hashes) -> Bools:
    """Which sequences occur in training, or might: what is measured as unseen was not there."""
    return seen_in(bundle.seen.sequences, prints) | ~distinguishable(bundle.seen.sequences, prints)
