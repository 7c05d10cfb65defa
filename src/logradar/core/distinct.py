"""Distinct sequences of a corpus with their counts, in memory or, where they do not fit, on disk.

Chunks are reduced as they come. When what is left exceeds the memory it is spilled to files by
its hash; each of these is then reduced alone, in the same way with further bits of the hash if
need be. Equal sequences share a hash, so they meet; content decides whether they are equal.
"""

from __future__ import annotations

import shutil
import tempfile
import weakref
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from logradar.core.sequences import Sequences

MEMORY: Final = 256 << 20  # bytes of distinct sequences that are held in memory
CHUNK: Final = 1 << 19  # values in memory at a time where a chunk is one of many
_BITS: Final = 6  # of the hash, so 64 files at each level
_LEVELS: Final = 8
_LEAST: Final = 1 << 24  # bytes that are gathered at least before they are reduced
_SCHEMA: Final = pa.schema([("sequence", pa.large_list(pa.int32())), ("count", pa.int64())])
_PREFIXES: Final = "distinct-", "spilled-"  # of scratch folders
_NOTHING: Final = Sequences.of(np.empty(0, np.int32), np.zeros(1, np.int64))


@dataclass(frozen=True, eq=False)
class Distinct:
    """Distinct sequences with counts: ``whole`` where they fit into memory, else Parquet ``files``.

    In memory they are in order of first appearance, on disk by some bits of their hash and
    then by first appearance: the same input gives the same order, however it came in chunks.
    Files live in a folder of their own below ``folder``, which goes at the end of a ``with``, or
    when this object does.

    >>> d = count_distinct([Sequences.from_lists([[3, 4], [5]]), Sequences.from_lists([[3, 4]])])
    >>> len(d), d.total, [row.tolist() for row in d.whole]
    (2, 3, [[3, 4], [5]])
    """

    rows: int
    total: int  # sum of the counts
    values: int  # of all distinct sequences together
    whole: Sequences | None
    files: tuple[Path, ...]
    folder: Path | None
    memory: int

    def __len__(self) -> int:
        return self.rows

    def __enter__(self) -> Distinct:
        return self

    def __exit__(self, *_: object) -> None:
        for path in self.files:
            shutil.rmtree(path.parent, ignore_errors=True)

    def chunks(self, size: int = CHUNK) -> Iterator[Sequences]:
        """All of them in order with their counts, about ``size`` values at a time (one row at least)."""
        if self.whole is not None:
            for _, part in self.whole.parts(size):
                yield part
            return
        for path in self.files:
            with pq.ParquetFile(path) as file:
                for group in range(file.num_row_groups):
                    for _, part in _sequences(file.read_row_group(group)).parts(size):
                        yield part

    def pieces(self) -> Iterator[Sequences]:
        """All of them in order with their counts: in one piece where they are in memory, else by `chunks`."""
        return self.chunks() if self.whole is None else iter([self.whole])

    def part(self, start: int, stop: int) -> Sequences:
        """Rows ``start`` to ``stop`` with their counts."""
        if self.whole is not None:
            return self.whole.part(start, stop)
        found = [_NOTHING]
        for path, bounds in self._groups:
            groups = np.flatnonzero((bounds[1:] > start) & (bounds[:-1] < stop)).tolist()
            if groups:
                with pq.ParquetFile(path) as file:
                    rows = _sequences(file.read_row_groups(groups))
                first = int(bounds[groups[0]])
                found.append(rows.part(max(start - first, 0), min(stop - first, len(rows))))
        return found[0].concat(*found[1:])

    @cached_property
    def _groups(self) -> list[tuple[Path, npt.NDArray[np.int64]]]:
        """The row at which each row group of each file begins, and the end of the last."""
        found, first = [], 0
        for path in self.files:
            about = pq.read_metadata(path)
            counts = [about.row_group(group).num_rows for group in range(about.num_row_groups)]
            found.append((path, first + np.cumsum([0, *counts], dtype=np.int64)))
            first += about.num_rows
        return found

    def derived(self, function: Callable[[Sequences], Sequences]) -> Distinct:
        """The distinct rows that ``function`` makes of these, chunk by chunk; within the same memory."""
        return count_distinct(map(function, self.chunks()), self.folder, self.memory)

    def stored(self, folder: Path | None = None) -> Distinct:
        """The same on disk, in the same order."""
        if self.whole is None:
            return self
        store = _Store(folder or self.folder)
        for part in self.chunks():
            store.write(part)
        return store.closed(self.folder, self.memory)

    def loaded(self) -> Sequences:
        """All of them in memory, whatever memory that needs."""
        return self.whole if self.whole is not None else _NOTHING.concat(*self.chunks())


def count_distinct(chunks: Iterable[Sequences], folder: Path | None = None, memory: int = MEMORY) -> Distinct:
    """The distinct sequences of ``chunks`` with the sums of their counts.

    They stay in memory up to ``memory`` bytes (4 a value and 16 a row); it takes about four times
    that for a moment, and a chunk. Beyond, files of a temporary folder in ``folder`` (default: the
    system's) take what is left of each chunk once for spilling and once for the result.
    """
    counter = _Counter(memory, 0, folder)
    for chunk in chunks:
        counter.add(chunk)
    whole = counter.reduced()
    if not counter.spilled:
        return Distinct(len(whole), int(whole.counts.sum()), len(whole.values), whole, (), folder, memory)
    store = _Store(folder)
    for part in counter.result():
        store.write(part)
    return store.closed(folder, memory)


