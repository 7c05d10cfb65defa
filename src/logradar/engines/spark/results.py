"""Results: what the micro-batches of a stream found, each in a folder of its own, written once.

A micro-batch that is done again after a crash finds its folder and changes nothing, so nothing is reported twice.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from logradar import __version__
from logradar.alerting.incident_groups import IncidentSettings
from logradar.alerting.incidents import Incidents
from logradar.alerting.threshold import Threshold
from logradar.core.bundle import verify, writing
from logradar.core.errors import BundleError, StateError
from logradar.core.tables import ALERTS, RATE_CHANGES, empty
from logradar.engines.spark.messages import (
    ALERTED,
    CHANGES,
    CLOSED,
    READ,
    SCORED,
    Message,
    document,
    said,
    unpacked,
)
from logradar.model.bundle import Bundle
from logradar.scoring.drift_monitor import DriftMonitor
from logradar.scoring.scorer import in_order_of_severity
from logradar.scoring.stream import Step

FORMAT: Final = 1
_KEPT: Final = 3  # states
_STATE: Final = "state"
_FACTS: Final = "facts.json"
_SAME: Final = ("format", "bundle", "threshold", "incidents", "partitions")  # facts that may not change


class Results:
    """Puts messages together to alerts and incidents, below ``folder``; goes on where an earlier run ended.

    Raises `StateError` where the folder belongs to another bundle, threshold or kind of incident, or is damaged.
    """

    def __init__(
        self, folder: Path, bundle: Bundle, limit: Threshold, grouping: IncidentSettings, parts: int = 1
    ) -> None:
        self._folder, self._bundle, self._limit, self._grouping = folder, bundle, limit, grouping
        self._count = parts
        self._logs: dict[str, dict[str, Any]] = {}
        self._parts: dict[str, bytes] = {}
        self.reasons: Counter[str] = Counter()
        self._incidents = Incidents(grouping, bundle.settings.severity)
        folder.mkdir(parents=True, exist_ok=True)
        done = sorted(path for path in folder.iterdir() if path.name.isdecimal())
        self.last = int(done[-1].name) if done else -1
        if done:
            self._load(done[-1])

    def take(self, number: int, messages: Iterable[Message]) -> Step | None:
        """The step that micro-batch ``number`` was; None where it was taken by an earlier run."""
        found = list(messages)
        if number <= self.last:
            return None
        step = self._step(found)
        place = self._folder / f"{number:08}"
        with writing(place, {"kind": "results of a micro-batch", "logradar": __version__}) as draft:
            for name, table in (
                ("alerts", step.alerts),
                ("incidents", step.incidents),
                ("rate_changes", step.rate_changes),
            ):
                pq.write_table(table, draft / f"{name}.parquet", compression="zstd")
            for name, table in self._tables().items():
                pq.write_table(table, draft / f"{_STATE}-{name}.parquet", compression="zstd")
            (draft / _FACTS).write_bytes(said(**self._facts()))
        self.last = number
        self._forget()
        return step

    def _step(self, messages: list[Message]) -> Step:
        tables: dict[int, list[pa.Table]] = {ALERTED: [], CHANGES: []}
        closed = False
        for one in messages:
            if one.kind == READ:
                facts = document(one.payload)
                self.reasons.update(facts.pop("reasons"))
                self._logs[facts["log"]] = facts
            elif one.kind == SCORED:
                self._parts[f"{one.unit}:{one.part}"] = one.payload
            elif one.kind in tables:
                tables[one.kind].append(unpacked(one.payload))
            closed |= one.kind == CLOSED
        alerts = in_order_of_severity([table.cast(ALERTS) for table in tables[ALERTED]])
        changes = pa.concat_tables([empty(RATE_CHANGES), *tables[CHANGES]]).unify_dictionaries()
        now, horizons = self.drift().reached, [one["horizon"] for one in self._logs.values()]
        horizons += [self._of_part(payload)["oldest"] for payload in self._parts.values()]
        horizon = min((one for one in horizons if one is not None), default=None)
        incidents = [self._incidents.push(alerts, changes, now=now, horizon=horizon)]
        incidents.append(self._incidents.close() if closed else self._incidents.settle())
        return Step(alerts, incidents=pa.concat_tables(incidents), rate_changes=changes)

    def drift(self) -> DriftMonitor:
        """The drift of all parts."""
        drift = DriftMonitor(self._bundle, self._limit)
        for payload in self._parts.values():
            drift.merge(unpacked(payload))
        return drift

    def figures(self) -> dict[str, Any]:
        """Figures of all that came, as `logradar.pipeline.detect` reports them."""
        parts = [self._of_part(payload) for payload in self._parts.values()]
        drift = self.drift()
        return {
            "records": sum(one["records"] for one in self._logs.values()),
            "sessions": sum(one["sessions"] for one in parts),
            "quarantined": self.reasons.total(),
            "unknown_templates": drift.unknown,
            "silenced": sum(one["suppressed"] for one in parts),
            "drift": drift.drift(),
            "held_segments": sum(one["held"] for one in self._logs.values()),
        }

    @staticmethod
    def _of_part(payload: bytes) -> dict[str, Any]:
        return document(unpacked(payload).schema.metadata[b"figures"])

    def _tables(self) -> dict[str, pa.Table]:
        parts = pa.table({"part": list(self._parts), "payload": pa.array(self._parts.values(), pa.large_binary())})
        return {**self._incidents.tables(), "parts": parts}

    def _facts(self) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "bundle": self._bundle.identity,
            "threshold": self._limit.value,
            "incidents": self._grouping.model_dump(mode="json"),
            "partitions": self._count,
            "logs": self._logs,
            "reasons": dict(self.reasons),
        }

    def _load(self, folder: Path) -> None:
        try:
            verify(folder)
            facts = json.loads((folder / _FACTS).read_bytes())
            prefix = f"{_STATE}-"
            files = sorted(folder.glob(f"{prefix}*.parquet"))
            tables = {path.stem.removeprefix(prefix): pq.read_table(path) for path in files}
            mine = self._facts()
            other = [name for name in _SAME if facts[name] != mine[name]]
            if other:
                raise StateError(
                    f"The state in '{self._folder}' was written with another value of {other[0]}; choose the same, or "
                    "another folder."
                )
            self._incidents.restore(tables)
            self._parts = {row["part"]: row["payload"] for row in tables["parts"].to_pylist()}
            self._logs, self.reasons = facts["logs"], Counter(facts["reasons"])
        except (OSError, ValueError, KeyError, TypeError, BundleError, pa.ArrowInvalid):
            raise StateError(f"The state in '{self._folder}' is damaged; name another folder.") from None

    def _forget(self) -> None:
        """Results stay, of the states only the last."""
        for number in range(self.last - _KEPT, -1, -1):
            folder = self._folder / f"{number:08}"
            old = [*folder.glob(f"{_STATE}-*.parquet")]
            if not old:
                return
            for path in old:
                path.unlink()


def alerts_in(folder: Path) -> pa.Table:
    """All ALERTS of a stream, from the folder of its results, the most severe first."""
    return in_order_of_severity([pq.read_table(path).cast(ALERTS) for path in sorted(folder.glob("*/alerts.parquet"))])
