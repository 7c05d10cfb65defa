"""Parts: the records of some session keys, grouped and scored by a bundle as one machine does it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa

from logradar.alerting.threshold import Threshold
from logradar.core.errors import LogRadarError
from logradar.core.sequences import Sequences
from logradar.core.tables import LOG_RECORDS
from logradar.engines.spark.messages import (
    ALERTED,
    FAULT,
    RECORDS,
    SCORED,
    Message,
    batches_of,
    messages_of,
    packed,
    said,
    unpacked,
)
from logradar.engines.spark.sealed_bundle import SealedBundle
from logradar.model.bundle import Bundle
from logradar.parsing.event_clock import UNKNOWN_TIME, Moments
from logradar.parsing.events import events
from logradar.parsing.sessionizer import Sessionizer
from logradar.parsing.templates import TemplateMiner
from logradar.scoring.drift_monitor import DriftMonitor
from logradar.scoring.scorer import Scorer
from logradar.storage.filling import with_values

_SESSIONS: Final = 50_000  # that are scored together


@dataclass(frozen=True)
class PartScorer:
    """Scores the records of a partition of Spark by ``bundle`` and the threshold; all else it hands on."""

    bundle: SealedBundle
    limit: Threshold

    def __call__(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Messages in order of unit and place come in; ALERTS and figures go out. `DataFrame.mapInArrow` calls it."""
        yield from batches_of(self._messages(messages_of(batches)))

    def _messages(self, messages: Iterator[Message]) -> Iterator[Message]:
        tables: list[pa.Table] = []
        for one in messages:
            if one.kind == RECORDS:
                tables.append(unpacked(one.payload))
            else:
                yield one
        if not tables:
            return
        try:
            yield from self._scored(pa.concat_tables(tables).unify_dictionaries().combine_chunks())
        except (LogRadarError, OSError) as error:
            yield Message(0, 0, 0, FAULT, said(sentence=str(error)))

    def _scored(self, placed: pa.Table) -> Iterator[Message]:
        bundle = self.bundle.load()
        records = placed.select(LOG_RECORDS.names)
        sessions, figures = _grouped(placed, records, bundle)
        scorer, drift = Scorer(bundle, self.limit), DriftMonitor(bundle, self.limit)
        lines = _Lines(records)
        suppressed = 0
        for start in range(0, len(sessions), _SESSIONS):
            part = lines.with_values(sessions.slice(start, _SESSIONS), bundle)
            scored = scorer.score(part, lines)
            drift.add(part, scored.scores, scored.suppressed)
            suppressed += len(scored.suppressed)
            if len(scored.alerts):
                yield Message(0, 0, 0, ALERTED, packed(scored.alerts))
        figures |= {"sessions": len(sessions), "suppressed": suppressed}
        table = drift.table().replace_schema_metadata({"figures": said(**figures).decode()})
        yield Message(0, 0, 0, SCORED, packed(table))


def _grouped(placed: pa.Table, records: pa.Table, bundle: Bundle) -> tuple[pa.Table, dict[str, Any]]:
    """SESSIONS of records that hold all events of their groups, and what became of the records."""
    sessionizer = Sessionizer(bundle.settings.sessions)
    times, clocks, shifts = (placed[name].to_numpy() for name in ("time", "clock", "shift"))
    sources = placed["source"].chunk(0).indices.to_numpy().astype(np.int32)
    found = events(records, placed["template_id"].to_numpy())
    memberships = sessionizer.assign(found, Moments(times, clocks, shifts, sources))
    sessions = sessionizer.group(memberships)
    timed = bool((times != UNKNOWN_TIME).any())
    return sessions, {"windowed": sessionizer.windowed, "dropped": sessionizer.dropped, "timed": timed}


class _Lines:
    """LOG_RECORDS by record id."""

    def __init__(self, records: pa.Table) -> None:
        self._records, self._ids = records, records["record_id"].to_numpy()

    def __call__(self, record_ids: Any) -> pa.Table:
        wanted = np.unique(np.asarray(record_ids, np.int64))
        place = np.minimum(np.searchsorted(self._ids, wanted), len(self._ids) - 1)
        return self._records.take(pa.array(place[self._ids[place] == wanted]))

    def with_values(self, sessions: pa.Table, bundle: Bundle) -> pa.Table:
        """SESSIONS with what the detector reads of their lines."""
        miner = bundle.miner
        assert isinstance(miner, TemplateMiner)

        def bodies() -> pa.Array:
            records = Sequences.from_arrow(sessions["record_ids"]).values
            own = self._records.select(["body", "session_key"]).take(pa.array(np.searchsorted(self._ids, records)))
            return miner.without_keys(own["body"], own["session_key"])

        return with_values(sessions, bundle.main.inputs, miner, bodies)
