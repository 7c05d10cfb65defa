"""A store: what was read of an input, as Parquet shards of bounded size, unit by unit.

One thread reads, others compress and write, so that the order of rows and the bytes of every
shard do not depend on timing. A unit (a file, or some small ones) is either done, with a note of
its files, counts and shards, or it is read again: a run that was killed goes on behind the last
unit that it finished.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from logradar.core.memory import give_back
from logradar.core.quarantine import Quarantine

SHARD: Final = 32 << 20  # bytes of a shard in memory
GROUP_ROWS: Final = 200_000
CODEC: Final[dict[str, Any]] = {"compression": "zstd", "compression_level": 1}
QUARANTINE: Final = "quarantine.jsonl"
NOTES: Final = "units"
READING: Final = "reading.json"
RECORDS, DAYS = KINDS = ("records", "days")


@dataclass(frozen=True)
class Shard:
    """A Parquet file of a store: its name below the folder, its rows and the SHA-256 of its bytes."""

    name: str
    rows: int
    bytes: int
    sha256: str


@dataclass
class Note:
    """What is known of a unit that was read: its files, what it held, its shards."""

    files: list[dict[str, Any]]  # name, bytes, modified (ns), sha256
    rows: int = 0
    events: int = 0
    labelled: bool = False
    reasons: dict[str, int] = field(default_factory=dict)
    shards: list[Shard] = field(default_factory=list)

    def fits(self, files: Iterable[tuple[str, Path]]) -> bool:
        """Whether these are the files that were read, unchanged since."""
        known = [(file["name"], file["bytes"], file["modified"]) for file in self.files]
        return known == [(name, *_stamp(path)) for name, path in files]


class Store:
    """The shards of one input below ``folder``; ``kind`` is the sub-folder that they are in.

    ``identity`` is all on which the content depends (input, how it is read): what another one
    left in the folder is removed.
    """

    def __init__(self, folder: Path, kind: str, identity: dict[str, Any], workers: int | None = None) -> None:
        self.folder, self.kind = folder, kind
        self.workers = workers or os.cpu_count() or 1
        self.notes: list[Note] = []
        self.kept = 0  # units that were there from an earlier run
        self.spared = 0  # bytes of their files, which were not read again
        self._identity = json.dumps({"kind": kind, **identity}, sort_keys=True, default=str)
        self._begin()

    def _begin(self) -> None:
        (self.folder / NOTES).mkdir(parents=True, exist_ok=True)
        (self.folder / self.kind).mkdir(exist_ok=True)
        mark = self.folder / READING
        if not mark.is_file() or mark.read_text() != self._identity:
            for name in (NOTES, *KINDS):
                for old in (self.folder / name).glob("*"):
                    old.unlink()
            _write(mark, self._identity)

    def earlier(self, number: int, files: Iterable[tuple[str, Path]]) -> Note | None:
        """The note of a unit that an earlier run has finished, if its files are still the same."""
        try:
            note = self.note_of(json.loads(self._note(number).read_text()))
        except (OSError, ValueError, TypeError, KeyError):
            return None
        whole = all(_sum(self.folder / shard.name) == shard.sha256 for shard in note.shards)
        return note if whole and note.fits(files) else None

    def keep(self, note: Note) -> None:
        """Take a unit over from an earlier run."""
        self.notes.append(note)
        self.kept += 1
        self.spared += sum(max(0, file["bytes"]) for file in note.files)

    def quarantine(self, number: int) -> Quarantine:
        """Where the faults of a unit go; what an earlier run left there is removed."""
        path = self.folder / NOTES / f"{number:05}.jsonl"
        path.unlink(missing_ok=True)
        return Quarantine(path)

    def beside(self, number: int, name: str) -> Path:
        """Where something else that belongs to a unit is kept."""
        return self.folder / NOTES / f"{number:05}-{name}"

    def write(
        self, number: int, files: list[tuple[str, Path]], tables: Iterable[pa.Table], count: Callable[[pa.Table], int]
    ) -> Note:
        """Write the tables of one unit; ``count`` tells their events. The note is still to be finished."""
        note = Note([])
        for old in (self.folder / self.kind).glob(f"{number:05}-*"):
            old.unlink()
        with ThreadPoolExecutor(self.workers) as pool:
            sums = [pool.submit(_sum, path) for _, path in files]
            pending: deque[Future[Shard]] = deque()
            for index, group in enumerate(_gathered(tables)):
                note.rows += sum(table.num_rows for table in group)
                note.events += sum(map(count, group))
                while len(pending) >= self.workers:
                    note.shards.append(pending.popleft().result())
                pending.append(pool.submit(self._write_shard, f"{number:05}-{index:05}.parquet", group))
                del group
            note.shards += [future.result() for future in pending]
            for (name, path), total in zip(files, sums, strict=True):
                size, modified = _stamp(path)
                note.files.append({"name": name, "bytes": size, "modified": modified, "sha256": total.result()})
        return note

    def finish(self, number: int, note: Note) -> None:
        """The unit is done: from here on it is not read again."""
        _write(self._note(number), json.dumps(asdict(note)))
        self.notes.append(note)

    def close(self, units: int) -> None:
        """The input is read: remove what units beyond left, and put their faults into one file."""
        for path in (*(self.folder / NOTES).glob("*"), *(self.folder / self.kind).glob("*")):
            if int(path.name[:5]) >= units:
                path.unlink()
        for path in (self.folder / self.kind).glob("*.part"):
            path.unlink()
        faults = [self.folder / NOTES / f"{number:05}.jsonl" for number in range(units)]
        faults = [path for path in faults if path.is_file()]
        if faults:
            with (self.folder / QUARANTINE).open("ab") as file:
                for path in faults:
                    file.write(path.read_bytes())

    @property
    def rows(self) -> int:
        """Rows of all shards."""
        return sum(note.rows for note in self.notes)

    @property
    def events(self) -> int:
        """Events (log records) in all shards."""
        return sum(note.events for note in self.notes)

    @property
    def reasons(self) -> dict[str, int]:
        """How many pieces of input could not be read, by reason."""
        total: Counter[str] = Counter()
        for note in self.notes:
            total.update(note.reasons)
        return dict(total)

    @property
    def shards(self) -> list[Path]:
        """All shards in order."""
        return [self.folder / shard.name for note in self.notes for shard in note.shards]

    def renumber(self, shard: Shard, first: int) -> Shard:
        """Write a shard of LOG_RECORDS again with record ids from ``first`` on; doing it twice changes nothing."""
        path = self.folder / shard.name
        table = pq.read_table(path).unify_dictionaries()
        ids = pa.array(np.arange(first, first + len(table)), pa.int64())
        table = table.set_column(0, table.schema.field(0), ids)
        draft = path.with_suffix(".part")
        pq.write_table(table, draft, row_group_size=GROUP_ROWS, **CODEC)
        draft.replace(path)
        return Shard(shard.name, len(table), path.stat().st_size, _sum(path))

    @staticmethod
    def note_of(saved: dict[str, Any]) -> Note:
        """The note that was written as JSON. Raises `KeyError` or `TypeError` for something else."""
        return Note(**{**saved, "shards": [Shard(**shard) for shard in saved["shards"]]})

    def _note(self, number: int) -> Path:
        return self.folder / NOTES / f"{number:05}.json"

    def _write_shard(self, name: str, tables: list[pa.Table]) -> Shard:
        path = self.folder / self.kind / name
        draft = path.with_suffix(".part")
        whole = pa.concat_tables(tables).unify_dictionaries()
        tables.clear()
        pq.write_table(whole, draft, row_group_size=GROUP_ROWS, **CODEC)
        draft.replace(path)
        rows = whole.num_rows
        del whole
        give_back()
        return Shard(f"{self.kind}/{name}", rows, path.stat().st_size, _sum(path))


def _gathered(tables: Iterable[pa.Table]) -> Iterator[list[pa.Table]]:
    """Tables in groups of about one shard."""
    group: list[pa.Table] = []
    size = 0
    for table in tables:
        group.append(table)
        size += table.nbytes
        if size >= SHARD:
            yield group
            group, size = [], 0
    if group:
        yield group


def _stamp(path: Path) -> tuple[int, int]:
    try:
        status = path.stat()
    except OSError:
        return -1, -1
    return status.st_size, status.st_mtime_ns


def _sum(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""


def _write(path: Path, text: str) -> None:
    """A file that is either whole or not there, also after a crash."""
    draft = path.with_suffix(path.suffix + ".part")
    with draft.open("w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
