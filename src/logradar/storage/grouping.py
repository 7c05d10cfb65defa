"""Sessions of a corpus that is too large to be grouped in memory: partition, group, put in order of time.

Records go to partitions by a hash of their session, each partition is grouped in memory, and the
sessions are brought into order of time stretch by stretch. What stays in memory is two numbers
per session; what grows with the number of records is on disk.
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
import pyarrow.parquet as pq

from logradar.core.errors import DataError
from logradar.core.progress import Progress, say
from logradar.core.sequences import Sequences
from logradar.core.shards import Shards
from logradar.core.tables import EVENTS, SESSIONS, UNKNOWN, conform
from logradar.parsing.events import events
from logradar.parsing.sessions import SessionSettings, sessions
from logradar.parsing.templates import TemplateMiner
from logradar.storage.parameters import ValuesOnDisk
from logradar.storage.records import Corpus
from logradar.storage.shards_writer import CODEC
from logradar.storage.tabulate import COLUMNS, texts_of, values_in, with_lists

IN_MEMORY: Final = 5_000_000  # records of a corpus that is grouped in memory
PARTITION: Final = 1_500_000  # records of a partition
STRETCH: Final = 200_000  # sessions that are put in order together
GROUP: Final = 20_000

Ints = npt.NDArray[np.int64]


def is_large(corpus: Corpus) -> bool:
    """Whether a corpus is better grouped on disk."""
    return corpus.records > IN_MEMORY


def group_on_disk(corpus: Corpus, settings: SessionSettings, folder: Path) -> Shards:
    """SESSIONS of a corpus in order of their start, with every template id still `UNKNOWN`.

    They are those that `logradar.storage.tabulate.group` makes, but for two things: windows of count
    follow the order of records (in memory: of time), and a record without a time takes that of the
    record before it in its session. Raises `DataError` for windows that overlap.
    """
    named = _named(corpus, settings)
    partitions = _partition(corpus, settings, named, folder)
    parts, starts, firsts = [], [], []
    keyed = settings.model_copy(update={"by": "key", "unkeyed": "drop"})
    with Progress("grouping", corpus.records, "records") as bar:
        for number, path in enumerate(partitions):
            table = sessions(conform(pq.read_table(path), EVENTS), keyed).table
            bar.advance(pq.read_metadata(path).num_rows)
            path.unlink()
            records = Sequences.from_arrow(table["record_ids"])
            firsts.append(records.values[records.offsets[:-1]].astype(np.int64))
            starts.append(_numbers(table["start"]))
            parts.append(folder / f"grouped-{number:05}.parquet")
            pq.write_table(table, parts[-1], row_group_size=GROUP, **CODEC)
            del table, records
    if not sum(map(len, firsts)):
        raise DataError(
            f"None of the {corpus.records:,} records is in a session; lower sessions.min_length or set "
            "sessions.unkeyed=windows."
        )
    ordered = _in_order(parts, starts, firsts, folder)
    inside = sum(int(pq.read_metadata(path).num_rows) for path in ordered)
    say(f"{inside:,} sessions were grouped on disk, because {corpus.records:,} records are many.")
    return Shards.of(ordered)


def learn_templates_of(corpus: Corpus, miner: TemplateMiner, parts: list[Shards], folder: Path) -> None:
    """Mine the records of the sessions of ``parts`` in order of record, then freeze the miner."""
    inside = np.memmap(folder / "inside.bin", np.bool_, "w+", shape=(corpus.records,))
    for part in parts:
        for table in part.tables(["record_ids"]):
            inside[Sequences.from_arrow(table["record_ids"]).values] = True
    with Progress("mining templates", corpus.records, "records") as bar:
        for start, texts in texts_of(corpus):
            mask = np.array(inside[start : start + len(texts)])
            miner.mine(texts if mask.all() else texts.filter(pa.array(mask)))
            bar.advance(len(texts))
    miner.freeze()


def fill_on_disk(corpus: Corpus, miner: TemplateMiner, grouped: Shards, folder: Path, values: bool = False) -> Shards:
    """The same sessions with the template ids that the frozen miner gives to their records; see `fill`."""
    ids = np.memmap(folder / "templates.bin", np.int32, "w+", shape=(corpus.records,))
    beside = ValuesOnDisk(corpus.records, grouped, folder) if values else None
    with Progress("matching templates", corpus.records, "records") as bar:
        for start, texts in texts_of(corpus, together=values):
            ids[start : start + len(texts)] = miner.match(texts)
            if beside:
                beside.add(start, values_in(miner, texts, ids[start : start + len(texts)]))
            bar.advance(len(texts))
    parameters = beside.tables() if beside else None
    filled = []
    for number, path in enumerate(grouped.files):
        filled.append(folder / f"sessions-{number:05}.parquet")
        with pq.ParquetWriter(filled[-1], SESSIONS, **CODEC) as writer:
            for table in Shards.of([path]).tables():
                records = Sequences.from_arrow(table["record_ids"])
                templates = pa.array(np.asarray(ids[records.values]), pa.int32())
                table = with_lists(table, "template_ids", records, templates)
                if parameters:
                    table = with_lists(table, "parameters", records, next(parameters))
                writer.write_table(table)
        path.unlink()
    return Shards.of(filled)


def _named(corpus: Corpus, settings: SessionSettings) -> bool:
    """Whether sessions go by the records' own keys."""
    if settings.step not in (None, settings.size) or settings.step_seconds not in (None, settings.seconds):
        raise DataError(
            f"Windows that overlap are made in memory, and {corpus.records:,} records are too many for it; leave "
            "sessions.step and sessions.step_seconds out."
        )
    if settings.by in ("key", "count", "time"):
        return settings.by == "key"
    return any(table["session_key"].null_count < len(table) for table in corpus.scan(["session_key"]))


