"""Scoring requests: whole sessions go in, scores and evidence come out, as `logradar detect` gives them.

The lines of a session are read as those of a file are. What the bundle would cut (long sessions, pauses, windows) is
cut, and the worst part counts. Nothing is kept: no alert is stored, nobody is notified.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import polars as pl
import pyarrow as pa

from logradar.alerting.files import alert_json
from logradar.core.errors import InputError
from logradar.core.quarantine import Quarantine
from logradar.core.sequences import Sequences
from logradar.core.tables import LOG_RECORDS, SESSIONS, empty
from logradar.model.bundle import Bundle
from logradar.parsing.event_clock import EventClock
from logradar.parsing.events import events
from logradar.parsing.sessionizer import Sessionizer
from logradar.parsing.templates import TemplateMiner
from logradar.scoring.scorer import Scorer
from logradar.scoring.signatures import Lines
from logradar.serving.intake.rows import ROWS, log_records
from logradar.serving.intake.sender import Sender
from logradar.sources.opening.opening import InputSettings
from logradar.sources.radar.dated import Dater, sessions_of
from logradar.sources.radar.table import DAY_SESSIONS
from logradar.storage.day_files import lines_of
from logradar.storage.filling import with_values

_LOADED: Final = 3  # bundles that are kept in memory for requests


class Asked(NamedTuple):
    """A session to score: lines of text, or ids of events as RADAR's day files have them."""

    session_id: str
    service: str | None
    lines: Sequence[str]
    event_sequence: Sequence[int] | None = None
    has_error: bool | None = None
    has_warn: bool | None = None


class _Parts(NamedTuple):
    """SESSIONS to score, of each the number of the session that was asked about, and where their lines are."""

    sessions: pa.Table
    owners: list[int]
    lines: Lines


class RequestScorer:
    """Scores sessions with one bundle; one request at a time, for the parts of a bundle are not for several threads."""

    def __init__(self, bundle: Bundle) -> None:
        self._bundle = bundle
        self._limit = bundle.thresholds[bundle.settings.detector]
        self._scorer = Scorer(bundle, self._limit)
        self._lock = threading.Lock()

    @property
    def reads_lines(self) -> bool:
        """Whether it scores lines; else ids of events."""
        return isinstance(self._bundle.miner, TemplateMiner)

    def score(self, asked: Sequence[Asked]) -> list[dict[str, Any]]:
        """For each session what the bundle says of it, as JSON values.

        ``anomaly_score``, ``threshold``, ``is_anomaly``, ``silenced`` (it would be one, but a person said that its kind
        is a false alarm), and of an anomaly ``severity``, ``severity_score``, ``severity_parts`` and ``evidence``.
        ``parts`` is how many sessions of the bundle it is; none of an empty one, which has no score. Raises
        `InputError` where a session has lines and the bundle needs ids of events, or the other way round.
        """
        with self._lock:
            for number, one in enumerate(asked):
                if (one.event_sequence is None) != self.reads_lines:
                    raise InputError(
                        f"Session {number} has {'ids of events' if self.reads_lines else 'lines'}, and the bundle was "
                        f"trained on {'lines' if self.reads_lines else 'ids of events (day files)'}; "
                        f"send {'lines' if self.reads_lines else 'event_sequence'}."
                    )
            found = self._of_lines(asked) if self.reads_lines else self._of_events(asked)
            return self._judged(asked, found)

    def _judged(self, asked: Sequence[Asked], found: _Parts) -> list[dict[str, Any]]:
        scored = self._scorer.score(found.sessions, found.lines)
        scores = scored.scores["score"].to_pylist()
        alerts = {row["session_id"]: alert_json(row) for row in scored.alerts.to_pylist()}
        silenced = set(scored.suppressed.tolist())
        answers = [self._empty(one) for one in asked]
        for row, (owner, score) in enumerate(zip(found.owners, scores, strict=True)):
            answer = answers[owner]
            answer["parts"] += 1
            alert = alerts.get(str(row))
            is_worse = answer["anomaly_score"] is None or score > answer["anomaly_score"]
            if (alert is not None, is_worse) >= (answer["is_anomaly"], True):
                answer |= {"anomaly_score": score, "is_anomaly": alert is not None, "silenced": row in silenced}
                if alert is not None:
                    answer |= {name: alert[name] for name in ("severity", "severity_score", "severity_parts")}
                    answer["evidence"] = [
                        {name: value for name, value in one.items() if name not in ("record_id", "source")}
                        for one in alert["evidence"]
                    ]
            answers[owner] = answer
        return answers

    def _empty(self, asked: Asked) -> dict[str, Any]:
        return {
            "session_id": asked.session_id,
            "service": asked.service,
            "anomaly_score": None,
            "threshold": self._limit.value,
            "is_anomaly": False,
            "silenced": False,
            "severity": None,
            "severity_score": None,
            "severity_parts": None,
            "evidence": [],
            "parts": 0,
        }

    def _of_lines(self, asked: Sequence[Asked]) -> _Parts:
        miner, settings = self._bundle.miner, self._bundle.settings
        assert isinstance(miner, TemplateMiner)
        frames = [_rows(one, number, settings.input.format) for number, one in enumerate(asked)]
        counts = [len(frame) for frame in frames]
        records = log_records(pl.concat(frames), settings.input.session_key) if frames else empty(LOG_RECORDS)
        ids = miner.match(miner.without_keys(records["body"], records["session_key"]))
        whole = events(records, ids)
        tables, owners = [SESSIONS.empty_table()], []
        first = 0
        for number, count in enumerate(counts):
            if count:
                part = self._sessions(whole.slice(first, count), records.slice(first, count))
                tables.append(part)
                owners += [number] * len(part)
            first += count
        lines = _fetching(records)
        sessions = _numbered(pa.concat_tables(tables).unify_dictionaries())

        def bodies() -> pa.Array:
            known = pa.array(Sequences.from_arrow(sessions["record_ids"]).values)
            return miner.without_keys(records["body"], records["session_key"]).take(known)

        return _Parts(with_values(sessions, self._bundle.main.inputs, miner, bodies), owners, lines)

    def _sessions(self, found: pa.Table, records: pa.Table) -> pa.Table:
        """SESSIONS of the events of one session that was asked about: it, or the parts that the bundle cuts it into."""
        sessionizer = Sessionizer(self._bundle.settings.sessions.model_copy(update={"min_length": 1}))
        if sessionizer.settings.by == "key":
            place = found.schema.get_field_index("session_key")
            found = found.set_column(place, found.schema.field(place), pa.array(["0"] * len(found)))
        moments = EventClock().read(records["source"], records["timestamp"])
        return pa.concat_tables([sessionizer.push(found, moments), sessionizer.close()])

    def _of_events(self, asked: Sequence[Asked]) -> _Parts:
        kept = [(number, one) for number, one in enumerate(asked) if one.event_sequence]
        rows = [
            {
                "session_id": number,
                "service": one.service,
                "event_sequence": list(one.event_sequence or ()),
                "has_error": one.has_error,
                "has_warn": one.has_warn,
                "original_logs": list(one.lines) if one.lines else None,
                "offset": 0,
            }
            for number, one in kept
        ]
        dated = Dater("request", "request").date(pa.Table.from_pylist(rows, schema=DAY_SESSIONS))
        sessions = self._bundle.miner.known_in(sessions_of(dated, 0))
        return _Parts(_numbered(sessions), [number for number, _ in kept], lambda ids: lines_of(dated, 0, ids))


