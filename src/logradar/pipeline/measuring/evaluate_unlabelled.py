"""Evaluation without labels: next-event metrics, scores and alarms of a bundle on an input, which need none."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from logradar import __version__
from logradar.evaluation.audit import Side, audit
from logradar.evaluation.next_event import score_statistics
from logradar.model.bundle import Bundle
from logradar.pipeline.measuring import next_event_metrics as next_events
from logradar.pipeline.measuring.evaluation_data import timed, trained_on
from logradar.pipeline.measuring.measured import Measured


def document_without_labels(spec: str, source: str, bundle: Bundle, found: Measured, limit: float) -> dict[str, Any]:
    """The document of ``evaluate`` where no session has a label; ``limit`` is the threshold of the main detector.

    ``anomalies`` is None, and detectors have no figures that compare alarms with labels.
    """
    main, days = bundle.settings.detector, found.days
    detectors = {}
    for name, values in found.scores.items():
        value = limit if name == main else bundle.thresholds[name].value
        alerts = int((values > value).sum())
        detectors[name] = {
            "threshold": value,
            "alerts": alerts,
            "alert_rate": alerts / len(values),
            "alerts_per_day": alerts / days if days else None,
            "scores": score_statistics(values),
        }
    predicted = next_events.when_evaluated(bundle.detectors, bundle.validation, found.source, None, found.scores)
    return {
        "title": f"{source}: {len(found):,} sessions without labels",
        "input": "stdin" if spec == "-" else Path(spec).name,
        "trained_on": bundle.facts["input"],
        "main": main,
        "sessions": len(found),
        "anomalies": None,
        **detectors[main],
        "audit": audit(
            found.facts,
            None,
            train=trained_on(bundle),
            side=replace(Side.between(found.times), sequences=found.facts.prints, identities=found.identities),
            apart=Side.between(timed(found.times, bundle)),
        ),
        "caveats": [],
        "detectors": detectors,
        "split": bundle.facts["split"],
        "next_events": predicted,
        "seed": bundle.settings.seed,
        "version": __version__,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
    }
