"""Measured sessions: of each some numbers, and whole only those whose events are looked at."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from logradar.core.chosen_rows import ChosenRows
from logradar.core.sequences import Sequences
from logradar.core.tables import NAME, SCORES, SESSIONS
from logradar.evaluation.audit import Hashes, SequenceFacts
from logradar.evaluation.curves import Bools, Floats
from logradar.storage.grouping import days_covered

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Measured:
    """Labelled SESSIONS that are measured: ``source`` reads them again, and of each session some numbers are here.

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
    def days(self) -> float | None:
        """Days from the first start to the last end; None without times."""
        first = pc.min(self.times["start"]).as_py()
        return days_covered(pa.table({"start": [first], "end": [self.end]}))

    def anomalies(self) -> tuple[pa.Table, dict[str, pa.Table]]:
        """The anomalous sessions (all sessions where ``whole``) with their events, and their SCORES."""
        if self.whole:
            return self.sessions, self.scored
        marked = self.sessions["label"]
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


@dataclass
class Gathered:
    """Collects what `Measured` has of each session, a piece at a time."""

    detectors: list[str]
    facts: list[SequenceFacts] = field(default_factory=list)
    labels: list[Bools] = field(default_factory=list)
    ends: list[pa.Scalar] = field(default_factory=list)
    services: list[npt.NDArray[np.int32]] = field(default_factory=list)
    names: dict[str | None, int] = field(default_factory=dict)
    sessions: list[pa.Table] = field(default_factory=list)
    rows: list[Ints] = field(default_factory=list)
    done: int = 0

    def __post_init__(self) -> None:
        self.values: dict[str, list[Floats]] = {name: [] for name in self.detectors}
        self.scored: dict[str, list[pa.Table]] = {name: [] for name in self.detectors}

    def add(self, sessions: pa.Table, scores: dict[str, pa.Table], kept: Bools) -> None:
        """SESSIONS with their SCORES by detector; those ``kept`` stay whole."""
        self.facts.append(SequenceFacts.of(Sequences.from_arrow(sessions["template_ids"])))
        self.labels.append(sessions["label"].to_numpy().astype(bool))
        self.ends.append(pc.max(sessions["end"]))
        self.services.append(self._coded(sessions["service"].combine_chunks()))
        for name, table in scores.items():
            self.values[name].append(np.array(table["score"].to_numpy()))
            self.scored[name].append(_copied(table, kept))
        self.sessions.append(_copied(sessions, kept))
        self.rows.append(np.flatnonzero(kept) + self.done)
        self.done += len(sessions)

    def _coded(self, column: pa.DictionaryArray) -> npt.NDArray[np.int32]:
        """The number of each service among ``names``."""
        texts = [*column.dictionary.to_pylist(), None]
        codes = np.array([self.names.setdefault(name, len(self.names)) for name in texts], np.int32)
        found: npt.NDArray[np.int32] = codes[column.indices.fill_null(len(texts) - 1).to_numpy()]
        return found

    def measured(self, source: ChosenRows, identities: Hashes, times: pa.Table, whole: bool) -> Measured:
        """All of them together."""
        codes = np.concatenate([np.empty(0, np.int32), *self.services])
        nameless = codes == self.names.get(None, -1)
        services = pa.DictionaryArray.from_arrays(
            pa.array(codes, mask=nameless), pa.array([name or "" for name in self.names], pa.string())
        )
        scores = {}
        for name in self.detectors:
            scores[name] = np.concatenate([np.empty(0), *self.values.pop(name)])
        return Measured(
            source=source,
            labels=np.concatenate([np.empty(0, np.bool_), *self.labels]),
            scores=scores,
            facts=SequenceFacts.joined(self.facts),
            identities=identities,
            times=times,
            end=max((end.as_py() for end in self.ends if end.is_valid), default=None),
            services=services.cast(NAME),
            sessions=_together(self.sessions, SESSIONS),
            scored={name: _together(self.scored.pop(name), SCORES) for name in self.detectors},
            rows=np.concatenate([np.empty(0, np.int64), *self.rows]),
            whole=whole,
        )


def _copied(table: pa.Table, kept: Bools) -> pa.Table:
    """The rows ``kept`` in memory of their own, so that the others can go."""
    return table if kept.all() else table.filter(pa.array(kept))


def _together(tables: list[pa.Table], schema: pa.Schema) -> pa.Table:
    if len(tables) == 1:
        return tables[0]
    return pa.concat_tables(tables or [schema.empty_table()]).unify_dictionaries().combine_chunks()
