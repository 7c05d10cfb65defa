"""Scorer: SESSIONS go in, SCORES and ALERTS come out, row by row, the same in batch, stream and service.

It holds no state but what depends on the bundle alone. What a session scores, whether it is an alert and what the
alert says do not depend on the other sessions that come with it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from logradar.alerting.alerts import anomalous, make_alerts
from logradar.alerting.confidence import Confidence
from logradar.alerting.threshold import Threshold
from logradar.core.tables import ALERTS, SCORES, SESSIONS, empty
from logradar.model.bundle import Bundle
from logradar.scoring.score_cache import ScoreCache
from logradar.scoring.signatures import Lines, SessionSignature, confirmed_by, signatures, suppressed_by

OnScores = Callable[[pa.Table, pa.Table, float, pa.Table | None], None]
Ints = npt.NDArray[np.int64]
NO_ALERTS: Final = empty(ALERTS)
EVENTS_AT_ONCE: Final = 50_000  # that are explained together


@dataclass(frozen=True)
class Scored:
    """SCORES of some sessions, the ALERTS among them (most severe first), and the rows that feedback explains."""

    scores: pa.Table
    alerts: pa.Table
    suppressed: Ints


@dataclass(frozen=True)
class Explained:
    """Anomalous SESSIONS, in the order given, with what is unusual about each; ``kept``: feedback leaves it.

    ``confirmed`` is the id of an earlier alert of this sort that a person called a real anomaly, or None.

    ``session_ids`` are their names; where two are equal, ``sessions`` and ``findings`` have numbers instead.
    """

    sessions: pa.Table
    session_ids: list[str]
    scores: pa.Table
    findings: pa.Table
    signatures: list[SessionSignature | None]
    kept: npt.NDArray[np.bool_]
    confirmed: list[str | None]

    def remaining(self, most: int | None = None) -> Explained:
        """Those that feedback leaves, ``most`` of them at most."""
        rows = np.flatnonzero(self.kept)[:most]
        taken = pa.array(rows)
        sessions = self.sessions.take(taken)
        named = pc.is_in(self.findings["session_id"], sessions["session_id"].combine_chunks())
        return replace(
            self,
            sessions=sessions,
            session_ids=[self.session_ids[row] for row in rows.tolist()],
            scores=self.scores.take(taken),
            findings=self.findings.filter(named),
            signatures=[self.signatures[row] for row in rows.tolist()],
            kept=self.kept[rows],
            confirmed=[self.confirmed[row] for row in rows.tolist()],
        )


class Scorer:
    """What a bundle says of sessions, by its main detector and ``limit``.

    ``on_scores`` is called with SESSIONS, their SCORES, the threshold, and the sessions as they were read where
    they come from a day file.
    """

    def __init__(self, bundle: Bundle, limit: Threshold, on_scores: OnScores | None = None) -> None:
        self.bundle, self.limit, self._on_scores = bundle, limit, on_scores
        self._scores = ScoreCache(bundle.main, bundle.main.score)
        self._bounds = ScoreCache(bundle.main, bundle.main.score_unfinished)  # of unfinished sessions

    @cached_property
    def confidence(self) -> Confidence:
        """How sure a score of the main detector makes, by its validation scores."""
        bundle, name = self.bundle, self.bundle.settings.detector
        normal, marked = bundle.validation[name], len(bundle.marked.get(name, ()))
        prior = marked / (marked + len(normal)) if marked else bundle.settings.severity.prior
        return Confidence.fit(normal, prior)

    @cached_property
    def _texts(self) -> dict[int, str]:
        return self.bundle.texts

    def score(self, sessions: pa.Table, lines: Lines, dated: pa.Table | None = None) -> Scored:
        """Scores and alerts of SESSIONS; ``lines`` fetches LOG_RECORDS by record id."""
        nothing = np.empty(0, np.int64)
        if not len(sessions):
            return Scored(SCORES.empty_table(), NO_ALERTS, nothing)
        scores = self._scores.score(sessions)
        if self._on_scores:
            self._on_scores(sessions, scores, self.limit.value, dated)
        rows = anomalous(scores, self.limit.value)
        if not len(rows):
            return Scored(scores, NO_ALERTS, nothing)
        alerts, suppressed = [], []
        for part in _parts(sessions, np.sort(rows)):
            taken = pa.array(part)
            explained = self.explain(sessions.take(taken), scores.take(taken), lines)
            alerts.append(self.alerts(explained.remaining(), lines))
            suppressed.append(part[~explained.kept])
        return Scored(scores, in_order_of_severity(alerts), np.concatenate(suppressed))

    def unfinished(self, sessions: pa.Table, lines: Lines) -> pa.Table:
        """ALERTS for sessions that are not over but are anomalous already, whatever comes.

        Empty where no detector of the bundle can judge an unfinished session.
        """
        if not len(sessions) or not self.bundle.main.prefix_safe:
            return NO_ALERTS
        scores = self._bounds.score(sessions)
        rows = pa.array(anomalous(scores, self.limit.value))
        if not len(rows):
            return NO_ALERTS
        explained = self.explain(sessions.take(rows), scores.take(rows), lines)
        return self.alerts(explained.remaining(), lines)

    def explain(self, sessions: pa.Table, scores: pa.Table, lines: Lines) -> Explained:
        """What is unusual about sessions that are known to be anomalous, and which of them feedback leaves."""
        numbered = _numbered(sessions)
        findings = self.bundle.main.explain(numbered)
        found = signatures(self.bundle, numbered, findings, lines)
        kept = np.array([by is None for by in suppressed_by(self.bundle, found)], bool)
        known = confirmed_by(self.bundle, found)
        return Explained(numbered, sessions["session_id"].to_pylist(), scores, findings, found, kept, known)

    def alerts(self, explained: Explained, lines: Lines) -> pa.Table:
        """ALERTS for explained sessions, in their order."""
        return make_alerts(
            explained.sessions,
            explained.scores,
            explained.findings,
            self._texts,
            lines,
            detector=self.bundle.settings.detector,
            threshold=self.limit.value,
            confidence=self.confidence.of(explained.scores["score"].to_numpy()).tolist(),
            severities=self.bundle.settings.severity,
            signatures=[one.signature.model_dump_json() if one else None for one in explained.signatures],
            session_ids=explained.session_ids,
            confirmed=explained.confirmed,
        )


def _parts(sessions: pa.Table, rows: Ints) -> Iterator[Ints]:
    """The rows in parts of about `EVENTS_AT_ONCE` events: where all is new, what explains it is much larger than it."""
    lengths = pc.list_value_length(sessions["template_ids"]).fill_null(0).to_numpy()[rows]
    numbers = np.cumsum(lengths) // EVENTS_AT_ONCE
    yield from np.split(rows, np.flatnonzero(np.diff(numbers)) + 1)


def _numbered(sessions: pa.Table) -> pa.Table:
    """The same SESSIONS, numbered where two have one name (a key that came again): findings go by the name."""
    names = sessions["session_id"]
    if len(names.unique()) == len(names):
        return sessions
    place = SESSIONS.get_field_index("session_id")
    return sessions.set_column(place, SESSIONS.field(place), pa.array([str(row) for row in range(len(names))]))


def in_order_of_severity(alerts: list[pa.Table]) -> pa.Table:
    """ALERTS of all pieces, the most severe first, of equal ones the highest score, then the earliest.

    It is the same order wherever the pieces end.
    """
    whole = pa.concat_tables([NO_ALERTS, *alerts]).unify_dictionaries()
    raised = whole["raised_at"].cast(pa.int64()).fill_null(-1).to_numpy()
    names = whole["alert_id"].to_numpy(zero_copy_only=False)
    order = np.lexsort((names, raised, -whole["score"].to_numpy(), -whole["severity_score"].to_numpy()))
    return whole.take(pa.array(order))