class RequestScorers:
    """The scorers of bundles by their folders; the one that was asked for longest ago is forgotten first."""

    def __init__(self) -> None:
        self._loaded: OrderedDict[Path, RequestScorer] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, folder: Path) -> RequestScorer:
        """The scorer of a bundle, whose folder never changes. Raises `BundleError`."""
        with self._lock:
            found = self._loaded.pop(folder, None) or RequestScorer(Bundle.load(folder))
            self._loaded[folder] = found
            while len(self._loaded) > _LOADED:
                self._loaded.popitem(last=False)
            return found


def _rows(asked: Asked, number: int, form: str | None) -> pl.DataFrame:
    """The records of a session as frames of `logradar.serving.intake.rows.ROWS`."""
    count = len(asked.lines)
    sender = Sender(f"request:{number}", InputSettings(), form, Quarantine())
    nothing = [None] * count
    arrived = pl.DataFrame(
        {
            "seq": range(count),
            "arrived": [time.time_ns() // 1_000] * count,
            "tick": [0] * count,
            "body": list(asked.lines),
            "timestamp": nothing,
            "service": [asked.service] * count,
            "level": nothing,
            "component": nothing,
            "trace": nothing,
            "attributes": nothing,
        },
        schema={
            **dict.fromkeys(("seq", "arrived", "tick", "timestamp"), pl.Int64()),
            "body": pl.String(),
            "service": pl.String(),
            "level": pl.Int8(),
            **dict.fromkeys(("component", "trace", "attributes"), pl.String()),
        },
    )
    found = [*sender.push(arrived), *sender.flush()] if count else []
    return pl.concat(found) if found else pl.DataFrame(schema=ROWS)


def _numbered(sessions: pa.Table) -> pa.Table:
    """SESSIONS whose ids are their places, so that what is found can be told apart."""
    names = pa.array([str(row) for row in range(len(sessions))], pa.string())
    return sessions.set_column(0, SESSIONS.field(0), names)


def _fetching(records: pa.Table) -> Lines:
    """Fetches LOG_RECORDS by record id, which is the place."""
    return lambda ids: records.take(pa.array(ids, pa.int64()))
