"""Training sessions: what a training without labels could learn from, so that a person can review what it did learn.

All sessions of the training and validation part are kept as ids of events, with their times and services, those that
were taken for anomalous among them; so the detectors that learn in seconds can be fitted again when a person has said
which kinds are normal.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, Final, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import Field

from logradar.core.columns import HIGHEST_ID, Columns, numbers
from logradar.core.documents import Saved, read_document
from logradar.core.sequences import Ints, Sequences
from logradar.core.tables import NAME, SESSIONS, TIMESTAMP, UNKNOWN, conform

SESSIONS_FILE: Final = "training-sessions.parquet"
ROWS_FILE: Final = "training-rows.parquet"
EXAMPLES_FILE: Final = "training-examples.json"
MOST: Final = 2_000_000  # sessions, and
MOST_EVENTS: Final = 8_000_000  # events of distinct sequences, beyond which nothing is kept
LIMIT: Final = 1e9  # nats of suspicion, either way
LINES: Final = 8  # of an example
CHARACTERS: Final = 240  # of a line of an example
_YEARS: Final = (-62_135_596_800_000_000, 253_402_300_799_999_999)  # 1 to 9999, in microseconds from 1970 on
Floats = npt.NDArray[np.float64]
Examples = dict[str, list[str]]
_Line = Annotated[str, Field(max_length=4 * CHARACTERS)]


class _Examples(Saved):
    lines: dict[Annotated[str, Field(pattern="^[0-9a-f]{16}$")], Annotated[list[_Line], Field(max_length=LINES)]]


@dataclass(frozen=True, eq=False)
class TrainingSessions:
    """Sessions in order: those of the training part, then those of validation.

    ``rows`` are their distinct sequences; ``row_of`` is that of each session, ``suspicion`` how suspect each row is, in
    nats (above 0 it was not learnt). ``trained`` sessions are of the training part. ``table`` has their start, end and
    service. ``rules`` are those that judged them. ``examples`` are lines of a session by the name of its kind.
    """

    rows: Sequences
    suspicion: Floats
    row_of: Ints
    trained: int
    table: pa.Table
    rules: tuple[str, ...]
    examples: Examples

    def __len__(self) -> int:
        return len(self.row_of)

    @property
    def fits(self) -> bool:
        """Whether it is small enough for a bundle."""
        return len(self) <= MOST and len(self.rows.values) <= MOST_EVENTS

    @cached_property
    def kinds(self) -> tuple[Sequences, Ints]:
        """Kinds of sessions as sorted rows with counts, and the kind of each of ``rows``.

        Sequences of one kind have the same counts of events, and all of them are suspect or none is.
        """
        counted = self.rows.sorted()
        vectors = counted.distinct()
        keys, first, kind_of = np.unique(
            2 * vectors.inverse + (self.suspicion > 0), return_index=True, return_inverse=True
        )
        counts = np.bincount(kind_of, self.rows.counts, minlength=len(keys)).astype(np.int64)
        chosen = counted.take(first)
        return Sequences(chosen.values, chosen.offsets, counts, chosen.inverse), kind_of

    @cached_property
    def kind_suspicion(self) -> Floats:
        """Of each kind, that of its most suspect sequence."""
        vectors, kind_of = self.kinds
        found = np.full(len(vectors), -np.inf)
        np.maximum.at(found, kind_of, self.suspicion)
        return found

    @cached_property
    def kind_names(self) -> list[str]:
        """The name of each kind: sixteen hex digits of its counts of events; the lowest bit is set if it is suspect."""
        prints = (self.kinds[0].fingerprints() >> np.uint64(1) << np.uint64(1)).tolist()
        suspect = (self.kind_suspicion > 0).tolist()
        return [f"{value + one:016x}" for value, one in zip(prints, suspect, strict=True)]

    def parts(self, stay: npt.NDArray[np.bool_]) -> tuple[pa.Table, pa.Table]:
        """SESSIONS of the training and of the validation part, of those rows that ``stay``; numbered, without lines."""
        keep = stay[self.row_of]
        early = np.flatnonzero(keep[: self.trained])
        late = self.trained + np.flatnonzero(keep[self.trained :])
        return self._sessions(early), self._sessions(late)

    def _sessions(self, chosen: Ints) -> pa.Table:
        events = self.rows.take(self.row_of[chosen])
        offsets = pa.array(events.offsets.astype(np.int32))
        lists = {
            "record_ids": np.arange(len(events.values), dtype=np.int64),
            "template_ids": events.values,
            "gaps": np.zeros(len(events.values), np.float32),
        }
        table = self.table.take(pa.array(chosen))
        columns = {name: pa.ListArray.from_arrays(offsets, pa.array(values)) for name, values in lists.items()}
        columns |= {"session_id": pa.array([str(row) for row in chosen.tolist()])}
        named = {name: table[name] for name in ("start", "end", "service")}
        return conform(pa.table({**columns, **named}), SESSIONS)

    def save(self, folder: Path) -> None:
        """Write it into the folder of a bundle."""
        offsets = cast(pa.Int64Array, pa.array(self.rows.offsets))
        lists = pa.LargeListArray.from_arrays(offsets, pa.array(self.rows.values, pa.int32()))
        rows = pa.table({"template_ids": lists, "count": self.rows.counts, "suspicion": self.suspicion})
        pq.write_table(rows, folder / ROWS_FILE, compression="zstd")
        table = self.table.append_column("row", pa.array(self.row_of.astype(np.int32)))
        facts = {"trained": str(self.trained), "rules": ",".join(self.rules)}
        pq.write_table(table.replace_schema_metadata(facts), folder / SESSIONS_FILE, compression="zstd")
        (folder / EXAMPLES_FILE).write_text(_Examples(lines=self.examples).model_dump_json() + "\n", "utf-8")

    @classmethod
    def load(cls, folder: Path) -> TrainingSessions | None:
        """What `save` wrote; None where a bundle keeps none. `ValueError` where it is damaged."""
        if not (folder / SESSIONS_FILE).is_file():
            return None
        saved = Columns(folder / ROWS_FILE).only("template_ids", "count", "suspicion")
        rows = saved.sequences("template_ids", (UNKNOWN, HIGHEST_ID), "count")
        suspicion = saved.numbers("suspicion", np.float64, (-LIMIT, LIMIT))
        sessions = Columns(folder / SESSIONS_FILE, ["service"]).only("start", "end", "service", "row")
        row_of = sessions.numbers("row", np.int32, (0, len(rows) - 1)).astype(np.int64)
        trained = int(sessions.metadata.get("trained", "-1")[:12])
        if not 0 <= trained <= len(row_of) or (np.bincount(row_of, minlength=len(rows)) != rows.counts).any():
            raise ValueError(f"{SESSIONS_FILE} does not have the sessions that {ROWS_FILE} counts")
        table = sessions.table.select(["start", "end", "service"])
        if table.schema.field("start").type != TIMESTAMP or table.schema.field("end").type != TIMESTAMP:
            raise ValueError(f"{SESSIONS_FILE} has times of another kind")
        for name in ("start", "end"):
            numbers(
                table[name].drop_null().cast(pa.int64()).to_numpy(), np.int64, f"'{name}' of {SESSIONS_FILE}", _YEARS
            )
        table = table.set_column(2, pa.field("service", NAME), table["service"].cast(NAME))
        rules = tuple(name for name in sessions.metadata.get("rules", "").split(",") if name)
        examples = _Examples.of(read_document(folder / EXAMPLES_FILE), EXAMPLES_FILE).lines
        return cls(rows, suspicion, row_of, trained, table, rules, examples)
