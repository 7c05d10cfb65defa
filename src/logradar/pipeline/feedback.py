"""Feedback: tell a bundle which alerts were false alarms, so that the same finding stays silent."""

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
from logradar.model.bundle import FEEDBACK, Bundle
from logradar.scoring.signatures import identity

_NAMED: Final = ("alert_id", "session_id", "detector", "signature")


def give_feedback(
    bundle: Path, alerts: Path | None, *, false_alarms: Iterable[str] = (), undo: Iterable[str] = ()
) -> dict[str, Any]:
    """Accept alerts of a file that ``detect -o`` wrote as harmless, take back others, and tell what is accepted now.

    An alert is named by its id, or by its session's. The bundle is written anew and sealed again. Raises
    `InputError` for ids that are not there, for a file that is none of alerts, or of those of another bundle.
    """
    fitted = Bundle.load(bundle)
    wanted, gone = list(false_alarms), list(undo)
    if wanted and alerts is None:
        raise InputError("Name the file of alerts too, as `logradar detect … -o alerts.json` writes it.")
    if alerts is not None and not wanted:
        raise InputError("Say which alerts are false alarms: --false-alarm ID, once for each.")
    feedback = fitted.feedback.without(gone)
    if alerts is not None:
        feedback = feedback.add(_chosen(_read(alerts), wanted, alerts, identity(fitted)))
    if feedback != fitted.feedback:
        with amending(bundle) as draft:
            (draft / FEEDBACK).unlink(missing_ok=True)
            if len(feedback):
                (draft / FEEDBACK).write_text(feedback.to_json() + "\n")
    texts = fitted.texts
    told = [
        {**entry.model_dump(exclude={"signature"}), "finding": entry.signature.describe(texts)}
        for entry in feedback.accepted
    ]
    return {"bundle": str(bundle), "accepted": told}


def _chosen(alerts: list[dict[str, Any]], wanted: list[str], file: Path, bundle: str) -> list[Accepted]:
    known = {str(alert[name]): alert for name in ("session_id", "alert_id") for alert in alerts if alert.get(name)}
    missing = [one for one in wanted if one not in known]
    if missing:
        raise InputError(f"'{file}' has no alert '{missing[0]}'; {_near(missing[0], known)}")
    chosen = []
    for one in dict.fromkeys(wanted):
        alert = known[one]
        name = str(alert["alert_id"])
        if not alert.get("signature"):
            raise InputError(
                f"Alert '{name}' carries no signature, so it cannot be known again: its session is too long, its "
                "messages have no text, the bundle keeps no normal sessions (replay=0), or the file is an older one."
            )
        try:
            given = alert["signature"]
            signature = validated(Signature, json.loads(given) if isinstance(given, str) else given, "signature")
        except (ValueError, TypeError, ConfigError) as error:
            raise InputError(f"The signature of alert '{name}' in '{file}' cannot be read: {error}") from None
        if signature.bundle != bundle:
            raise InputError(f"'{file}' holds alerts of another bundle; run `logradar detect` with this one again.")
        session, detector = str(alert.get("session_id") or ""), str(alert.get("detector") or "")
        chosen.append(Accepted(id=name, session_id=session, detector=detector, signature=signature))
    return chosen


def _near(word: str, known: dict[str, Any]) -> str:
    if not known:
        return "it holds no alerts."
    told = did_you_mean(word, known)
    return told if told.startswith("did you") else f"it holds {len(known) // 2:,} alerts with other ids."


def _read(path: Path) -> list[dict[str, Any]]:
    """Alerts of a file as ``detect -o`` writes it; `InputError` for any other."""
    try:
        if path.suffix == ".parquet":
            table = pq.read_table(path)
            return table.select([name for name in _NAMED if name in table.column_names]).to_pylist()
        if path.suffix == ".csv":
            csv.field_size_limit(1 << 24)
            with path.open(newline="", encoding="utf-8") as file:
                found: Any = list(csv.DictReader(file))
        else:
            found = json.loads(path.read_text(encoding="utf-8"))
            found = found["alerts"] if isinstance(found, dict) else found
    except FileNotFoundError:
        raise InputError(
            f"There is no file '{path}'; `logradar detect BUNDLE INPUT -o {path.name}` writes it."
        ) from None
    except (OSError, ValueError, KeyError, csv.Error, RecursionError, pa.ArrowException) as error:
        raise InputError(f"'{path}' is no file of alerts as `logradar detect -o` writes it ({error}).") from None
    if not isinstance(found, list) or not all(isinstance(one, dict) and one.get("alert_id") for one in found):
        raise InputError(f"'{path}' is no file of alerts as `logradar detect -o` writes it.")
    return found
