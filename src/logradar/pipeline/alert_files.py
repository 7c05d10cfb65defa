"""Files of alerts as feedback reads them: each alert with what names its kind."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from logradar.alerting.deviation import EXACT, deviation
from logradar.alerting.feedback import Accepted
from logradar.alerting.signature import Signature
from logradar.core.config import validated
from logradar.core.errors import ConfigError, InputError

Kind = tuple[str, frozenset[str]]
_NAMED: Final = (
    *("alert_id", "session_id", "service", "services", "started_at", "raised_at", "detector", "signature", "evidence"),
)


@dataclass(frozen=True, eq=False)
class ListedAlert:
    """One alert of a ``file``, as JSON, CSV or Parquet have it."""

    row: Mapping[str, Any]
    file: Path

    @property
    def id(self) -> str:
        """Its id, by which people name it on the command line."""
        return str(self.row["alert_id"])

    @property
    def session_id(self) -> str:
        """The id of its session; empty where the file has none."""
        return str(self.row.get("session_id") or "")

    @cached_property
    def began(self) -> datetime | None:
        """When its session began, or else was over; None where no time is known."""
        for name in ("started_at", "raised_at"):
            value = self.row.get(name)
            try:
                moment = value if isinstance(value, datetime) else datetime.fromisoformat(value) if value else None
            except (ValueError, TypeError):
                continue
            if moment is not None:
                return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return None

    @cached_property
    def signature(self) -> Signature:
        """How it differs from normal sessions; raises `InputError` where the file does not say it."""
        value = self.row.get("signature")
        if not value:
            raise InputError(
                f"Alert '{self.id}' has no signature, so the same finding cannot be recognised again. Either its "
                "session is too long, or its messages have no text, or the bundle keeps no normal sessions (replay=0), "
                "or the file was written with --redact or by an older version."
            )
        try:
            return validated(Signature, json.loads(value) if isinstance(value, str) else value, "signature")
        except (ValueError, TypeError, ConfigError) as error:
            raise InputError(f"The signature of alert '{self.id}' in '{self.file}' cannot be read: {error}") from None

    @cached_property
    def kind(self) -> Kind:
        """In which way it is unusual, and by what exactly; equal for alerts of one kind."""
        evidence = self.row.get("evidence")
        services = self.row.get("services")
        found = deviation(
            {
                "signature": self.signature.model_dump_json(),
                "evidence": [one for one in evidence if isinstance(one, dict)] if isinstance(evidence, list) else [],
                "services": services.split() if isinstance(services, str) else services,
                "service": self.row.get("service"),
            }
        )
        exact = frozenset(mark for mark in found.marks if mark.startswith(EXACT))
        return found.way, exact or found.marks

    def accepted(self, **more: Any) -> Accepted:
        """This alert as feedback stores it."""
        detector = str(self.row.get("detector") or "")
        return Accepted(id=self.id, session_id=self.session_id, detector=detector, signature=self.signature, **more)


def listed_alerts(path: Path) -> list[ListedAlert]:
    """The alerts of a file that ``detect -o`` wrote; `InputError` for any other file."""
    try:
        if path.suffix == ".parquet":
            table = pq.read_table(path)
            alerts: Any = table.select([name for name in _NAMED if name in table.column_names]).to_pylist()
        elif path.suffix == ".csv":
            csv.field_size_limit(1 << 24)
            with path.open(newline="", encoding="utf-8") as file:
                alerts = list(csv.DictReader(file))
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
    return [ListedAlert(row, path) for row in alerts]
