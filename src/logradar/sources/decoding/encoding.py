"""The encoding of a file, and bytes that stand for no text.

UTF-16 is recognised by its mark, or without one by its zeros: in text, one byte of most pairs is zero. A file has runs
of NUL bytes if it was truncated while a program still wrote to it (copytruncate of logrotate), or if the power failed.
They hold no text, and what follows them is another line. They may be gigabytes, so they are cut down to `CUT` before
lines are looked for.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Iterator
from typing import Final

import numpy as np

from logradar.core.quarantine import Quarantine

UTF8_BOM: Final = b"\xef\xbb\xbf"
UTF16_BOMS: Final = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}
CONTROLS: Final = bytes(c for c in [*range(32), 127] if bytes([c]) not in (b"\t", b"\n", b"\r"))
COLOURS: Final = re.compile(rb"\x1b\[[0-9;:?]*[ -/]*[@-~]")  # ECMA-48 control sequences, such as terminal colours
CUT: Final = b"\0\0\0\0"  # what is left of a run of NUL bytes; fewer are single control characters
NULS: Final = re.compile(rb"\0{4,}")
START: Final = 1 << 16  # bytes by which the encoding is recognised
NAMED: Final = 20  # runs of a file whose place is reported, each
SKIPPED: Final = "run of NUL bytes, skipped"
_PAIRS: Final = 8  # that a file without a mark must have at least
_ZEROS: Final = 0.2  # share of its pairs with a zero in one place; hardly any may have one in the other
_LATIN: Final = 0.9  # the same of Latin letters, which without the zeros are UTF-8 too


def utf16_of(head: bytes) -> str | None:
    """``utf-16-le`` or ``utf-16-be`` where the first bytes of a file are UTF-16, with or without its mark."""
    if (marked := UTF16_BOMS.get(head[:2])) is not None:
        return marked
    pairs = min(len(head), START) // 2
    if pairs < _PAIRS or b"\0" not in head:
        return None
    zeros = (np.frombuffer(head, np.uint8, 2 * pairs).reshape(pairs, 2) == 0).sum(0)
    for place, name in ((1, "utf-16-le"), (0, "utf-16-be")):
        if zeros[place] >= _ZEROS * pairs and zeros[1 - place] <= 0.02 * pairs:
            if zeros[place] < _LATIN * pairs and _is_plain(head[: 2 * pairs].replace(b"\0", b"")):
                return None
            text = head[: 2 * pairs].decode(name, "replace")
            unreadable = sum(letter == "�" or (letter < " " and letter not in "\t\r\n") for letter in text)
            return name if unreadable <= 0.02 * len(text) else None
    return None


def _is_plain(data: bytes) -> bool:
    """Whether bytes are UTF-8 without control characters, of which UTF-16 in other scripts is full."""
    try:
        data.decode()
    except UnicodeDecodeError as error:
        return error.end == len(data) and error.reason == "unexpected end of data"
    return len(data.translate(None, CONTROLS)) == len(data)


def as_utf8(raw: Iterable[bytes]) -> Iterator[bytes]:
    """Bytes without a byte order mark; UTF-16 becomes UTF-8, and carriage returns alone become line feeds."""
    raw, start = iter(raw), b""
    for piece in raw:
        start += piece
        if len(start) >= START:
            break
    encoding = utf16_of(start)
    if encoding:
        decoder = codecs.getincrementaldecoder(encoding)("replace")
        yield decoder.decode(start.removeprefix(start[:2] if start[:2] in UTF16_BOMS else b"")).encode()
        for piece in raw:
            yield decoder.decode(piece).encode()
        yield decoder.decode(b"", final=True).encode()
        return
    start = start.removeprefix(UTF8_BOM)
    lone = b"\r" in start and b"\n" not in start
    yield start.replace(b"\r", b"\n") if lone else start
    for piece in raw:
        yield piece.replace(b"\r", b"\n") if lone else piece


def without_nul_runs(raw: Iterable[bytes], name: str, quarantine: Quarantine) -> Iterator[bytes]:
    """The same bytes, with `CUT` in place of every longer run of NUL bytes; where they were goes to ``quarantine``."""
    offset = held = count = 0  # bytes before the piece, NUL bytes at the end of the last one, runs

    def report(start: int, length: int) -> None:
        nonlocal count
        count += 1
        if count <= NAMED:
            quarantine.add(name, SKIPPED, offset=start, text=f"{length:,} bytes")

    for piece in raw:
        begin, offset = offset, offset + len(piece)
        if not held and b"\0" not in piece:
            yield piece
            continue
        text = b"" if piece == bytes(len(piece)) else piece.lstrip(b"\0")  # lstrip goes byte by byte
        before = held + len(piece) - len(text)
        if not text:
            held = before
            continue
        begin += len(piece) - len(text)
        if before >= len(CUT):
            report(begin - before, before)
        body = text.rstrip(b"\0")
        held = len(text) - len(body)
        for run in NULS.finditer(body):
            report(begin + run.start(), len(run[0]))
        yield b"\0" * min(before, len(CUT)) + NULS.sub(CUT, body)
    if held >= len(CUT):
        report(offset - held, held)
    elif held:
        yield b"\0" * held
    if count > NAMED:
        quarantine.add(name, SKIPPED, offset=offset, text="further ones before this place", count=count - NAMED)


def is_binary(head: bytes) -> bool:
    """Whether the first bytes of a file are not text: many control characters or much invalid UTF-8."""
    if head.startswith(UTF8_BOM) or not head or utf16_of(head):
        return False
    plain = COLOURS.sub(b"", head)
    text, runs = NULS.subn(b"", plain)
    if not text or runs > 1 + text.count(b"\n"):  # more runs than lines: fields of records, not a damaged log
        return True
    controls = len(text) - len(text.translate(None, CONTROLS))
    replaced = text.decode("utf-8", "replace").count("�")
    return controls > 0.1 * len(text) or replaced > 0.3 * len(text)