class _Counter:
    """Counts at one level: 64 files by ``_BITS`` bits of the hash once memory is full."""

    def __init__(self, memory: int, level: int, folder: Path | None) -> None:
        self.memory, self.level, self.folder = memory, level, folder
        self.parts: list[Sequences] = []
        self.whole, self.waiting = _NOTHING, 0
        self.spilled: dict[int, pa.ipc.RecordBatchStreamWriter] = {}
        self.scratch: Path | None = None

    def add(self, chunk: Sequences) -> None:
        part = chunk.distinct()
        self.parts.append(part)
        self.waiting += _bytes(part)
        if self.waiting > max(_bytes(self.whole), min(_LEAST, self.memory)):
            self.reduced()

    def reduced(self) -> Sequences:
        self.whole, self.parts, self.waiting = self.whole.concat(*self.parts).distinct(), [], 0
        if _bytes(self.whole) > self.memory and len(self.whole) > 1 and self.level < _LEVELS:
            self._spill()
        return self.whole

    def _spill(self) -> None:
        if self.scratch is None:
            self.scratch = _scratch(self, self.folder)
        place = (self.whole.fingerprints() >> np.uint64(64 - _BITS * (self.level + 1))) & np.uint64((1 << _BITS) - 1)
        order = np.argsort(place.astype(np.uint8), kind="stable")
        bounds = np.searchsorted(place[order], np.arange((1 << _BITS) + 1, dtype=np.uint64))
        for number in range(1 << _BITS):
            rows = order[bounds[number] : bounds[number + 1]]
            if not len(rows):
                continue
            if number not in self.spilled:
                options = pa.ipc.IpcWriteOptions(compression="lz4")
                self.spilled[number] = pa.ipc.new_stream(self.scratch / f"{number:02}.arrow", _SCHEMA, options=options)
            self.spilled[number].write_table(_table(self.whole.take(rows), self.whole.counts[rows]), CHUNK)
        self.whole = _NOTHING

    def result(self) -> Iterator[Sequences]:
        """The distinct rows, a file at a time; each file is removed when it has been read."""
        self.reduced()
        if not self.spilled:
            yield self.whole
            return
        if len(self.whole):
            self._spill()
        assert self.scratch is not None
        for writer in self.spilled.values():
            writer.close()
        for number in sorted(self.spilled):
            below, path = _Counter(self.memory, self.level + 1, self.folder), self.scratch / f"{number:02}.arrow"
            with pa.ipc.open_stream(path) as reader:
                for batch in reader:
                    below.add(_sequences(pa.Table.from_batches([batch])))
            path.unlink()
            yield from below.result()


class _Store:
    """Writes distinct sequences to Parquet, in row groups of about `CHUNK` values."""

    def __init__(self, folder: Path | None) -> None:
        self.home = Path(tempfile.mkdtemp(prefix=_PREFIXES[0], dir=_made(folder)))
        self.path = self.home / "rows.parquet"
        self.writer = pq.ParquetWriter(self.path, _SCHEMA, compression="zstd", compression_level=1)
        self.rows = self.total = self.values = self.held = 0
        self.waiting: list[Sequences] = []

    def write(self, rows: Sequences) -> None:
        for _, part in rows.parts(CHUNK):
            self.waiting.append(part)
            self.held += len(part.values) + len(part)
            if self.held >= CHUNK:
                self._flush()
        self.rows, self.total = self.rows + len(rows), self.total + int(rows.counts.sum())
        self.values += len(rows.values)

    def _flush(self) -> None:
        if self.waiting:
            rows = self.waiting[0].concat(*self.waiting[1:])
            self.writer.write_table(_table(rows, rows.counts), row_group_size=len(rows))
        self.waiting, self.held = [], 0

    def closed(self, folder: Path | None, memory: int) -> Distinct:
        self._flush()
        self.writer.close()
        found = Distinct(self.rows, self.total, self.values, None, (self.path,), folder, memory)
        weakref.finalize(found, shutil.rmtree, self.home, ignore_errors=True)
        return found


def sweep(folder: Path) -> None:
    """Remove temporary files that a killed process left anywhere below ``folder``."""
    for prefix in _PREFIXES:
        for left in folder.rglob(f"{prefix}*"):
            shutil.rmtree(left, ignore_errors=True)


def _made(folder: Path | None) -> Path | None:
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
    return folder


def _scratch(owner: object, folder: Path | None) -> Path:
    path = Path(tempfile.mkdtemp(prefix=_PREFIXES[1], dir=_made(folder)))
    weakref.finalize(owner, shutil.rmtree, path, ignore_errors=True)
    return path


def _bytes(rows: Sequences) -> int:
    return 4 * len(rows.values) + 16 * len(rows)


def _table(rows: Sequences, counts: np.ndarray) -> pa.Table:
    lists = pa.LargeListArray.from_arrays(
        cast(pa.Int64Array, pa.array(rows.offsets)), pa.array(rows.values, pa.int32())
    )
    return pa.table([lists, pa.array(counts, pa.int64())], schema=_SCHEMA)


def _sequences(table: pa.Table) -> Sequences:
    rows = Sequences.from_arrow(table["sequence"])
    return Sequences(rows.values, rows.offsets, table["count"].to_numpy(), rows.inverse)
