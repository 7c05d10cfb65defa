"""SESSIONS on disk: Parquet files in order, of which some rows are meant; read piece by piece."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from logradar.core.errors import DataError, TableError
from logradar.core.sequences import Sequences
from logradar.core.tables import SESSIONS, conform

BATCH: Final = 16_384  # rows in memory at a time
_LABEL: Final = "label"


@dataclass(frozen=True)
class Shards:
    """Rows of SESSIONS in Parquet ``files``, which may have more columns; never all in memory.

    ``rows`` are the rows that are meant, counted over all files. With ``chosen`` those of them
    that are labelled anomalous are passed over, and ``chosen`` says which of the others are meant.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     pq.write_table(SESSIONS.empty_table(), Path(folder) / "a.parquet")
    ...     len(Shards.of([Path(folder) / "a.parquet"]))
    0
    """

    files: tuple[Path, ...]
    rows: range
    chosen: range | None = None
    in_memory: ClassVar[bool] = False

    @classmethod
    def of(cls, files: Iterable[Path]) -> Shards:
        """All rows of ``files``, in their order. Raises `DataError` for a file that cannot be read."""
        paths = tuple(Path(file) for file in files)
        return cls(paths, range(sum(_metadata(path).num_rows for path in paths)))

    def __len__(self) -> int:
        return len(self.rows if self.chosen is None else self.chosen)

    def slice(self, start: int, stop: int | None = None) -> Shards:
        """Rows ``start`` to ``stop`` of these, with negative numbers counted from the end, as in Python."""
        return self._narrowed(start, stop, None)

    def thinned(self, count: int) -> Shards:
        """At most ``count`` of these rows, evenly spaced: every k-th."""
        return self._narrowed(None, None, max(-(-len(self) // max(count, 1)), 1))

    def normal(self) -> Shards:
        """Those rows that are not labelled anomalous; reads the label column once to count them."""
        if self.chosen is not None:
            return self
        kept = replace(self, chosen=range(len(self.rows)))  # as if all were; reading passes the others over
        count = sum(table.num_rows for table in kept._read([_LABEL]))
        return replace(self, chosen=range(count))

    def tables(self, columns: list[str] | None = None) -> Iterator[pa.Table]:
        """SESSIONS (or the named columns of it) in order, at most `BATCH` rows at a time.

        Raises `DataError` for a file that cannot be read, `TableError` for one of another schema.
        """
        schema = SESSIONS if columns is None else pa.schema([SESSIONS.field(name) for name in columns])
        for table in self._read(schema.names):
            yield conform(table, schema)

    def sequences(self) -> Iterator[Sequences]:
        """The template ids of all rows in order, a piece at a time."""
        for table in self.tables(["template_ids"]):
            yield Sequences.from_arrow(table["template_ids"])

    def loaded(self) -> Sequences:
        """The template ids of all rows in order, in memory."""
        return Sequences.from_lists([]).concat(*self.sequences())

    def _narrowed(self, start: int | None, stop: int | None, step: int | None) -> Shards:
        if self.chosen is None:
            return replace(self, rows=self.rows[start:stop:step])
        return replace(self, chosen=self.chosen[start:stop:step])

    def _read(self, columns: list[str]) -> Iterator[pa.Table]:
        first, normal = 0, 0  # the row of all files, and of the normal rows among those meant, that comes next
        wanted = columns if self.chosen is None else list(dict.fromkeys([*columns, _LABEL]))
        for path in self.files:
            groups = _metadata(path)
            for group in range(groups.num_row_groups):
                count = groups.row_group(group).num_rows
                if not len(_within(self.rows, first, first + count)) or (
                    self.chosen is not None and (not self.chosen or normal > self.chosen[-1])
                ):
                    first += count
                    continue
                for table in _batches(path, group, wanted):
                    kept = _within(self.rows, first, first + table.num_rows)
                    first += table.num_rows
                    if len(kept) < table.num_rows:
                        table = table.take(pa.array(np.arange(kept.start, kept.stop, kept.step)))
                    if self.chosen is not None:
                        table = table.filter(pa.array(~_anomalous(table)))
                        kept = _within(self.chosen, normal, normal + table.num_rows)
                        normal += table.num_rows
                        if len(kept) < table.num_rows:
                            table = table.take(pa.array(np.arange(kept.start, kept.stop, kept.step)))
                    if table.num_rows:
                        yield table.select([name for name in columns if name in table.column_names])


def _within(rows: range, start: int, stop: int) -> range:
    """Those of ``rows`` in ``start`` to ``stop``, counted from ``start``."""
    low = max(-(-(start - rows.start) // rows.step), 0)
    high = min(max(-(-(stop - rows.start) // rows.step), 0), len(rows))
    if high <= low:
        return range(0)
    return range(rows[low] - start, rows[high - 1] - start + 1, rows.step)


def _metadata(path: Path) -> pq.FileMetaData:
    try:
        return pq.read_metadata(path)
    except (OSError, pa.ArrowInvalid) as error:
        raise DataError(f"'{path}' cannot be read as Parquet ({error}); prepare the input again.") from None


def _batches(path: Path, group: int, columns: list[str]) -> Iterator[pa.Table]:
    try:
        with pq.ParquetFile(path) as file:
            there = [name for name in columns if name in file.schema_arrow.names]
            if missing := sorted(set(columns) - set(there) - {f.name for f in SESSIONS if f.nullable}):
                raise TableError(f"'{path}' holds no SESSIONS: column '{missing[0]}' is missing.")
            if not there:  # only columns that may be absent: rows without any
                yield pa.table({_LABEL: pa.nulls(file.metadata.row_group(group).num_rows, pa.bool_())})
                return
            for batch in file.iter_batches(BATCH, row_groups=[group], columns=there):
                yield pa.Table.from_batches([batch])
    except (OSError, pa.ArrowInvalid) as error:
        raise DataError(f"'{path}' cannot be read as Parquet ({error}); prepare the input again.") from None


def _anomalous(table: pa.Table) -> npt.NDArray[np.bool_]:
    if _LABEL not in table.column_names:
        return np.zeros(table.num_rows, bool)
    return table[_LABEL].combine_chunks().fill_null(False).to_numpy(zero_copy_only=False)
