"""Columns of a Parquet file of a bundle: bounded in size, and checked before any kernel sees them.

Kernels do not look whether an index is inside an array. So every number that reaches one from a file passes `numbers`
first, which states its type, range and order.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from logradar.core.sequences import Sequences

FREE: Final = 512 << 20  # bytes that any file may unpack to
RATIO: Final = 64  # times its size that a larger one may unpack to
HIGHEST_ID: Final = int(np.iinfo(np.int32).max)  # of a template
MOST: Final = 1 << 40  # sessions, or times that something was seen: no sum of them overflows
_WIDTH: Final = 8  # bytes of a value in memory, at most
Bounds = tuple[float | None, float | None]


class Columns:
    """The columns of one file. All errors are `ValueError` and name the file and the column."""

    def __init__(self, path: Path, texts: Iterable[str] = ()) -> None:
        """Read ``path``; ``texts`` are the columns that hold text.

        A few MB may unpack to many GB, so the counts in the footer are looked at before anything is read, and the
        length of repeated texts before they are written out.
        """
        self.name = path.name
        try:
            size = path.stat().st_size
            with pq.ParquetFile(path, read_dictionary=list(texts)) as file:
                self._require(_unpacked(file.metadata), size)
                self.table = file.read()
            for column in texts:
                if column in self.table.column_names:
                    self._require(_written_out(self.table[column]), size)
            self.metadata = {k.decode(): v.decode() for k, v in (self.table.schema.metadata or {}).items()}
        except (pa.ArrowException, OSError) as error:
            reason = " ".join(str(error).split())
            raise ValueError(f"{self.name} cannot be read as Parquet: {reason[:200]}") from None

    def __len__(self) -> int:
        return int(self.table.num_rows)

    @property
    def names(self) -> list[str]:
        """The names of all columns."""
        return list(self.table.column_names)

    def numbers(
        self, name: str, kind: type[np.generic], within: Bounds = (None, None), ascending: str = ""
    ) -> npt.NDArray[Any]:
        """A column of numbers of exactly that type; see `numbers`."""
        column = self._column(name)
        if column.type != pa.from_numpy_dtype(np.dtype(kind)):
            raise ValueError(f"column '{name}' of {self.name} holds {column.type}, not {np.dtype(kind).name}")
        return numbers(column.to_numpy(), kind, f"column '{name}' of {self.name}", within, ascending)

    def sequences(self, name: str, within: Bounds = (0, HIGHEST_ID), counts: str | None = None) -> Sequences:
        """A column of lists of int32, with the column ``counts`` (1 or more each) as their counts."""
        column = self._column(name)
        if column.type not in (pa.list_(pa.int32()), pa.large_list(pa.int32())):
            raise ValueError(f"column '{name}' of {self.name} holds {column.type}, not lists of int32")
        if pc.list_flatten(column).null_count:
            raise ValueError(f"column '{name}' of {self.name} has empty values")
        column.validate(full=True)
        rows = Sequences.from_arrow(column.combine_chunks())
        numbers(rows.values, np.int32, f"column '{name}' of {self.name}", within)
        if counts is None:
            return rows
        return Sequences(rows.values, rows.offsets, self.numbers(counts, np.int64, (1, MOST)), rows.inverse)

    def seconds(self, name: str) -> npt.NDArray[np.float32]:
        """All values of a column of lists of float32, which are finite and not below 0, in one array."""
        column = self._column(name)
        if column.type not in (pa.list_(pa.float32()), pa.large_list(pa.float32())):
            raise ValueError(f"column '{name}' of {self.name} holds {column.type}, not lists of float32")
        flat = pc.list_flatten(column)
        if flat.null_count:
            raise ValueError(f"column '{name}' of {self.name} has empty values")
        return numbers(flat.to_numpy(), np.float32, f"column '{name}' of {self.name}", (0, None))

    def texts(self, name: str) -> pa.ChunkedArray:
        """A column of text, which must be valid UTF-8 and without empty values."""
        column = self._column(name)
        try:
            written = column.cast(pa.string())
            written.validate(full=True)
        except pa.ArrowException:
            raise ValueError(f"column '{name}' of {self.name} does not hold text") from None
        return written

    def text_lists(self, name: str) -> pa.ChunkedArray:
        """A column of lists of text, which must be valid UTF-8 and without empty values."""
        column = self._column(name)
        if not (pa.types.is_list(column.type) or pa.types.is_large_list(column.type)):
            raise ValueError(f"column '{name}' of {self.name} holds {column.type}, not lists of text")
        try:
            column.validate(full=True)
            written = column.cast(pa.large_list(pa.large_string()))
            written.validate(full=True)
        except pa.ArrowException:
            raise ValueError(f"column '{name}' of {self.name} does not hold lists of text") from None
        if pc.list_flatten(written).null_count:
            raise ValueError(f"column '{name}' of {self.name} has empty values")
        return written

    def only(self, *names: str) -> Columns:
        """This, if it has these columns and no others."""
        if self.names != list(names):
            raise ValueError(f"{self.name} has the columns {', '.join(self.names) or 'none'}, not {', '.join(names)}")
        return self

    def _column(self, name: str) -> pa.ChunkedArray:
        if self.table.column_names.count(name) != 1:
            raise ValueError(f"{self.name} has no column '{name}', or several of that name")
        column = self.table[name]
        if column.null_count:
            raise ValueError(f"column '{name}' of {self.name} has {column.null_count} empty values")
        return column

    def _require(self, unpacked: int, size: int) -> None:
        if unpacked > max(FREE, RATIO * size):
            raise ValueError(
                f"{self.name} has {size:,} bytes and unpacks to {unpacked:,}, far more than what a training writes"
            )


def numbers(
    values: object, kind: type[np.generic], what: str, within: Bounds = (None, None), ascending: str = ""
) -> npt.NDArray[Any]:
    """``values`` as one array of type ``kind``; `ValueError` where they are no numbers that this type has.

    ``within`` are the lowest and the highest value. ``ascending`` is ``strictly`` where no value may come twice, and
    ``evenly`` where equal ones may follow each other. Numbers that are not finite are refused in any case.
    """
    try:
        given = np.asarray(values)
    except (ValueError, OverflowError):
        given = np.empty((0, 0))
    whole = np.issubdtype(kind, np.integer)
    if given.ndim != 1 or (len(given) and given.dtype.kind not in ("iu" if whole else "iuf")):
        raise ValueError(f"{what} is not a list of {'whole ' if whole else ''}numbers")
    low, high = within
    if whole:
        limits = np.iinfo(cast(Any, kind))
        low, high = max(low if low is not None else limits.min, limits.min), high if high is not None else limits.max
    elif not np.isfinite(given).all():
        raise ValueError(f"{what} holds a number that is not finite")
    if len(given) and ((low is not None and given.min() < low) or (high is not None and given.max() > high)):
        beyond = given.min() if low is not None and given.min() < low else given.max()
        raise ValueError(f"{what} holds {beyond}, which is not between {low} and {high}")
    steps = given[1:] > given[:-1] if ascending == "strictly" else given[1:] >= given[:-1]
    if ascending and not steps.all():
        raise ValueError(f"{what} is not in ascending order{', or a value comes twice' * (ascending == 'strictly')}")
    return given.astype(kind, copy=False)


def _unpacked(about: pq.FileMetaData) -> int:
    """Bytes that the values take in memory, as the footer of the file counts them; texts by their places alone."""
    groups = [about.row_group(number) for number in range(about.num_row_groups)]
    columns = [group.column(place) for group in groups for place in range(group.num_columns)]
    values = sum(max(column.num_values, 0) for column in columns)
    pages = sum(max(column.total_uncompressed_size, 0) for column in columns)
    return max(values * _WIDTH, pages, about.num_rows * _WIDTH)


def _written_out(column: pa.ChunkedArray) -> int:
    """Bytes of a column of text with every repetition written out."""
    total = 0
    for chunk in column.chunks:
        if isinstance(chunk, pa.DictionaryArray):
            lengths = pc.binary_length(chunk.dictionary).fill_null(0).to_numpy(zero_copy_only=False).astype(np.int64)
            times = np.bincount(chunk.indices.fill_null(0).to_numpy(zero_copy_only=False), minlength=len(lengths))
            total += int((lengths * times[: len(lengths)]).sum())
        else:
            total += chunk.nbytes
    return total
