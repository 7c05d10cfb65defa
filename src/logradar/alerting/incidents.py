"""Incidents: alerts and rate changes that have one cause, whatever the order in which they come.

``push`` takes what a batch brought and gives the incidents that changed; ``close`` ends the input. What is remembered
are bursts of alerts (`logradar.alerting.burst`), which are put together the same way in any order; which bursts are
one incident is computed anew from them (`logradar.alerting.incident_groups`). So it makes no difference where batches
end. Where bursts are many, this waits until as much has come: the work grows with the alerts, not with their square.
A day after its last alert an incident can no longer grow, unless a session is open that long; then only its marks
are remembered, to recognise its kind.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

import orjson
import pyarrow as pa

from logradar.alerting.burst import Burst
from logradar.alerting.burst_index import BurstIndex
from logradar.alerting.burst_table import bursts_of, bursts_table
from logradar.alerting.incident_groups import SECOND, IncidentSettings, groups
from logradar.alerting.incident_rows import MERGED, RESOLVED, incident_id, is_incident, kind_of, row_of, whole
from logradar.alerting.known_kinds import KnownKinds
from logradar.alerting.severity import SeveritySettings, Signs, parts_of, severity
from logradar.core.tables import ALERTS, ERROR, INCIDENTS, SEVERITIES, WARN, check

KEPT: Final = 86_400 * 1_000_000  # microseconds after which nothing joins an incident any more
_FEW: Final = 256  # bursts that are compared whenever something comes
_EACH: Final = 16  # bursts more for each alert that came, and for each second that went by
_SILENT: Final = MappingProxyType({True: ERROR, False: WARN})  # level of the silence of a service, of a message
NO_INCIDENTS: Final = INCIDENTS.empty_table()
_WITHDRAWN: Final[dict[str, Any]] = {  # an early alert whose whole session is none
    **dict.fromkeys(INCIDENTS.names),
    **dict.fromkeys(("severity_score", "initial_severity_score"), 0.0),
    **dict.fromkeys(("alerts", "rate_changes"), 0),
    **dict.fromkeys(("services", "alert_ids", "rate_change_ids", "candidates"), ()),
    "severity": SEVERITIES[0],
    "kind": "",
    "title": "",
}
_REPORTED: Final = pa.schema([("incident_id", pa.string()), ("digest", pa.string()), ("open", pa.bool_())])


class Incidents:
    """Puts ALERTS and RATE_CHANGES together to INCIDENTS.

    >>> Incidents().push(ALERTS.empty_table()).num_rows
    0
    """

    def __init__(self, settings: IncidentSettings | None = None, severities: SeveritySettings | None = None) -> None:
        self._settings, self._severities = settings or IncidentSettings(), severities or SeveritySettings()
        self._index = BurstIndex(self._settings.burst)
        self._early: dict[str, Burst] = {}  # of alerts whose session is not over
        self._rates: dict[str, Burst] = {}  # of rate changes, which may go on
        self._known = KnownKinds()
        self._now = 0
        self._horizon: int | None = None
        self._digests: dict[str, str] = {}  # of the rows that were reported, by incident id
        self._open: set[str] = set()
        self._due = 0  # when the next incident is over
        self._waiting = False  # whether something came that is not in any incident yet
        self._credit = 0  # bursts that may be compared
        self.compared = 0  # bursts that were compared so far: what the work is measured by

    def push(
        self,
        alerts: pa.Table,
        changes: pa.Table | None = None,
        *,
        now: int | None = None,
        early: pa.Table | None = None,
        horizon: int | None = None,
        moved: Mapping[str, str | None] | None = None,
    ) -> pa.Table:
        """INCIDENTS that are new or changed, the earliest first.

        ``alerts`` are ALERTS of sessions that are over, ``early`` those of sessions that are not and will be raised
        again under the same id, or be named in ``moved`` with the id that they have now (None: no alert any more).
        ``changes`` are RATE_CHANGES, of which one that goes on comes again under its id. ``now`` is the event time
        that was reached, in microseconds; nothing that ended before ``horizon`` goes on. In a storm some calls give
        nothing, and a later one gives what changed since.
        """
        before, self._horizon = self._now, horizon
        brought = self._take(alerts, changes, now, early, moved or {})
        bursts = len(self._index) + len(self._early) + len(self._rates)
        seconds = (self._now - before) // SECOND if before else 0
        self._credit = min(self._credit + _EACH * (brought + seconds), bursts)
        if not self._waiting or (bursts > _FEW and self._credit < bursts):
            return NO_INCIDENTS
        return self._changed()

    def at_once(self, alerts: pa.Table, changes: pa.Table | None = None, *, now: int | None = None) -> pa.Table:
        """INCIDENTS of an input that is there as a whole: what `push` and `close` give, found at once."""
        self._take(alerts, changes, now, None, {})
        return self.close()

    def _take(
        self,
        alerts: pa.Table,
        changes: pa.Table | None,
        now: int | None,
        early: pa.Table | None,
        moved: Mapping[str, str | None],
    ) -> int:
        """Take in what a batch brought; how many alerts and changes these are."""
        self._now = max(self._now, now or 0)
        names = self._withdrawn(moved)
        for row in check(alerts, ALERTS).to_pylist():
            self._add(self._named(row, names))
        for row in early.to_pylist() if early is not None else ():
            self._early[row["alert_id"]] = self._named(row, names)
        for row in changes.to_pylist() if changes is not None else ():
            self._change(self._of_rate(row))
        brought = sum(len(table) for table in (alerts, early, changes) if table is not None)
        self._waiting |= bool(brought) or bool(moved) or bool(self._open and self._now > self._due)
        return brought

    def settle(self) -> pa.Table:
        """INCIDENTS that changed and were not given yet; the input goes on later."""
        return self._changed() if self._waiting else NO_INCIDENTS

    def close(self, *, over: bool = False) -> pa.Table:
        """The end of the input: INCIDENTS that changed and were not given yet.

        With ``over`` all are resolved, because nothing will look whether they go on.
        """
        self._early = {}
        if over:
            self._now += self._settings.quiet + 1
        return self._changed()

    def _add(self, burst: Burst) -> None:
        self._now = max(self._now, burst.last)
        self._index.add(burst)

    def _withdrawn(self, moved: Mapping[str, str | None]) -> dict[str, set[str]]:
        """Forget early alerts; the incidents in which they were, by the alert that takes the place of each."""
        names: dict[str, set[str]] = {}
        for old, new in moved.items():
            burst = self._early.pop(old, None)
            if burst is not None and new is not None:
                names.setdefault(new, set()).update(burst.names)
        return names

    def _named(self, row: Mapping[str, Any], names: Mapping[str, set[str]]) -> Burst:
        """The burst of an alert, in place of that of the same alert before its session was over."""
        burst, before = Burst.of_alert(row), self._early.pop(row["alert_id"], None)
        if before is not None:
            burst.names |= before.names
        burst.names |= names.get(row["alert_id"], set())
        return burst

    def _change(self, burst: Burst) -> None:
        """Take in a rate change, in place of what it was before it went on."""
        (_, id_) = burst.changes[0]
        if (before := self._rates.get(id_)) is not None:
            burst.names |= before.names
        self._now = max(self._now, burst.last)
        self._rates[id_] = burst

    def _of_rate(self, row: Mapping[str, Any]) -> Burst:
        seconds = (row["last_at"] - row["started_at"]).total_seconds()
        services = (row["service"],) if row["service"] else ()
        level = row["level"] or 0
        if row["kind"] == "silence":  # what is silent logs no error
            level = max(level, _SILENT[row["template_id"] is None])
        signs = Signs(1.0 - row["p_value"], level or None, services, services, seconds=seconds)
        return Burst.of_rate(row, severity(signs, self._severities).score, dict(parts_of(signs, self._severities)))

    def _changed(self) -> pa.Table:
        rows, bursts_by_id = [], {}
        self._waiting, self._credit = False, 0
        known, early = self._known.on_trial(), set(map(id, self._early.values()))
        for group in self._groups():
            burst = whole(group)
            if not is_incident(burst):
                continue
            id_ = incident_id(burst)
            marks = kind_of(group)
            again = known.recurrence(marks, burst.start)
            row = row_of(burst, self._now, self._settings.quiet, self._severities, again)
            if not any(id(one) in early for one in group):  # it is not known yet when it ends
                known.add(marks, burst.last, id_, row["kind"])
            rows.append(row)
            bursts_by_id[id_] = group
        found = self._report(rows, bursts_by_id)
        self._forget()
        return pa.Table.from_pylist(found, schema=INCIDENTS)

    def _groups(self) -> list[list[Burst]]:
        inside = {id(burst) for burst in self._early.values() if self._index.is_near(burst)}
        bursts = [*self._index, *self._early.values(), *self._rates.values()]
        self.compared += len(bursts)
        return groups(bursts, self._settings, lambda burst: id(burst) in inside)

    def _report(self, rows: list[dict[str, Any]], bursts: Mapping[str, list[Burst]]) -> list[dict[str, Any]]:
        """The rows that differ from what was reported, and incidents that are part of another one by now."""
        found: list[dict[str, Any]] = []
        owners: dict[str, dict[str, Any]] = {}
        for row in rows:
            id_ = row["incident_id"]
            for burst in bursts[id_]:
                owners |= dict.fromkeys(burst.names, row)
        for id_ in sorted(self._digests.keys() - bursts.keys()):
            owner = owners.get(id_)
            into = owner["incident_id"] if owner else None
            found.append((owner or _WITHDRAWN) | {"incident_id": id_, "status": MERGED, "merged_into": into})
            self._settle(id_)
        for row in rows:
            id_ = row["incident_id"]
            for burst in bursts[id_]:
                burst.names.add(id_)
            digest = hashlib.blake2b(orjson.dumps(row, default=str), digest_size=8).hexdigest()
            if self._digests.get(id_) != digest:
                found.append(row)
                self._digests[id_] = digest
            (self._open.discard if row["status"] == RESOLVED else self._open.add)(id_)
        ends = [max(burst.last for burst in bursts[id_]) for id_ in self._open & bursts.keys()]
        self._due = min(ends, default=0) + self._settings.quiet
        return found

    def _settle(self, id_: str) -> None:
        self._digests.pop(id_, None)
        self._open.discard(id_)

    def _forget(self) -> None:
        """Let go of incidents that nothing can join any more; their kinds stay known."""
        reached = self._now if self._horizon is None else min(self._now, self._horizon)
        horizon = reached - KEPT - self._settings.quiet
        if not any(0 < burst.last < horizon for burst in (*self._index, *self._rates.values())):
            return
        early = set(map(id, self._early.values()))  # whose whole sessions may be elsewhere
        for group in self._groups():
            burst = whole(group)
            if not 0 < burst.last < horizon or any(id(one) in early for one in group):  # no time is never old
                continue
            if is_incident(burst):
                id_ = incident_id(burst)
                marks = kind_of(group)
                again = self._known.recurrence(marks, burst.start)
                self._known.add(marks, burst.last, id_, again.kind or id_)
                self._settle(id_)
            self._index.drop(group)
            for _, id_ in (named for one in group if one.rates for named in one.changes):
                self._rates.pop(id_, None)

    def tables(self) -> dict[str, pa.Table]:
        """The state as Arrow tables."""
        reported = [
            {"incident_id": id_, "digest": digest, "open": id_ in self._open} for id_, digest in self._digests.items()
        ]
        return {
            "incident_bursts": bursts_table(self._index),
            "incident_early": bursts_table(self._early.values()),
            "incident_rates": bursts_table(self._rates.values()),
            "incident_kinds": self._known.table(),
            "incidents_reported": pa.Table.from_pylist(reported, schema=_REPORTED),
            "incident_clock": pa.table({"now": pa.array([self._now], pa.int64()), "waiting": [self._waiting]}),
        }

    def restore(self, tables: Mapping[str, pa.Table]) -> None:
        """Take over what `tables` gave, for the same settings. Raises `ValueError` or `KeyError` for other tables."""
        self._index = BurstIndex(self._settings.burst, bursts_of(tables["incident_bursts"]))
        self._early = {burst.first["id"]: burst for burst in bursts_of(tables["incident_early"])}
        self._rates = {burst.changes[0][1]: burst for burst in bursts_of(tables["incident_rates"])}
        self._known = KnownKinds.of(tables["incident_kinds"])
        reported = tables["incidents_reported"].cast(_REPORTED).to_pylist()
        self._digests = {row["incident_id"]: row["digest"] for row in reported}
        self._open = {row["incident_id"] for row in reported if row["open"]}
        self._now = int(tables["incident_clock"]["now"][0].as_py())
        self._waiting = bool(tables["incident_clock"]["waiting"][0].as_py())
        self._due = 0  # looked up at once


class IncidentList:
    """The last row of each incident in what ``push`` and ``close`` gave."""

    def __init__(self) -> None:
        self._rows: dict[str, dict[str, Any]] = {}

    def add(self, changed: pa.Table) -> None:
        """Take in INCIDENTS that are new or changed; one that is part of another one now is left out."""
        for row in changed.to_pylist():
            self._rows[row["incident_id"]] = row
            if row["status"] == MERGED:
                del self._rows[row["incident_id"]]

    def table(self) -> pa.Table:
        """INCIDENTS, the most urgent one first; of equally urgent ones the one that began first."""
        return pa.Table.from_pylist(sorted(self._rows.values(), key=_urgency), schema=INCIDENTS)


def incidents_of(
    alerts: pa.Table,
    settings: IncidentSettings,
    severities: SeveritySettings,
    *,
    changes: pa.Table | None = None,
    now: int | None = None,
) -> pa.Table:
    """All INCIDENTS of ALERTS and RATE_CHANGES of an input that is there as a whole, the most urgent one first."""
    found = IncidentList()
    found.add(Incidents(settings, severities).at_once(alerts, changes, now=now))
    return found.table()


def _urgency(row: Mapping[str, Any]) -> tuple[float, float, str]:
    began = row["started_at"].timestamp() if row["started_at"] else 0.0
    return -row["severity_score"], began, row["incident_id"]
