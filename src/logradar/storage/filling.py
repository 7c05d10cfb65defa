"""Filling: the templates (and parameters) of records are put into SESSIONS that were grouped without them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
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
from logradar.core.shards import Shards
from logradar.core.tables import EVENTS, SESSIONS, check
from logradar.parsing.templates import TemplateMiner
from logradar.storage.parameters import ParametersOnDisk
from logradar.storage.records import Corpus
from logradar.storage.shards_writer import CODEC

INSIDE: Final = "inside.bin"  # of each record, whether templates were learnt of it
IDS: Final = "templates.bin"  # of each record, its template
LONGEST: Final = 64  # characters of a parameter
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
    corpus: Corpus, miner: TemplateMiner, sessions: SessionSet, folder: Path, parameters: bool = False
) -> SessionSet:
    """The same SESSIONS with the template ids that the frozen miner gives to their records.

    With ``parameters`` they carry the parameters of their events too. Sessions on disk go to new files in
    ``folder``; the old ones are removed.
    """
    ids = DiskColumn(folder / IDS, np.int32, corpus.records)
    waiting: list[pa.Array] = []
    beside = None
    if parameters and isinstance(sessions, Shards):
        beside = ParametersOnDisk(corpus.records, sessions, folder)
    with Progress("matching templates", corpus.records, "records") as bar:
        for start, bodies in texts_of(corpus, miner, together=parameters):
            matched = ids.values[start : start + len(bodies)] = miner.match(bodies)
            ids.release()
            if parameters and beside:
                beside.add(start, parameters_in(miner, bodies, matched))
            elif parameters:
                waiting.append(parameters_in(miner, bodies, matched))
            bar.advance(len(bodies))
    give_back()
    if isinstance(sessions, SessionTable):
        return SessionTable(_filled(sessions.table, ids.values, pa.concat_arrays(waiting) if waiting else None))
    assert isinstance(sessions, Shards)
    return _filled_on_disk(sessions, ids, beside.tables() if beside else None, folder)


def _filled(sessions: pa.Table, ids: Ids, parameters: pa.Array | None, in_order: bool = False) -> pa.Table:
    records = Sequences.from_arrow(sessions["record_ids"])
    table = with_lists(sessions, "template_ids", records, pa.array(np.asarray(ids[records.values]), pa.int32()))
    if parameters is not None:
        own = parameters if in_order else parameters.take(pa.array(records.values))
        table = with_lists(table, "parameters", records, own)
    return check(table, SESSIONS)


def _filled_on_disk(sessions: Shards, ids: DiskColumn, parameters: Iterator[pa.Array] | None, folder: Path) -> Shards:
    filled = []
    for number, path in enumerate(sessions.files):
        filled.append(folder / f"sessions-{number:05}.parquet")
        with pq.ParquetWriter(filled[-1], SESSIONS, **CODEC) as writer:
            for table in Shards.of([path]).tables():
                writer.write_table(_filled(table, ids.values, next(parameters) if parameters else None, in_order=True))
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
