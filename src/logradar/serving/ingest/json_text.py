"""JSON of senders: bounded depth, and one wrong byte, lone surrogate or NaN does not cost the batch.

orjson reads what is right. Only what it refuses goes the slow way: wrong bytes of UTF-8 and surrogates without a
partner become U+FFFD, NaN and Infinity (which JSON lacks and Python writes) become null.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

import numpy as np
import orjson

from logradar.serving.ingest.bad_body import BadBody

_BRACKETS: Final = b'{}[]"'
_OTHERS: Final = bytes(set(range(256)) - set(_BRACKETS))
_STEPS: Final = bytes.maketrans(b"{[}]", b"\x01\x01\xff\xff")
_ESCAPES: Final = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(\\u[dD][89a-fA-F][0-9a-fA-F]{2})|\\[^u]"
)


def loads(raw: bytes, depth: int) -> tuple[Any, int]:
    """The value of a JSON text, and how many texts or letters were repaired; raises `BadBody`.

    >>> loads(b'{"a": "caf\\xe9 \\xe2\\x82\\xac"}', 8)
    ({'a': 'caf� €'}, 1)
    """
    check_depth(raw, depth)
    try:
        return orjson.loads(raw), 0
    except orjson.JSONDecodeError as error:
        return _repaired(raw, error)


def text_of(raw: bytes) -> tuple[str, int]:
    """Bytes as text: what is not valid UTF-8 is U+FFFD, and counted."""
    try:
        return raw.decode(), 0
    except UnicodeDecodeError:
        text = raw.decode(errors="replace")
        return text, text.count("�") - raw.count("�".encode())


def with_partners(text: str) -> tuple[str, int]:
    """JSON text whose escaped surrogates all have partners; the number of those that had none."""
    if "\\ud" not in text and "\\uD" not in text:
        return text, 0
    count = 0

    def write(found: re.Match[str]) -> str:
        nonlocal count
        if found[1] is None:
            return found[0]
        count += 1
        return "\\ufffd"

    return _ESCAPES.sub(write, text), count


def check_depth(raw: bytes, most: int) -> None:
    """Raises `BadBody` for JSON that is nested deeper than ``most``; the text is not parsed for it."""
    if raw.count(b"{") + raw.count(b"[") <= most:
        return
    plain = raw.replace(b"\\\\", b"").replace(b'\\"', b"") if b"\\" in raw else raw
    outside = b"".join(plain.translate(None, _OTHERS).split(b'"')[::2])
    steps = np.frombuffer(outside.translate(_STEPS), np.int8)
    if len(steps) and int(np.cumsum(steps, dtype=np.int64).max()) > most:
        raise BadBody(f"The JSON is nested deeper than {most} levels; send flat records.")


def _repaired(raw: bytes, error: orjson.JSONDecodeError) -> tuple[Any, int]:
    text, wrong = text_of(raw.removeprefix(b"\xef\xbb\xbf"))
    text, lone = with_partners(text)
    try:
        return orjson.loads(text), wrong + lone
    except orjson.JSONDecodeError:
        pass
    try:
        value = json.loads(text, parse_constant=lambda _: None)
    except (ValueError, RecursionError):
        raise BadBody(f"The body is no JSON: {error}.") from None
    return value, wrong + lone
