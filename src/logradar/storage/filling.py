"""Filling: templates, parameters and texts of records are put into SESSIONS that were grouped without them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from logradar.core.disk_column import DiskColumn
from logradar.core.memory import give_back
from logradar.core.progress import Progress
from logradar.core.sequences import Sequences
from logradar.core.session_set import SessionSet, SessionTable
from logradar.core.session_view import TEMPLATE_IDS
from logradar.core.shards import Shards
from logradar.core.tables import EVENTS, SESSIONS, UNKNOWN, check
from logradar.parsing.templates import TemplateMiner
from logradar.storage.parameters import ParametersOnDisk
from logradar.storage.records import Corpus
from logradar.storage.shards_writer import CODEC

INSIDE: Final = "inside.bin"  # of each record, whether templates were learnt of it
IDS: Final = "templates.bin"  # of each record, its template
LONGEST: Final = 64  # characters of a parameter
TEXT: Final = 1_000  # characters of a text
_ROWS, _BYTES = 800_000, 128 << 20  # of bodies that are worked on together

Ids = npt.NDArray[np.int32]


def learn_templates(corpus: Corpus, miner: TemplateMiner, parts: Iterable[SessionSet], folder: Path) -> None:
    """Mine the records of the sessions of ``parts`` in order of record, then freeze the miner."""
    inside = DiskColumn(folder / INSIDE, np.bool_, corpus.records)
    for part in parts:
        for table in part.tables(["record_ids"]):
            inside.values[Sequences.from_arrow(table["record_ids"]).values] = True
            inside.release()
    with Progress("mining templates", corpus.records, "records") as bar:
        for start, bodies in texts_of(corpus, miner):
            mask = np.array(inside.values[start : start + len(bodies)])
            miner.mine(bodies if mask.all() else bodies.filter(pa.array(mask)))
            inside.release()
            bar.advance(len(bodies))
    miner.freeze()


def fill(
    corpus: Corpus, miner: TemplateMiner, sessions: SessionSet, folder: Path, inputs: frozenset[str] = TEMPLATE_IDS
) -> SessionSet:
    """The same SESSIONS with the template ids that the frozen miner gives to their records.

    Where ``inputs`` name them, they carry the parameters of their events too, or the texts of those whose template
    is not known. Sessions on disk go to new files in ``folder``; the old ones are removed.
    """
    parameters, texts = "parameters" in inputs, UnknownTexts() if "texts" in inputs else None
    ids = DiskColumn(folder / IDS, np.int32, corpus.records)
    waiting: list[pa.Array] = []
    beside = None
    if parameters and isinstance(sessions, Shards):
        beside = ParametersOnDisk(corpus.records, sessions, folder)
    with Progress("matching templates", corpus.records, "records") as bar:
        for start, bodies in texts_of(corpus, miner, together=parameters):
            matched = ids.values[start : start + len(bodies)] = miner.match(bodies)
            ids.release()
            if texts is not None:
                texts.add(start, miner, bodies, matched)
            if parameters and beside:
                beside.add(start, parameters_in(miner, bodies, matched))
            elif parameters:
                waiting.append(parameters_in(miner, bodies, matched))
            bar.advance(len(bodies))
    give_back()
    if isinstance(sessions, SessionTable):
        return SessionTable(_filled(sessions.table, ids.values, pa.concat_arrays(waiting) if waiting else None, texts))
    assert isinstance(sessions, Shards)
    return _filled_on_disk(sessions, ids, beside.tables() if beside else None, texts, folder)


class UnknownTexts:
    """The masked texts of records whose template is not known, by record; others have none."""

    def __init__(self) -> None:
        self._records: list[npt.NDArray[np.int64]] = []
        self._texts: list[pa.Array] = []

    def add(self, start: int, miner: TemplateMiner, bodies: pa.Array, ids: Ids) -> None:
        """Take in bodies of records from ``start`` on, in rising order, with their templates."""
        rows = np.flatnonzero(ids == UNKNOWN)
        if len(rows):
            masked = miner.masked(bodies.take(pa.array(rows))).str.slice(0, TEXT)
            self._records.append(start + rows)
            self._texts.append(masked.to_arrow().cast(pa.string()))

    def of(self, records: npt.NDArray[np.integer]) -> pa.Array:
        """The text of each of these records; null where its template is known."""
        if not self._records:
            return pa.nulls(len(records), pa.string())
        known, texts = np.concatenate(self._records), pa.concat_arrays(self._texts)
        self._records, self._texts = [known], [texts]
        place = np.minimum(np.searchsorted(known, records), len(known) - 1)
        return texts.take(pa.array(place, mask=known[place] != records))


def with_values(
    sessions: pa.Table, inputs: frozenset[str], miner: TemplateMiner, bodies_of: Callable[[], pa.Array]
) -> pa.Table:
    """SESSIONS with what detectors with these ``inputs`` read of the lines; ``bodies_of`` gives that of each event."""
    if not inputs & {"parameters", "texts"} or not len(sessions):
        return sessions
    records = Sequences.from_arrow(sessions["record_ids"])
    ids, bodies = Sequences.from_arrow(sessions["template_ids"]).values, bodies_of()
    if "parameters" in inputs:
        sessions = with_lists(sessions, "parameters", records, parameters_in(miner, bodies, ids))
    if "texts" in inputs:
        texts = UnknownTexts()
        texts.add(0, miner, bodies, ids)
        sessions = with_lists(sessions, "texts", records, texts.of(np.arange(len(bodies))))
    return sessions


def _filled(
    sessions: pa.Table, ids: Ids, parameters: pa.Array | None, texts: UnknownTexts | None, in_order: bool = False
) -> pa.Table:
    records = Sequences.from_arrow(sessions["record_ids"])
    table = with_lists(sessions, "template_ids", records, pa.array(np.asarray(ids[records.values]), pa.int32()))
    if parameters is not None:
        own = parameters if in_order else parameters.take(pa.array(records.values))
        table = with_lists(table, "parameters", records, own)
    if texts is not None:
        table = with_lists(table, "texts", records, texts.of(records.values))
    return check(table, SESSIONS)


def _filled_on_disk(
    sessions: Shards,
    ids: DiskColumn,
    parameters: Iterator[pa.Array] | None,
    texts: UnknownTexts | None,
    folder: Path,
) -> Shards:
    filled = []
    for number, path in enumerate(sessions.files):
        filled.append(folder / f"sessions-{number:05}.parquet")
        with pq.ParquetWriter(filled[-1], SESSIONS, **CODEC) as writer:
            for table in Shards.of([path]).tables():
                own = next(parameters) if parameters else None
                writer.write_table(_filled(table, ids.values, own, texts, in_order=True))
                ids.release()
        path.unlink()
    return Shards.of(filled)


def with_lists(sessions: pa.Table, name: str, records: Sequences, flat: pa.Array) -> pa.Table:
    """SESSIONS with another column ``name``: ``flat`` has one entry for each of their ``records``."""
    offsets = pa.array(records.offsets.astype(np.int32))
    column = SESSIONS.get_field_index(name)
    return sessions.set_column(column, SESSIONS.field(column), pa.ListArray.from_arrays(offsets, flat))


def parameters_in(miner: TemplateMiner, bodies: pa.Array, ids: Ids) -> pa.Array:
    """The parameters of bodies, cut to the `LONGEST` that detectors compare."""
    found = pl.Series(pl.from_arrow(miner.parameters(bodies, ids)))
    return found.list.eval(pl.element().str.slice(0, LONGEST)).to_arrow().cast(EVENTS.field("parameters").type)


def texts_of(corpus: Corpus, miner: TemplateMiner, together: bool = False) -> Iterator[tuple[int, pa.Array]]:
    """Bodies without session keys, in order, each batch with the id of its first record; ids count on from 0.

    ``together`` makes batches larger, for work that costs something for each template and batch.
    """
    start, waiting = 0, list[pa.Array]()
    for part in corpus.scan(["body", "session_key"]):
        waiting.append(miner.without_keys(part["body"], part["session_key"]))
        if not together or sum(map(len, waiting)) >= _ROWS or sum(bodies.nbytes for bodies in waiting) >= _BYTES:
            yield start, pa.concat_arrays(waiting)
            start += sum(map(len, waiting))
            waiting.clear()
    if waiting:
        yield start, pa.concat_arrays(waiting)
