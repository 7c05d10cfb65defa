"""Measured sessions: of each some numbers, and whole only those whose events are looked at."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from logradar.core.chosen_rows import ChosenRows
from logradar.core.memory import give_back
from logradar.core.sequences import Sequences
from logradar.core.tables import NAME, SCORES, SESSIONS
from logradar.evaluation.audit import Hashes, SequenceFacts
from logradar.evaluation.curves import Bools, Floats
from logradar.storage.grouping import anomalous, days_covered

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Measured:
    """SESSIONS that are measured, all with labels or all without: ``source`` reads them again.

    Of each session some numbers are here.
    ``labels`` say which are anomalous, ``scores`` what each detector gives them, ``facts`` describe their sequences
    and ``identities`` tell them apart; ``times`` has their ``start`` and ``label``. ``sessions`` and ``scored`` (their
    SCORES by detector) are those at ``rows``: all of them where ``whole``; of an input on disk only the anomalies and
    the sessions that raise an alarm, because memory would not hold the others.
    """

    source: ChosenRows
    labels: Bools
    scores: dict[str, Floats]
    facts: SequenceFacts
    identities: Hashes
    times: pa.Table
    end: datetime | None
    services: pa.Array
    sessions: pa.Table
    scored: dict[str, pa.Table]
    rows: Ints
    whole: bool

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def labelled(self) -> bool:
        """Whether the sessions have labels: all of them, or none."""
        return not self.times["label"].null_count

    @property
    def days(self) -> float | None:
        """Days from the first start to the last end; None without times."""
        first = pc.min(self.times["start"]).as_py()
        return days_covered(pa.table({"start": [first], "end": [self.end]}))

    def anomalies(self) -> tuple[pa.Table, dict[str, pa.Table]]:
        """The anomalous sessions (all sessions where ``whole``) with their events, and their SCORES."""
        if self.whole:
            return self.sessions, self.scored
        marked = self.sessions["label"].fill_null(False)
        return self.sessions.filter(marked), {name: table.filter(marked) for name, table in self.scored.items()}

    def pieces(self, columns: list[str]) -> Iterator[tuple[slice, pa.Table]]:
        """The named columns of all sessions, read again, with the rows that each piece has here."""
        done = 0
        for table in self.source.tables(columns):
            yield slice(done, done + len(table)), table
            done += len(table)

    def score_table(self, known: Bools) -> pa.Table:
        """One row per session: what it is, whether its sequence is ``known`` from training, and all scores."""
        ids = pa.chunked_array([table["session_id"].combine_chunks() for _, table in self.pieces(["session_id"])])
        columns: dict[str, pa.Array | pa.ChunkedArray] = {
            "session_id": ids if len(self) else pa.array([], pa.string()),
            "service": self.services,
            "start": self.times["start"],
            "label": self.times["label"],
            "events": pa.array(self.facts.lengths),
            "seen_in_training": pa.array(known),
        }
        return pa.table(columns | {f"score:{name}": pa.array(values) for name, values in self.scores.items()})


class Gathered:
    """Collects what `Measured` has of each of ``count`` sessions, a piece at a time.

    The columns have their full length from the beginning: joining them at the end would take their memory twice.
    """

    def __init__(self, detectors: list[str], count: int) -> None:
        self._labels = np.empty(count, np.bool_)
        self._scores = {name: np.empty(count) for name in detectors}
        self._prints, self._lengths = np.empty(count, np.uint64), np.empty(count, np.int32)
        self._services = np.empty(count, np.int32)
        self._names: dict[str | None, int] = {}
        self._unknown = self._unknown_events = self._done = 0
        self._end: datetime | None = None
        self._sessions: list[pa.Table] = []
        self._scored: dict[str, list[pa.Table]] = {name: [] for name in detectors}
        self._rows: list[Ints] = []

    def add(self, sessions: pa.Table, scores: dict[str, pa.Table], kept: Bools) -> None:
        """SESSIONS with their SCORES by detector; those ``kept`` stay whole."""
        rows = slice(self._done, self._done + len(sessions))
        self._done = rows.stop
        facts = SequenceFacts.of(Sequences.from_arrow(sessions["template_ids"]))
        self._prints[rows], self._lengths[rows] = facts.prints, facts.lengths
        self._unknown, self._unknown_events = self._unknown + facts.unknown, self._unknown_events + facts.unknown_events
        self._labels[rows] = anomalous(sessions)
        self._services[rows] = self._coded(sessions["service"].combine_chunks())
        end = pc.max(sessions["end"]).as_py()
        self._end = end if self._end is None or (end is not None and end > self._end) else self._end
        for name, table in scores.items():
            self._scores[name][rows] = table["score"].to_numpy()
            self._scored[name].append(_copied(table, kept))
        self._sessions.append(_copied(sessions, kept))
        self._rows.append(np.flatnonzero(kept) + rows.start)

    def _coded(self, column: pa.DictionaryArray) -> npt.NDArray[np.int32]:
        """The number of each service among all names so far."""
        texts = [*column.dictionary.to_pylist(), None]
        codes = np.array([self._names.setdefault(name, len(self._names)) for name in texts], np.int32)
        found: npt.NDArray[np.int32] = codes[column.indices.fill_null(len(texts) - 1).to_numpy()]
        return found

    def measured(self, source: ChosenRows, identities: Hashes, times: pa.Table, whole: bool) -> Measured:
        """All of them together."""
        nameless = self._services == self._names.get(None, -1)
        names = pa.array([name or "" for name in self._names], pa.string())
        services = pa.DictionaryArray.from_arrays(pa.array(self._services, mask=nameless), names)
        found = Measured(
            source=source,
            labels=self._labels,
            scores=self._scores,
            facts=SequenceFacts(self._prints, self._lengths, self._unknown, self._unknown_events),
            identities=identities,
            times=times,
            end=self._end,
            services=services.cast(NAME),
            sessions=_together(self._sessions, SESSIONS),
            scored={name: _together(tables, SCORES) for name, tables in self._scored.items()},
            rows=np.concatenate([np.empty(0, np.int64), *self._rows]),
            whole=whole,
        )
        give_back()
        return found


def _copied(table: pa.Table, kept: Bools) -> pa.Table:
    """The rows ``kept`` in memory of their own, so that the others can go."""
    return table if kept.all() else table.filter(pa.array(kept))


def _together(tables: list[pa.Table], schema: pa.Schema) -> pa.Table:
    if len(tables) == 1:
        return tables[0]
    whole = pa.concat_tables(tables or [schema.empty_table()])
    tables.clear()
    return whole.unify_dictionaries().combine_chunks()
