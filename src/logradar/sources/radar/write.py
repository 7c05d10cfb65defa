"""DAY_SESSIONS -> a day file, as RADAR reads it: one JSON array, token_ids padded with 0."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from types import TracebackType
from typing import Any

import orjson
import pyarrow as pa

from logradar.core.tables import check
from logradar.sources.radar.table import DAY_SESSIONS

ROWS = 2_000  # sessions that are Python objects at a time


def day_path(folder: Path, day: date) -> Path:
    """Where the sessions of a day belong."""
    return folder / f"preprocessed_logs_{day.isoformat()}.json"


def encode(session: dict[str, Any], length: int | None, pretty: bool = False) -> bytes:
    """One session as JSON; ``token_ids`` and ``attention_mask`` are added with ``length`` values, unless it is None.

    ``session`` holds the other keys in the order in which they are to be written, those with the
    value None are left out. What is pretty is indented by two, as an element of an array.
    """
    found: dict[str, Any] = {}
    for key, content in session.items():
        if content is None:
            continue
        found[key] = content
        if key == "event_sequence" and length is not None:
            real = content[:length]
            found["token_ids"] = real + [0] * (length - len(real))
            found["attention_mask"] = [1] * len(real) + [0] * (length - len(real))
    text = orjson.dumps(found, option=orjson.OPT_INDENT_2 if pretty else None)
    return b"  " + text.replace(b"\n", b"\n  ") if pretty else text


class DayWriter:
    """Writes one day file, table after table; the file appears under its name when it is complete.

    ``length`` is the number of ``token_ids`` of every session (longer sequences are cut in them,
    never in ``event_sequence``); None keeps what each session had.

    >>> session = {"session_id": 7, "event_sequence": [4, 5], "service": "shop", "offset": 0}
    >>> path = day_path(Path(), date(2024, 5, 1))
    >>> with DayWriter(path, length=3) as writer:
    ...     writer.write(pa.Table.from_pylist([session], schema=DAY_SESSIONS))
    >>> path.name, orjson.loads(path.read_bytes())[0]["token_ids"]
    ('preprocessed_logs_2024-05-01.json', [4, 5, 0])
    """

    def __init__(self, path: Path, *, length: int | None = None, pretty: bool = False) -> None:
        self.path, self.length, self.pretty = path, length, pretty
        self.sessions = 0
        self._part = path.with_name(path.name + ".part")

    def __enter__(self) -> DayWriter:
        self._file = self._part.open("wb")
        self._file.write(b"[")
        return self

    def write(self, table: pa.Table) -> None:
        """Append the sessions of a DAY_SESSIONS table."""
        check(table, DAY_SESSIONS)
        between = b",\n" if self.pretty else b","
        for batch in table.to_batches(max_chunksize=ROWS):
            pieces = []
            for row in batch.to_pylist():
                length = row["tokens_length"] if self.length is None else self.length
                pieces.append(encode(_session(row), length, self.pretty))
            if pieces:
                begin = b"\n" if self.pretty else b""
                self._file.write((between if self.sessions else begin) + between.join(pieces))
                self.sessions += len(pieces)

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._file as file:
            file.write(b"\n]\n" if self.pretty and self.sessions else b"]")
        if kind is None:
            self._part.replace(self.path)
        else:
            self._part.unlink()


def _session(row: dict[str, Any]) -> dict[str, Any]:
    """The keys of a session object without the padded ones."""
    return {
        "session_id": row["session_id"],
        "event_sequence": row["event_sequence"],
        "has_error": row["has_error"],
        "has_warn": row["has_warn"],
        "service_name": row["service"],
        "original_logs": row["original_logs"],
    }
