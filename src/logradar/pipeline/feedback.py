"""Feedback: record in a bundle which alerts were false alarms, so that the same finding raises no alert again."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from logradar.alerting.feedback import Accepted
from logradar.alerting.signature import Signature
from logradar.core.bundle import amending
from logradar.core.config import validated
from logradar.core.errors import ConfigError, InputError, did_you_mean
from logradar.core.locks import locked
from logradar.model.bundle import FEEDBACK, Bundle

_NAMED: Final = ("alert_id", "session_id", "detector", "signature")


def give_feedback(
    bundle: Path, alerts: Path | None, *, false_alarms: Iterable[str] = (), undo: Iterable[str] = ()
) -> dict[str, Any]:
    """Accept ``false_alarms`` as harmless, take back those in ``undo``, and return what is accepted now.

    ``alerts`` is a file that ``detect -o`` wrote. An alert is named by its id, or by the id of its session. The
    bundle in folder ``bundle`` is written again and sealed. Raises `InputError` for ids that the file does not
    have, for a file that has no alerts, or has alerts of another bundle.
    """
    with locked(bundle, exclusive=True):  # several calls at once wait for one another: each adds to the one before
        return _given(bundle, alerts, false_alarms, undo)


def _given(bundle: Path, alerts: Path | None, false_alarms: Iterable[str], undo: Iterable[str]) -> dict[str, Any]:
    loaded = Bundle.load(bundle)
    ids = list(false_alarms)
    if ids and alerts is None:
        raise InputError("Name the file of alerts too, as `logradar detect … -o alerts.json` writes it.")
    if alerts is not None and not ids:
        raise InputError("Say which alerts are false alarms: --false-alarm ID, once for each.")
    feedback = loaded.feedback.without(list(undo))
    if alerts is not None:
        feedback = feedback.add(_chosen(_read(alerts), ids, alerts, loaded.identity))
    if feedback != loaded.feedback:
        with amending(bundle) as draft:
            (draft / FEEDBACK).unlink(missing_ok=True)
            if len(feedback):
                (draft / FEEDBACK).write_text(feedback.to_json() + "\n")
    texts = loaded.texts
    accepted = [
        {**entry.model_dump(exclude={"signature"}), "finding": entry.signature.describe(texts)}
        for entry in feedback.accepted
    ]
    return {"bundle": str(bundle), "accepted": accepted}


def _chosen(alerts: list[dict[str, Any]], ids: list[str], file: Path, bundle: str) -> list[Accepted]:
    """The alerts with these ids, with their signatures; ``bundle`` is the identity of the bundle."""
    known = {str(alert[name]): alert for name in ("session_id", "alert_id") for alert in alerts if alert.get(name)}
    missing = [id_ for id_ in ids if id_ not in known]
    if missing:
        raise InputError(f"'{file}' has no alert '{missing[0]}'; {_suggestion(missing[0], known)}")
    chosen = []
    for id_ in dict.fromkeys(ids):
        alert = known[id_]
        name = str(alert["alert_id"])
        if not alert.get("signature"):
            raise InputError(
                f"Alert '{name}' has no signature, so the same finding cannot be recognised again. Either its session "
                "is too long, or its messages have no text, or the bundle keeps no normal sessions (replay=0), or an "
                "older version wrote the file."
            )
        try:
            value = alert["signature"]
            signature = validated(Signature, json.loads(value) if isinstance(value, str) else value, "signature")
        except (ValueError, TypeError, ConfigError) as error:
            raise InputError(f"The signature of alert '{name}' in '{file}' cannot be read: {error}") from None
        if signature.bundle != bundle:
            raise InputError(f"'{file}' has alerts of another bundle; run `logradar detect` with this bundle again.")
        session, detector = str(alert.get("session_id") or ""), str(alert.get("detector") or "")
        chosen.append(Accepted(id=name, session_id=session, detector=detector, signature=signature))
    return chosen


def _suggestion(word: str, known: dict[str, Any]) -> str:
    if not known:
        return "it has no alerts."
    suggestion = did_you_mean(word, known)
    return suggestion if suggestion.startswith("did you") else f"it has {len(known) // 2:,} alerts with other ids."


def _read(path: Path) -> list[dict[str, Any]]:
    """The alerts of a file that ``detect -o`` wrote; `InputError` for any other file."""
    try:
        if path.suffix == ".parquet":
            table = pq.read_table(path)
            return table.select([name for name in _NAMED if name in table.column_names]).to_pylist()
        if path.suffix == ".csv":
            csv.field_size_limit(1 << 24)
            with path.open(newline="", encoding="utf-8") as file:
                alerts: Any = list(csv.DictReader(file))
        else:
            alerts = json.loads(path.read_text(encoding="utf-8"))
            alerts = alerts["alerts"] if isinstance(alerts, dict) else alerts
    except FileNotFoundError:
        raise InputError(
            f"There is no file '{path}'; `logradar detect BUNDLE INPUT -o {path.name}` writes it."
        ) from None
    except (OSError, ValueError, KeyError, csv.Error, RecursionError, pa.ArrowException) as error:
        raise InputError(f"'{path}' is not a file of alerts as `logradar detect -o` writes it ({error}).") from None
    if not isinstance(alerts, list) or not all(isinstance(row, dict) and row.get("alert_id") for row in alerts):
        raise InputError(f"'{path}' is not a file of alerts as `logradar detect -o` writes it.")
    return alerts
