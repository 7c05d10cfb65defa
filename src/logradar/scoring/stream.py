"""Stream: log records go in as they arrive, alerts come out; the step that batch, stream and service share.

A step matches templates, puts events into sessions and scores the sessions that are over. Where batches end makes
no difference to the alerts. The state is a small set of Arrow tables: open sessions with their lines, windows,
the clock, the drift histogram; `logradar.scoring.state` saves it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from logradar.alerting.incident_groups import IncidentSettings
from logradar.alerting.incidents import NO_INCIDENTS, Incidents
from logradar.alerting.threshold import Threshold
from logradar.core.errors import ConfigError, StateError
from logradar.core.sequences import Sequences
from logradar.core.tables import EVENTS, LOG_RECORDS, empty, microseconds
from logradar.model.bundle import Bundle
from logradar.parsing.event_clock import EventClock, Moments
from logradar.parsing.events import events
from logradar.parsing.sessionizer import Sessionizer
from logradar.parsing.templates import TemplateMiner
from logradar.scoring.drift_monitor import DriftMonitor
from logradar.scoring.early_alerts import EarlyAlerts, Moved
from logradar.scoring.rates.watch import NO_CHANGES, RateWatch
from logradar.scoring.scorer import NO_ALERTS, OnScores, Scorer
from logradar.storage.filling import with_values

Ints = npt.NDArray[np.int64]
_SPARE: Final = 4096  # lines of sessions that are over, which may be kept until it is worth to forget them


@dataclass(frozen=True)
class Step:
    """What a step found: ALERTS of sessions that are over, and of others that are anomalous already (``early``).

    An early alert is repeated, complete and under the same id, when its session is over; where a late line has changed
    the beginning of the session, it is ``withdrawn`` instead, for the alert whose id stands beside it, or for none.
    ``rate_changes`` are RATE_CHANGES that began or went on; one that goes on is repeated under the same id.
    ``incidents`` are the INCIDENTS that are new or changed; one that grows is given again, under the same id.
    ``events`` are the EVENTS of the records.
    """

    alerts: pa.Table = field(default_factory=lambda: NO_ALERTS)
    early: pa.Table = field(default_factory=lambda: NO_ALERTS)
    incidents: pa.Table = field(default_factory=lambda: NO_INCIDENTS)
    rate_changes: pa.Table = field(default_factory=lambda: NO_CHANGES)
    events: pa.Table = field(default_factory=lambda: empty(EVENTS))
    withdrawn: Moved = field(default_factory=dict)


class Stream:
    """Scores LOG_RECORDS as they arrive.

    ``early``: whether sessions that are not over may raise alerts. ``incidents`` replaces the settings of incidents
    that the bundle has. Raises `ConfigError` for a bundle of day files, whose sessions do not come as records.
    """

    def __init__(
        self,
        bundle: Bundle,
        limit: Threshold,
        *,
        early: bool = True,
        on_scores: OnScores | None = None,
        incidents: IncidentSettings | None = None,
        several: bool = False,
        most_open: int | None = None,
    ) -> None:
        if not isinstance(bundle.miner, TemplateMiner):
            raise ConfigError("The bundle was trained on day files, which hold whole sessions; detect on day files.")
        self._bundle, self._miner = bundle, bundle.miner
        self._limit = limit
        self._scorer = Scorer(bundle, limit, on_scores)
        self._early = early and bundle.main.prefix_safe
        self._several, self._most_open = several, most_open
        self._clock = EventClock()
        self._sessionizer = Sessionizer(bundle.settings.sessions)
        self._drift = DriftMonitor(bundle, limit)
        self._rates = RateWatch(bundle.rates, bundle.texts) if bundle.rates is not None else None
        self._lines: list[pa.Table] = []  # LOG_RECORDS of open sessions, and of some that are over; none is empty
        self._firsts: list[int] = []  # of each of these tables the first record id, ascending
        self._held = 0
        self.grouping = incidents or bundle.settings.incidents
        self._incidents = Incidents(self.grouping, bundle.settings.severity)
        self._raised = EarlyAlerts()
        self._moved: Moved = {}  # early alerts that are withdrawn in this step
        self.sessions = self.suppressed = self.shortened = 0

    @property
    def records(self) -> int:
        """How many records have arrived."""
        return self._sessionizer.records

    @property
    def open_sessions(self) -> int:
        """How many sessions are not over."""
        return len(self._sessionizer)

    def open_keys(self) -> set[str]:
        """Those by which later records may still join what came before."""
        return self._sessionizer.open_keys()

    @property
    def threshold(self) -> float:
        """The score above which an alert is raised."""
        return self._limit.value

    def step(self, records: pa.Table, moments: Moments | None = None) -> Step:
        """Take in LOG_RECORDS in order of arrival; their ``record_id`` is replaced by their place in the stream.

        A stream that gets a part of a log is given ``moments`` by the clock of the whole; then ids stay, and rise.
        """
        if not len(records):
            return Step()
        records = self._numbered(records) if moments is None else records
        self._keep(records)
        ids = self._miner.match(self._miner.without_keys(records["body"], records["session_key"]))
        found = events(records, ids)
        if moments is None:
            moments = self._clock.read(records["source"] if self._several else None, records["timestamp"])
        closed = self._shortened(self._sessionizer.push(found, moments))
        changes, horizons = NO_CHANGES, [self._sessionizer.oldest]
        if self._rates is not None:
            self._rates.push(moments, found)
            changes = self._rates.changes_in(records)
            horizons.append(self._rates.horizon)
        alerts = self._score(closed)
        early = self._unfinished() if self._early else NO_ALERTS
        moved, self._moved = self._moved, {}
        horizon = min((one for one in horizons if one is not None), default=None)
        incidents = self._incidents.push(alerts, changes, now=_end(closed), early=early, horizon=horizon, moved=moved)
        if self._held > self._sessionizer.held * 5 // 4 + _SPARE:
            self._forget()
        return Step(alerts, early, incidents, changes, found, moved)

    def pass_to(self, now: int) -> Step:
        """The clock of the whole log is at ``now`` (microseconds), and nothing came for this part of it."""
        closed = self._sessionizer.pass_to(now)
        alerts = self._score(closed)
        moved, self._moved = self._moved, {}
        incidents = self._incidents.push(alerts, now=_end(closed), horizon=self._sessionizer.oldest, moved=moved)
        return Step(alerts, incidents=incidents, withdrawn=moved)

    @property
    def oldest(self) -> int | None:
        """When the session that is idle longest got its last event, in microseconds; None where none is open."""
        return self._sessionizer.oldest

    def drift_table(self) -> pa.Table:
        """What drift is judged by, for `logradar.scoring.drift_monitor.DriftMonitor.merge`."""
        return self._drift.table()

    def settle(self) -> Step:
        """The input stops and goes on later: INCIDENTS that were not given yet, as they come together in a storm."""
        return Step(incidents=self._incidents.settle())

    def close(self, *, over: bool = False) -> Step:
        """The end of the input: all open sessions are over, with ``over`` all incidents as well."""
        closed = self._sessionizer.close()
        alerts = self._score(closed)
        self._lines, self._firsts, self._held = [], [], 0
        changes = NO_CHANGES
        if self._rates is not None:
            self._rates.close()
            changes = self._rates.changes_in(empty(LOG_RECORDS))
        moved, self._moved = self._moved, {}
        changed = self._incidents.push(alerts, changes, now=_end(closed), moved=moved)
        incidents = pa.concat_tables([changed, self._incidents.close(over=over)])
        return Step(alerts, incidents=incidents, rate_changes=changes, withdrawn=moved)

    def succeed(self, closed: Stream) -> None:
        """Look after the incidents of a closed stream of the same bundle: they may go on, or be over in time."""
        self._incidents = closed._incidents

    def figures(self) -> dict[str, Any]:
        """Figures of all that has arrived, as `logradar.pipeline.detect` reports them."""
        return {
            "records": self.records,
            "sessions": self.sessions,
            "unknown_templates": self._drift.unknown,
            "silenced": self.suppressed,
            "drift": self._drift.drift(),
        }

    def rate_notes(self) -> list[str]:
        """Sentences on records whose rates could not be judged."""
        return self._rates.notes() if self._rates is not None else []

    def lines(self, record_ids: Sequence[int] | npt.NDArray[np.integer]) -> pa.Table:
        """LOG_RECORDS of open sessions by record id."""
        wanted = np.asarray(record_ids, np.int64)
        if (np.diff(wanted) <= 0).any():
            wanted = np.unique(wanted)
        bounds = np.searchsorted(wanted, [*self._firsts, np.iinfo(np.int64).max])
        found = [empty(LOG_RECORDS)]
        for number in np.flatnonzero(np.diff(bounds)).tolist():
            table, mine = self._lines[number], wanted[bounds[number] : bounds[number + 1]]
            held = table["record_id"].to_numpy()
            place = np.searchsorted(held, mine)
            place = place[held[np.minimum(place, len(held) - 1)] == mine]
            found.append(table if len(place) == len(table) else table.take(pa.array(place)))
        return pa.concat_tables(found).unify_dictionaries()

    def _shortened(self, closed: pa.Table) -> pa.Table:
        """``closed`` and the sessions that are over because too many records are held; a tenth at once."""
        if self._most_open is None or self._sessionizer.held <= self._most_open:
            return closed
        more = self._sessionizer.shorten(self._most_open * 9 // 10)
        self.shortened += len(more)
        return pa.concat_tables([closed, more]).unify_dictionaries()

    def _keep(self, records: pa.Table) -> None:
        if len(records):
            self._lines.append(records)
            self._firsts.append(records["record_id"][0].as_py())
            self._held += len(records)

    def _numbered(self, records: pa.Table) -> pa.Table:
        ids = pa.array(np.arange(self.records, self.records + len(records)), pa.int64())
        return records.set_column(LOG_RECORDS.get_field_index("record_id"), LOG_RECORDS.field("record_id"), ids)

    def _score(self, sessions: pa.Table) -> pa.Table:
        if not len(sessions):
            return NO_ALERTS
        sessions = self._with_values(sessions)
        scored = self._scorer.score(sessions, self.lines)
        self._drift.add(sessions, scored.scores, scored.suppressed)
        self.sessions += len(sessions)
        self.suppressed += len(scored.suppressed)
        self._moved |= self._raised.over(sessions, scored.alerts)
        return scored.alerts

    def _unfinished(self) -> pa.Table:
        found = self._scorer.unfinished(self._with_values(self._sessionizer.unfinished()), self.lines)
        found, moved = self._raised.fresh(found)
        self._moved |= moved
        return found

    def _with_values(self, sessions: pa.Table) -> pa.Table:
        """SESSIONS with what the detector reads of their lines."""

        def bodies() -> pa.Array:
            records = Sequences.from_arrow(sessions["record_ids"]).values
            lines = self.lines(records)
            place = np.searchsorted(lines["record_id"].to_numpy(), records)
            return self._miner.without_keys(lines["body"], lines["session_key"]).take(pa.array(place))

        return with_values(sessions, self._bundle.main.inputs, self._miner, bodies)

    def _forget(self) -> None:
        """Let go of the lines of sessions that are over."""
        kept = self.lines(self._sessionizer.open_records()).combine_chunks()
        self._lines, self._firsts, self._held = [], [], 0
        self._keep(kept)

    def tables(self) -> dict[str, pa.Table]:
        """The state as Arrow tables."""
        self._forget()
        counts = {"sessions": [self.sessions], "suppressed": [self.suppressed]}
        return {
            **self._sessionizer.tables(),
            **self._incidents.tables(),
            "clock": self._clock.table(),
            "lines": pa.concat_tables([empty(LOG_RECORDS), *self._lines]),
            "drift": self._drift.table(),
            "early": self._raised.table(),
            "scored": pa.table(counts),
            **(self._rates.tables() if self._rates is not None else {}),
        }

    def restore(self, tables: dict[str, pa.Table]) -> None:
        """Take over the state that `tables` gave, for the same bundle and threshold. Raises `StateError`."""
        try:
            self._sessionizer = Sessionizer.restore(self._bundle.settings.sessions, tables)
            self._clock = EventClock.restore(tables["clock"])
            self._lines, self._firsts, self._held = [], [], 0
            self._keep(tables["lines"].cast(LOG_RECORDS))
            self._drift.restore(tables["drift"])
            self._incidents.restore(tables)
            self._raised = EarlyAlerts.of(tables["early"])
            if self._rates is not None:
                self._rates = RateWatch(self._rates.profile, self._bundle.texts)
                self._rates.restore(tables)
            self.sessions = tables["scored"]["sessions"][0].as_py()
            self.suppressed = tables["scored"]["suppressed"][0].as_py()
        except (KeyError, ValueError, IndexError, TypeError, pa.ArrowInvalid) as error:
            raise StateError(f"The state cannot be read ({error}); start without it.") from None


def _end(sessions: pa.Table) -> int | None:
    """The latest end of SESSIONS, in microseconds."""
    return pc.max(microseconds(sessions["end"])).as_py() if len(sessions) else None
