"""Parquet files of prepared folders: recognised by their columns, and damage reported as an `InputError`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from logradar.core.errors import InputError, TableError


def has_columns(path: Path, schema: pa.Schema) -> bool:
    """Whether a file is Parquet with exactly the columns of ``schema``, in any order."""
    if path.suffix != ".parquet":
        return False
    try:
        return set(pq.read_schema(path).names) == set(schema.names)
    except (pa.ArrowInvalid, OSError):
        return False


@contextmanager
def open_parquet(path: Path) -> Iterator[pq.ParquetFile]:
    """The open file. Raises `InputError` if it is damaged, also while it is read or does not match a schema."""
    try:
        with pq.ParquetFile(path) as file:
            yield file
    except (pa.ArrowInvalid, TableError, OSError) as error:
        why = str(error).partition("\n")[0]
        raise InputError(f"'{path}' is damaged ({why}); prepare the input again.") from None
