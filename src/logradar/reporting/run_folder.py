"""A run folder as the report reads it: those of its files that exist, each checked for its form.

``evaluate`` writes all of them, ``detect`` only alerts and scores; a bundle has the history of its training.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import polars as pl

from logradar.core.config import validated
from logradar.core.errors import InputError
from logradar.core.formatting import real
from logradar.core.redaction.redactor import Redactor
from logradar.core.redaction.settings import RedactionSettings

SCORE: Final = "score:"
FILES: Final = ("evaluation.json", "alerts.json", "scores.parquet", "history.json")


@dataclass(frozen=True)
class Run:
    """The files of one run; an attribute is empty where its file is absent.

    ``evaluation``, ``alerts`` (the whole document of ``detect --json``), ``settings`` and
    ``manifest`` are JSON objects. ``history`` has the rows of each detector's training. ``scores`` has one row
    per session and one column ``score:<detector>`` for each detector. docs/reference-evaluation.md lists the keys.
    """

    folder: Path
    evaluation: dict[str, Any] = field(default_factory=dict)
    alerts: dict[str, Any] = field(default_factory=dict)
    history: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    manifest: dict[str, Any] = field(default_factory=dict)
    scores: pl.DataFrame | None = None

    @classmethod
    def read(cls, folder: Path) -> Run:
        """Read a folder; `InputError` if it has nothing to report or a file is damaged."""
        if not folder.is_dir():
            raise InputError(f"The run folder '{folder}' does not exist; `logradar evaluate … -o DIR` writes one.")
        run = cls(
            folder,
            evaluation=_object(folder / "evaluation.json"),
            alerts=_alerts(folder / "alerts.json"),
            history=_history(folder),
            settings=_object(folder / "run.json") or _object(folder / "settings.json"),
            manifest=_object(folder / "manifest.json"),
            scores=_scores(folder / "scores.parquet"),
        )
        if not (run.evaluation or run.alerts or run.history or run.scores is not None):
            raise InputError(
                f"There is nothing to report in '{folder}': it has none of {', '.join(FILES)}. "
                "`logradar evaluate … -o DIR` writes them."
            )
        return run

    @property
    def sealed(self) -> bool:
        """Whether the folder is a bundle, to which no file may be added."""
        return "files" in self.manifest

    @property
    def main(self) -> str:
        """The detector that raises the alerts; an empty text where no file names one."""
        alerts = self.alerts.get("alerts") or [{}]
        return str(self.evaluation.get("main") or alerts[0].get("detector") or "")

    @property
    def raised(self) -> int:
        """How many alerts there were, including those that the document does not list."""
        listed, raised = len(self.alerts.get("alerts", [])), self.alerts.get("raised")
        return max(listed, int(raised)) if real(raised) else listed

    def listed_alerts(self) -> list[dict[str, Any]]:
        """The alerts that the document lists, with their session's label where only the scores have it."""
        alerts: list[dict[str, Any]] = self.alerts.get("alerts", [])
        if self.scores is None or not {"session_id", "label"} <= set(self.scores.columns):
            return alerts
        known = self.scores.select(pl.col("session_id").cast(pl.String), "label").drop_nulls()
        labels = dict(known.filter(pl.col("session_id").is_in([str(a.get("session_id")) for a in alerts])).iter_rows())
        return [
            alert if alert.get("label") is not None else {**alert, "label": labels.get(str(alert.get("session_id")))}
            for alert in alerts
        ]

    def redacted(self) -> Run:
        """The same with what must not be passed on masked in alerts, incidents and evaluation, as its settings say.

        Raises `ConfigError` for settings of redaction that are none.
        """
        wished = self.settings.get("redaction") or {}
        redactor = Redactor(validated(RedactionSettings, wished, "redaction"))
        alerts = redactor.document({**self.alerts, "alerts": self.listed_alerts()}) if self.alerts else {}
        return replace(self, alerts=alerts, evaluation=redactor.document(self.evaluation), scores=self.scores)

    @property
    def incidents(self) -> list[dict[str, Any]]:
        """The incidents that the document of alerts has; older documents have none."""
        found = self.alerts.get("incidents")
        return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []

    def section(self, key: str) -> dict[str, Any]:
        """One object of the evaluation; empty where it is absent."""
        value = self.evaluation.get(key)
        return value if isinstance(value, dict) else {}

    @property
    def calibration(self) -> list[dict[str, float]]:
        """The ranges of the calibration, as `logradar.evaluation.calibration` gives them."""
        ranges = self.section("calibration").get("ranges")
        rows = [one for one in ranges if isinstance(one, dict)] if isinstance(ranges, list) else []
        return [
            {"sessions": one["sessions"], "confidence": one["confidence"], "anomalous": one["anomalous"]}
            for one in rows
            if real(one.get("sessions"))
            and one["sessions"] > 0
            and all(real(one.get(name)) and 0 <= one[name] <= 1 for name in ("confidence", "anomalous"))
        ]

    @property
    def detectors(self) -> dict[str, dict[str, Any]]:
        """Figures by detector."""
        return {name: figures for name, figures in self.section("detectors").items() if isinstance(figures, dict)}

    @property
    def scored(self) -> list[str]:
        """The detectors that have a column of scores."""
        columns = self.scores.columns if self.scores is not None else []
        return [name.removeprefix(SCORE) for name in columns if name.startswith(SCORE)]

    @property
    def faults(self) -> dict[str, dict[str, Any]]:
        """Sessions and recall by detector for every kind of fault."""
        return {
            str(kind): row
            | {"recall": {name: share for name, share in row["recall"].items() if real(share) and 0 <= share <= 1}}
            for kind, row in self.section("faults").items()
            if isinstance(row, dict)
            and isinstance(row.get("recall"), dict)
            and real(row.get("sessions"))
            and row["sessions"] >= 0
        }


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes().decode("utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"'{path}' cannot be read: {error}. Write the run again.") from None


def _object(path: Path) -> dict[str, Any]:
    value = _json(path)
    if value is not None and not isinstance(value, dict):
        raise InputError(f"'{path}' must contain one JSON object, not a {type(value).__name__}.")
    return value or {}


def _alerts(path: Path) -> dict[str, Any]:
    document = _object(path)
    alerts = document.get("alerts", [])
    if not isinstance(alerts, list) or not all(isinstance(alert, dict) for alert in alerts):
        raise InputError(
            f"'{path}' must contain a list of alerts under 'alerts', as `logradar detect --json` writes it."
        )
    return document


def _history(folder: Path) -> dict[str, list[dict[str, Any]]]:
    """Rows by detector: from one file for all detectors, or from one file in the folder of each one of a bundle."""
    histories: dict[str, Any] = dict(_object(folder / "history.json"))
    paths = [*folder.glob("*/history.json"), *folder.glob("*/*/history.json")]
    paths += [path for below in ("*", "*/*", "*/*/*") for path in folder.glob(f"{below}/training_history.json")]
    for path in sorted(paths, key=lambda path: len(path.parts)):
        value = _json(path)
        histories |= value if isinstance(value, dict) else {path.parent.name: value}
    return {
        str(name): kept
        for name, rows in histories.items()
        if isinstance(rows, list) and (kept := [row for row in rows if isinstance(row, dict)])
    }


def _scores(path: Path) -> pl.DataFrame | None:
    if not path.is_file():
        return None
    try:
        scores = pl.read_parquet(path, glob=False)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise InputError(f"'{path}' cannot be read: {str(error).splitlines()[0]}. Write the run again.") from None
    floats = [pl.col(name).cast(pl.Float64) for name in scores.columns if name.startswith(SCORE)]
    return scores.with_columns(floats)
