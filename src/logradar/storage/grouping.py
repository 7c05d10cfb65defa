"""Grouping: the records of an input on disk become SESSIONS, in flat memory.

Which session a record belongs to does not depend on its template, so records are grouped first; templates are
filled in once they are mined (on training sessions only) and frozen. Events go to partitions by their session,
each partition is grouped in memory, and the sessions are put in order of time; those of an input of fewer than
`IN_MEMORY` records stay there: a table in memory is one shard.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from logradar.core.errors import DataError
from logradar.core.memory import give_back
from logradar.core.progress import Progress, say
from logradar.core.sequences import Sequences
from logradar.core.session_set import SessionSet, SessionTable
from logradar.core.shards import Shards
from logradar.core.tables import SESSIONS, UNKNOWN, conform
from logradar.parsing.event_clock import UNKNOWN_TIME, EventClock
from logradar.parsing.events import events
from logradar.parsing.sessionizer import MEMBERSHIPS, Sessionizer
from logradar.parsing.sessions import SessionSettings
from logradar.storage.records import Corpus
from logradar.storage.shards_writer import CODEC

IN_MEMORY: Final = 3_000_000  # records of an input whose sessions stay in memory
PARTITION: Final = 250_000  # records of a partition
STRETCH: Final = 50_000  # sessions that are put in order together
GROUP: Final = 20_000
_SMALL: Final = 500  # sessions that are read together while stretches are put in order
COLUMNS: Final = ["record_id", "timestamp", "source", "service", "level", "session_key", "label"]
_PACKED: Final = pa.ipc.IpcWriteOptions(compression="lz4")
_IDLE: Final = 600.0  # seconds that are learnt at least: an event that is late by minutes is still part of its session
_DAY: Final = 86_400  # seconds

Ints = npt.NDArray[np.int64]


def with_key_or_windows(corpus: Corpus, settings: SessionSettings) -> SessionSettings:
    """The settings without ``auto``, by what the records of a training input have.

    Raises `DataError` where a session key was given and no record has it.
    """
    if settings.by != "auto":
        return settings
    any_key = any(table["session_key"].null_count < len(table) for table in corpus.scan(["session_key"]))
    if corpus.input.session_key and not any_key:
        raise DataError(
            f"The session key '{corpus.input.session_key}' is in no line; correct it, leave it out so that one is "
            "searched for, or set --session-key '' for windows."
        )
    return settings.resolved(any_key)


def group(corpus: Corpus, settings: SessionSettings, folder: Path) -> SessionSet:
    """SESSIONS of a corpus in order of their start, with every template id still `UNKNOWN`; see `fill`.

    A table where the corpus has at most `IN_MEMORY` records, else files in ``folder``. A session without a time
    stands behind the one whose first record comes before its own. Raises `DataError` where no record is in a
    session, and for windows of time without times.
    """
    sessionizer = Sessionizer(with_key_or_windows(corpus, settings))
    count = -(-corpus.records // PARTITION) if corpus.records > PARTITION else 0
    parts = _partitioned(corpus, sessionizer, count, folder)
    if corpus.records <= IN_MEMORY:
        tables = [sessionizer.group(part) for part in parts]
        found: SessionSet = SessionTable(_in_time(pa.concat_tables(tables).unify_dictionaries().combine_chunks()))
        give_back()
    else:
        found = _ordered_on_disk(corpus, sessionizer, parts, folder)
    say_what_became(corpus.records, sessionizer.settings, len(found), sessionizer.windowed, sessionizer.dropped)
    return found


def idle_seconds(before_the_cut: Iterator[pa.Table], settings: SessionSettings) -> float | None:
    """Seconds after which a session is over, learnt from SESSIONS of training: twice the longest gap inside one.

    None where no record has a time; at least ten minutes. A value that was set stays.
    """
    if settings.idle_seconds is not None:
        return settings.idle_seconds
    longest, timed = 0.0, False
    for table in before_the_cut:
        timed = timed or table["start"].null_count < len(table)
        longest = max(longest, pc.max(pc.list_flatten(table["gaps"])).as_py() or 0.0)
    return float(np.ceil(max(2 * longest, _IDLE))) if timed else None


def say_what_became(records: int, settings: SessionSettings, sessions: int, windowed: int, dropped: int) -> None:
    """Say how many records have no key or are in no session. Raises `DataError` where there is no session."""
    if not sessions:
        raise DataError(
            f"None of the {records:,} records is in a session; lower sessions.min_length or set "
            "sessions.unkeyed=windows."
        )
    if settings.by == "key" and 0 < windowed < records:
        say(f"{windowed:,} records without a session key form windows of {settings.size} by service.")
    elif settings.by == "key" and windowed:
        say(
            f"None of the {windowed:,} records has the session key of the training, so all form windows of "
            f"{settings.size}: what is found in them says little."
        )
    if dropped:
        say(f"{dropped:,} records are in no session (sessions.unkeyed, sessions.min_length).")


def _partitioned(corpus: Corpus, sessionizer: Sessionizer, count: int, folder: Path) -> Iterator[pa.Table]:
    """MEMBERSHIPS of all records, one table for each partition; all events of a session are in one of them.

    With ``count`` 0 there is one partition, and it stays in memory.
    """
    clock, timed = EventClock(), False
    paths = [folder / f"partition-{number:05}.arrows" for number in range(count)]
    waiting: list[pa.Table] = []
    with ExitStack() as stack, Progress("sorting into sessions", corpus.records, "records") as bar:
        # Streams, not Parquet: that would keep facts of every small piece in memory until the file is closed.
        writers = [stack.enter_context(pa.ipc.new_stream(path, MEMBERSHIPS, options=_PACKED)) for path in paths]
        for part in corpus.scan(COLUMNS):
            moments = clock.read(part["source"], part["timestamp"])
            timed = timed or bool((moments.times != UNKNOWN_TIME).any())
            table = sessionizer.assign(events(part, np.full(len(part), UNKNOWN, np.int32)), moments)
            if not paths:
                waiting.append(table)
            else:
                hashes = pl.DataFrame(pl.from_arrow(table.select(["kind", "key", "window"]))).hash_rows(0)
                place = (hashes % count).to_numpy()
                table = table.take(pa.array(np.argsort(place, kind="stable"))).combine_chunks()
                bounds = np.searchsorted(np.sort(place), np.arange(count + 1))
                for number, writer in enumerate(writers):
                    if bounds[number] < bounds[number + 1]:
                        writer.write_table(table.slice(bounds[number], bounds[number + 1] - bounds[number]))
            bar.advance(len(part))
    require_times(sessionizer.settings, timed)
    if not paths:
        yield pa.concat_tables(waiting)
    for path in paths:
        with pa.ipc.open_stream(path) as partition:
            yield partition.read_all()
        path.unlink()


def require_times(settings: SessionSettings, timed: bool) -> None:
    """`DataError` for windows of time where no record has one."""
    if settings.by == "time" and not timed:
        raise DataError("Windows of time need timestamps and no record has one; take windows of count: by=count.")


def _in_time(sessions: pa.Table) -> pa.Table:
    """SESSIONS in order of start, then of first record."""
    order = _ranks([_starts(sessions)], [_firsts(sessions)])[0]
    return sessions if (np.diff(order) == 1).all() else sessions.take(pa.array(np.argsort(order)))


def _ordered_on_disk(corpus: Corpus, sessionizer: Sessionizer, partitions: Iterator[pa.Table], folder: Path) -> Shards:
    files: list[Path] = []
    starts: list[npt.NDArray[np.float64]] = []
    firsts: list[Ints] = []
    sessions = 0
    with Progress("grouping", corpus.records, "records") as bar:
        for memberships in partitions:
            table = sessionizer.group(memberships)
            bar.advance(len(memberships))
            files.append(folder / f"grouped-{len(files):05}.parquet")
            pq.write_table(table, files[-1], row_group_size=_SMALL, **CODEC)
            starts.append(_starts(table))
            firsts.append(_firsts(table))
            sessions += len(table)
            del table, memberships
            give_back()
    ranks = _ranks(starts, firsts)
    give_back()
    ordered = _stretches(files, ranks, folder)
    say(f"{sessions:,} sessions were grouped on disk, because {corpus.records:,} records are many.")
    return Shards.of(ordered)


def _starts(sessions: pa.Table) -> npt.NDArray[np.float64]:
    known: npt.NDArray[np.float64] = sessions["start"].cast(pa.int64()).cast(pa.float64(), safe=False).to_numpy()
    return known


def _firsts(sessions: pa.Table) -> Ints:
    """The first and the last record of each session, of shape (sessions, 2): no two sessions have both in common."""
    records = Sequences.from_arrow(sessions["record_ids"])
    return np.stack([records.values[records.offsets[:-1]], records.values[records.offsets[1:] - 1]], 1).astype(np.int64)


def _ranks(starts: list[npt.NDArray[np.float64]], firsts: list[Ints]) -> list[Ints]:
    """The place of every session in the order of start, then of first record; one without a start stands behind
    the one before it. Both lists are emptied on the way: for millions of sessions what they hold is large."""
    bounds = np.cumsum([len(part) for part in firsts])[:-1]
    first = np.concatenate([np.empty((0, 2), np.int64), *firsts])
    firsts.clear()
    by_record = np.lexsort((first[:, 1], first[:, 0]))
    del first
    time = np.concatenate([np.empty(0), *starts])[by_record]
    starts.clear()
    if len(time):
        last = np.maximum.accumulate(np.where(np.isnan(time), -1, np.arange(len(time))))
        time = np.where(last >= 0, time[np.maximum(last, 0)], -np.inf)
        del last
    order = by_record[np.argsort(time, kind="stable")]
    del by_record, time
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    return np.split(rank, bounds)


def _stretches(files: list[Path], ranks: list[Ints], folder: Path) -> list[Path]:
    """The sessions of ``files`` in order of their ranks, as files of about `STRETCH` sessions."""
    ordered: list[Path] = []
    total = sum(map(len, ranks))
    with Progress("putting in order", total, "sessions") as bar:
        for begin in range(0, total, STRETCH):
            tables, places = [SESSIONS.empty_table()], []
            for path, rank in zip(files, ranks, strict=True):
                rows = np.flatnonzero((rank >= begin) & (rank < begin + STRETCH))
                tables += _rows(path, rows)
                places.append(rank[rows])
            table = pa.concat_tables(tables).unify_dictionaries()
            ordered.append(folder / f"ordered-{len(ordered):05}.parquet")
            order = pa.array(np.argsort(np.concatenate(places), kind="stable"))
            pq.write_table(table.take(order), ordered[-1], row_group_size=GROUP, **CODEC)
            bar.advance(len(order))
            del table, tables
            give_back()
    for path in files:
        path.unlink()
    return ordered


def _rows(path: Path, rows: Ints) -> Iterator[pa.Table]:
    """The named rows (rising) of a Parquet file; row groups without any are not read."""
    first = 0
    with pq.ParquetFile(path) as file:
        for number in range(file.num_row_groups):
            count = file.metadata.row_group(number).num_rows
            inside = rows[(rows >= first) & (rows < first + count)] - first
            if len(inside):
                yield conform(file.read_row_group(number).take(pa.array(inside)), SESSIONS)
            first += count


def days_covered(sessions: pa.Table) -> float | None:
    """Days from the first start to the last end of SESSIONS; None without times or for an instant."""
    first, last = pc.min(sessions["start"]).as_py(), pc.max(sessions["end"]).as_py()
    if first is None or last is None or first == last:
        return None
    return (last - first).total_seconds() / _DAY


def anomalous(sessions: pa.Table) -> npt.NDArray[np.bool_]:
    """For every session whether it is labelled anomalous; without a label it is not."""
    return sessions["label"].combine_chunks().fill_null(False).to_numpy(zero_copy_only=False)
