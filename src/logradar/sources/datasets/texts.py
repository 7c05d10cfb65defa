"""Templates by event number, from a file in the folder of the sequences of a data set."""

from __future__ import annotations

import csv
import zlib
from collections.abc import Mapping
from pathlib import Path

from logradar.core.errors import InputError
from logradar.core.quarantine import Quarantine
from logradar.sources.decoding.compression import pieces


def by_line(path: Path) -> dict[int, str]:
    """Templates by line number, from 1; empty if the file does not exist."""
    return {number: line for number, line in enumerate(_lines(path), 1) if line}


def by_id(path: Path) -> dict[int, str]:
    """Templates from a CSV file: column 1 is the number of the event (``E5`` or ``5``), column 2 its template.

    Empty if the file does not exist. Rows without a number, such as the header, are ignored.
    """
    rows = csv.reader(_lines(path))
    pairs = ((row[0].strip().removeprefix("E"), row[1].strip()) for row in rows if len(row) > 1)
    return {int(number): text for number, text in pairs if number.isdecimal() and len(number) < 10}


def number_of(text: str) -> int:
    """A number for a template that depends on its text alone: 30 bits of its CRC-32."""
    return zlib.crc32(text.encode()) & 0x3FFFFFFF


def named(event: int, texts: Mapping[int, str]) -> str:
    """The template of an event, ``E<number>`` if it has none."""
    return texts.get(event) or f"E{event}"


def _lines(path: Path) -> list[str]:
    """The lines of a small file, empty if it does not exist. Raises `InputError` if it cannot be read."""
    if not path.is_file():
        return []
    bad = Quarantine()
    try:
        text = b"".join(pieces(path, path.name, bad, lambda count: None)).decode("utf-8", "replace")
    except OSError as error:
        raise InputError(f"The templates in '{path}' cannot be read: {error.strerror}.") from None
    if bad.count:
        raise InputError(f"The templates in '{path}' cannot be read: {next(iter(bad.reasons))}.")
    return [line.strip() for line in text.removeprefix("\ufeff").splitlines()]