def _partition(corpus: Corpus, settings: SessionSettings, named: bool, folder: Path) -> list[Path]:
    """EVENTS with the name of their session as key, spread over files by its hash."""
    count = -(-corpus.records // PARTITION)
    paths = [folder / f"partition-{number:05}.parquet" for number in range(count)]
    windows = _Windows(settings)
    with ExitStack() as stack, Progress("sorting into sessions", corpus.records, "records") as bar:
        writers = [stack.enter_context(pq.ParquetWriter(path, EVENTS, **CODEC)) for path in paths]
        for part in corpus.scan(COLUMNS):
            table = events(part, np.full(len(part), UNKNOWN, np.int32))
            frame = pl.DataFrame(pl.from_arrow(table.select(["timestamp", "service", "session_key"])))
            keys = windows.names(frame, named)
            table = table.set_column(
                EVENTS.get_field_index("session_key"), EVENTS.field("session_key"), keys.to_arrow().cast(pa.string())
            )
            place = (keys.hash(0) % count).fill_null(0).to_numpy()
            kept = keys.is_not_null().to_numpy()
            for number, writer in enumerate(writers):
                rows = np.flatnonzero(kept & (place == number))
                if len(rows):
                    writer.write_table(table.take(pa.array(rows)).combine_chunks())
            bar.advance(len(part))
    return paths


class _Windows:
    """Names windows while records stream by, as `logradar.parsing.sessions` names them."""

    def __init__(self, settings: SessionSettings) -> None:
        self.settings = settings
        self._counts: dict[str | None, int] = {}

    def names(self, frame: pl.DataFrame, named: bool) -> pl.Series:
        """The session of each record: its key, or its window; null for a record that is in none."""
        if named and (self.settings.unkeyed == "drop" or not frame["session_key"].null_count()):
            return frame["session_key"]
        rest = frame.filter(pl.col("session_key").is_null()) if named else frame
        window = self._by_time(rest) if not named and self.settings.by == "time" else self._by_count(rest)
        service = rest["service"].cast(pl.String).fill_null("log")
        windows = pl.select(pl.format("{}[{}]", service, window)).to_series()
        if not named:
            return windows
        keys = frame["session_key"]
        return keys.scatter(keys.is_null().arg_true(), windows)

    def _by_count(self, frame: pl.DataFrame) -> pl.Series:
        service = frame["service"].cast(pl.String)
        before = service.replace_strict(self._counts, default=0, return_dtype=pl.Int64) if self._counts else 0
        place = frame.select(pl.int_range(pl.len()).over(service.alias("s"))).to_series() + before
        for name, count in service.value_counts().rows():
            self._counts[name] = self._counts.get(name, 0) + count
        return place // self.settings.size

    def _by_time(self, frame: pl.DataFrame) -> pl.Series:
        if frame["timestamp"].null_count():
            raise DataError("Windows of time need a timestamp in every record; take windows of count: by=count.")
        step = round(self.settings.seconds * 1_000_000)
        start = pl.from_epoch(frame["timestamp"].dt.timestamp("us") // step * step, time_unit="us")
        return start.dt.strftime("%Y-%m-%dT%H:%M:%S%.3f")


def _numbers(starts: pa.ChunkedArray) -> npt.NDArray[np.float64]:
    known: npt.NDArray[np.float64] = starts.cast(pa.int64()).cast(pa.float64(), safe=False).to_numpy()
    return known


def _in_order(parts: list[Path], starts: list[npt.NDArray[np.float64]], firsts: list[Ints], folder: Path) -> list[Path]:
    """All sessions in order of start, then of first record; one without a start stands behind the one before it."""
    first = np.concatenate(firsts)
    by_record = np.argsort(first, kind="stable")
    known = np.concatenate(starts)[by_record]
    last = np.maximum.accumulate(np.where(np.isnan(known), -1, np.arange(len(known))))
    time = np.where(last >= 0, known[np.maximum(last, 0)], -np.inf)
    rank = np.empty(len(first), np.int64)
    rank[by_record[np.argsort(time, kind="stable")]] = np.arange(len(first))
    bounds = np.cumsum([0, *map(len, firsts)])
    ordered: list[Path] = []
    with Progress("putting in order", len(first), "sessions") as bar:
        for begin in range(0, len(first), STRETCH):
            found, places = [], []
            for number, path in enumerate(parts):
                own = rank[bounds[number] : bounds[number + 1]]
                rows = np.flatnonzero((own >= begin) & (own < begin + STRETCH))
                found += list(_rows(path, rows))
                places.append(own[rows])
            table = pa.concat_tables(found).unify_dictionaries()
            ordered.append(folder / f"ordered-{len(ordered):05}.parquet")
            order = pa.array(np.argsort(np.concatenate(places), kind="stable"))
            pq.write_table(table.take(order), ordered[-1], row_group_size=GROUP, **CODEC)
            bar.advance(len(order))
    for path in parts:
        path.unlink()
    return ordered


def _rows(path: Path, rows: Ints) -> Iterator[pa.Table]:
    """The named rows (rising) of a Parquet file; row groups without any are not read."""
    first = 0
    with pq.ParquetFile(path) as file:
        for group in range(file.num_row_groups):
            count = file.metadata.row_group(group).num_rows
            inside = rows[(rows >= first) & (rows < first + count)] - first
            if len(inside):
                yield conform(file.read_row_group(group).take(pa.array(inside)), SESSIONS)
            first += count
