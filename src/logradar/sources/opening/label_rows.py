"""The rows of a label file, some megabytes of text at a time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import polars as pl

from logradar.core.errors import DataError, InputError
from logradar.core.quarantine import Quarantine
from logradar.sources.decoding.compression import pieces

BLOCK: Final = 4 << 20  # bytes of text that become a table together
_BOM: Final = b"\xef\xbb\xbf"


def label_rows(path: Path) -> Iterator[pl.DataFrame]:
    """The cells as text in columns "1", "2", … and the 1-based number in "row"; blank rows are left out.

    Every table has at least one row. Raises `InputError` for a file that cannot be read or is not CSV, `DataError`
    for one of fewer than two columns.
    """
    mark, schema, before = "", None, 0
    for text in _texts(path):
        mark = mark or max(",;\t", key=text.partition(b"\n")[0].decode().count)
        try:
            rows = pl.read_csv(
                text,
                has_header=False,
                infer_schema=False,
                separator=mark,
                truncate_ragged_lines=True,
                schema=schema,
            )
        except pl.exceptions.NoDataError:
            rows = pl.DataFrame()
        except pl.exceptions.ComputeError as error:
            raise InputError(f"The label file '{path}' is not CSV ({str(error).splitlines()[0]}).") from None
        if schema is None:
            if rows.width < 2:
                raise DataError(
                    f"The label file '{path}' needs two columns, session key and label, as in 'blk_42,Anomaly'."
                )
            schema = dict(rows.schema)
        rows = rows.rename({name: str(number) for number, name in enumerate(rows.columns, 1)})
        numbered = rows.with_row_index("row", before + 1)
        before += len(numbered)
        filled = numbered.filter(~pl.all_horizontal(pl.exclude("row").fill_null("").str.strip_chars() == ""))
        if len(filled):
            yield filled


def _texts(path: Path) -> Iterator[bytes]:
    """Runs of whole rows in UTF-8 with line feeds; one run at least, which may be empty."""
    bad = Quarantine()
    waiting: list[bytes] = []
    size, wanted, first = 0, BLOCK, True
    try:
        for piece in pieces(path, path.name, bad, lambda count: None):
            waiting.append(piece)
            size += len(piece)
            if size < wanted:
                continue
            data = b"".join(waiting)
            end = _end_of_rows(data)
            if end:
                yield _plain(data[:end], first)
                first = False
            waiting, size = [data[end:]], len(data) - end
            wanted = max(BLOCK, 2 * size)
    except FileNotFoundError:
        raise InputError(f"The label file '{path}' does not exist.") from None
    except OSError as error:
        raise InputError(f"The label file '{path}' cannot be read: {error.strerror}.") from None
    if bad.count:
        raise InputError(f"The label file '{path}' cannot be read: {next(iter(bad.reasons))}.")
    if size or first:
        yield _plain(b"".join(waiting), first)


def _end_of_rows(data: bytes) -> int:
    """Behind the last line feed that no quotes surround; 0 without one."""
    end = data.rfind(b"\n") + 1
    inside = data.count(b'"', 0, end) % 2
    while end and inside:
        before = data.rfind(b"\n", 0, end - 1) + 1
        inside = (inside + data.count(b'"', before, end)) % 2
        end = before
    return end


def _plain(data: bytes, first: bool) -> bytes:
    text = (data.removeprefix(_BOM) if first else data).decode("utf-8", "replace")
    return text.replace("\r\n", "\n").encode()
