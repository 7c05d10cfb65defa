"""Tabulate: a corpus of LOG_RECORDS becomes SESSIONS.

Which session a record belongs to does not depend on its template, so records are grouped first;
templates are filled in once they are mined (on training sessions only) and frozen.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from logradar.core.errors import DataError
from logradar.core.progress import Progress, say
from logradar.core.sequences import Sequences
from logradar.core.tables import EVENTS, SESSIONS, UNKNOWN, check
from logradar.parsing.events import events
from logradar.parsing.sessions import SessionSettings, sessions
from logradar.parsing.templates import TemplateMiner
from logradar.storage.records import Corpus

Ids = npt.NDArray[np.int32]
_DAY = 86_400  # seconds
_ROWS, _BYTES = 800_000, 128 << 20  # of bodies that are worked on together
LONGEST: Final = 64  # characters of a parameter
COLUMNS = ["record_id", "timestamp", "service", "level", "session_key", "label"]


def group(corpus: Corpus, settings: SessionSettings) -> pa.Table:
    """SESSIONS of a corpus with every template id still `UNKNOWN`; see `fill`."""
    parts = [events(part, np.full(len(part), UNKNOWN, np.int32)) for part in corpus.scan(COLUMNS)]
    grouped = sessions(pa.concat_tables(parts).unify_dictionaries(), settings)
    if not grouped.table.num_rows:
        raise DataError(
            f"None of the {corpus.records:,} records is in a session; lower sessions.min_length or set "
            "sessions.unkeyed=windows."
        )
    if grouped.keyed and grouped.windowed:
        say(f"{grouped.windowed:,} records without a session key form windows of {settings.size} by service.")
    if grouped.dropped:
        say(f"{grouped.dropped:,} records are in no session (sessions.unkeyed, sessions.min_length).")
    return grouped.table


def learn_templates(corpus: Corpus, miner: TemplateMiner, grouped: pa.Table, rows: npt.NDArray[np.int64]) -> None:
    """Mine the records of the sessions ``rows`` in order of record, then freeze the miner."""
    inside = np.zeros(corpus.records, bool)
    inside[Sequences.from_arrow(grouped["record_ids"]).take(rows).values] = True
    with Progress("mining templates", float(inside.sum()), "records") as bar:
        for start, bodies in texts_of(corpus):
            mask = inside[start : start + len(bodies)]
            miner.mine(bodies if mask.all() else bodies.filter(pa.array(mask)))
            bar.advance(float(mask.sum()))
    miner.freeze()


def fill(corpus: Corpus, miner: TemplateMiner, grouped: pa.Table, values: bool = False) -> pa.Table:
    """SESSIONS with the template ids that the frozen miner gives to their records; with ``values`` parameters too."""
    ids: Ids = np.full(corpus.records, UNKNOWN, np.int32)
    found: list[pa.Array] = []
    with Progress("matching templates", corpus.records, "records") as bar:
        for start, bodies in texts_of(corpus, together=values):
            ids[start : start + len(bodies)] = miner.match(bodies)
            if values:
                found.append(values_in(miner, bodies, ids[start : start + len(bodies)]))
            bar.advance(len(bodies))
    records = Sequences.from_arrow(grouped["record_ids"])
    filled = with_lists(grouped, "template_ids", records, pa.array(ids[records.values], pa.int32()))
    if values:
        every = pa.concat_arrays(found)
        found.clear()
        filled = with_lists(filled, "parameters", records, every.take(pa.array(records.values)))
    return check(filled, SESSIONS)


def with_lists(sessions: pa.Table, name: str, records: Sequences, flat: pa.Array) -> pa.Table:
    """SESSIONS with another column ``name``: ``flat`` has one entry for each of their ``records``."""
    offsets = pa.array(records.offsets.astype(np.int32))
    column = SESSIONS.get_field_index(name)
    return sessions.set_column(column, SESSIONS.field(column), pa.ListArray.from_arrays(offsets, flat))


def values_in(miner: TemplateMiner, bodies: pa.Array, ids: Ids) -> pa.Array:
    """The parameters of bodies, cut to the `LONGEST` that detectors compare."""
    found = pl.Series(pl.from_arrow(miner.parameters(bodies, ids)))
    return found.list.eval(pl.element().str.slice(0, LONGEST)).to_arrow().cast(EVENTS.field("parameters").type)


def anomalous(grouped: pa.Table) -> npt.NDArray[np.bool_]:
    """For every session whether it is labelled anomalous; without a label it is not."""
    return grouped["label"].combine_chunks().fill_null(False).to_numpy(zero_copy_only=False)


def days_covered(grouped: pa.Table) -> float | None:
    """Days from the first start to the last end of SESSIONS; None without times or for an instant."""
    first, last = pc.min(grouped["start"]).as_py(), pc.max(grouped["end"]).as_py()
    if first is None or last is None or first == last:
        return None
    return (last - first).total_seconds() / _DAY


def texts_of(corpus: Corpus, together: bool = False) -> Iterator[tuple[int, pa.Array]]:
    """Bodies in order, each batch with the id of its first record; ids count on from 0 without a gap.

    ``together`` makes batches larger, for work that costs something for each template and batch.
    """
    start, waiting = 0, list[pa.Array]()
    for part in corpus.scan(["body"]):
        waiting.append(part["body"].combine_chunks())
        if not together or sum(map(len, waiting)) >= _ROWS or sum(bodies.nbytes for bodies in waiting) >= _BYTES:
            yield start, pa.concat_arrays(waiting)
            start += sum(map(len, waiting))
            waiting.clear()
    if waiting:
        yield start, pa.concat_arrays(waiting)
