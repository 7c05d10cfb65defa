"""The texts of event numbers: a file of templates that stands beside the sequences of a data set."""

from __future__ import annotations

import csv
import zlib
from collections.abc import Mapping
from pathlib import Path

from logradar.core.errors import InputError
from logradar.core.quarantine import Quarantine
from logradar.sources.decoding.compression import pieces


def by_line(path: Path) -> dict[int, str]:
    """Texts by line number, from 1; empty where there is no such file."""
    return {number: line for number, line in enumerate(_lines(path), 1) if line}


def by_id(path: Path) -> dict[int, str]:
    """Texts of a CSV whose first column is the event's number (``E5`` or ``5``), the second its template.

    Empty where there is no such file; rows without a number are passed over, as the header is.
    """
    rows = csv.reader(_lines(path))
    found = ((row[0].strip().removeprefix("E"), row[1].strip()) for row in rows if len(row) > 1)
    return {int(number): text for number, text in found if number.isdecimal() and len(number) < 10}


def number_of(text: str) -> int:
    """A number for a template that has none that all files share: the CRC-32 of its text, 30 bits of it."""
    return zlib.crc32(text.encode()) & 0x3FFFFFFF


def named(event: int, texts: Mapping[int, str]) -> str:
    """The text of an event, ``E<number>`` where it has none."""
    return texts.get(event) or f"E{event}"


def _lines(path: Path) -> list[str]:
    """The lines of a small file; `InputError` where it is there but cannot be read."""
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
