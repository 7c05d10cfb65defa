"""JSON documents that hold many events, read as one line for each event, in bounded memory.

Log services export events as one document: ``{"Records": [...]}`` of CloudTrail, OpenTelemetry's ``resourceLogs``, the
hits of a search, plain arrays. Programs also print objects over several lines, one after the other. `shape_of` finds
out by the beginning of a file where its events are; `read_events` walks through the brackets and gives each event as a
line of its own, which has the number of the line where it begins. An event that is not complete, or too long, goes to
the quarantine with its line.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import orjson
import polars as pl

from logradar.core.kernels import kernel
from logradar.core.quarantine import Quarantine
from logradar.sources.base import ReadLimits
from logradar.sources.decoding.encoding import UTF8_BOM
from logradar.sources.decoding.layouts import layout_of
from logradar.sources.opening.json_names import NAMES
from logradar.sources.opening.reading import Block, Sanitizer, blocks_of, read_blocks, read_head, read_sample, text_of

HEAD: Final = 1 << 20  # bytes by which the shape of a document is found
LOOKED_AT: Final = 20  # elements of an array, objects below an object
DEEPEST: Final = 12  # brackets around an event
_BEGINS: Final = re.compile(rb"\s*(?:\{\s*[\"}]|\[\s*\{)")
_STEP: Final = re.compile(r'"(?:[^"\\\n]|\\.)*"|["\[\]{}]')
_TIMES: Final = frozenset(NAMES["timestamp"].split())
_TEXTS: Final = frozenset(NAMES["body"].split())
_LEVELS: Final = frozenset(NAMES["level"].split())
_SPACE: Final = re.compile(rb"[ \t\r]*\n[ \t\r\n]*")
_BREAK: Final = b"\x1e"  # cannot stand in JSON
_STACK: Final = 64


class Shape(NamedTuple):
    """Where events are: ``depth`` brackets are open before each; ``key`` is the name of their array, or their own.

    ``own`` says which of both. ``indented`` says that an object at the beginning of a line is never inside an event.
    """

    depth: int
    key: str = ""
    own: bool = False
    indented: bool = True


def shape_of(head: bytes) -> Shape | None:
    """The shape of the document that begins so; None for anything else, such as text or one JSON object a line."""
    head = head.removeprefix(UTF8_BOM)
    if not _BEGINS.match(head):
        return None
    text = head.decode("utf-8", "replace")
    first = text.lstrip().partition("\n")[0]
    value, end = _first_value(text)
    shape = _events_in(value)
    if shape is None or (shape.depth == 0 and _is_whole(first)):
        return None
    return shape._replace(indented=not _nested_at_line_start(text[:end], shape.depth))


def shape_of_file(file: Path) -> Shape | None:
    """The same for a file. Raises `OSError` if it cannot be read."""
    start = read_head(file, 64, Quarantine())
    return shape_of(read_head(file, HEAD, Quarantine())) if _BEGINS.match(start.removeprefix(UTF8_BOM)) else None


def read_lines_or_events(
    file: Path,
    name: str,
    quarantine: Quarantine,
    limits: ReadLimits = ReadLimits(),  # noqa: B008 it is frozen
    on_progress: Callable[[int], object] = lambda count: None,
) -> Iterator[Block]:
    """The events of a file that is such a document, the lines of any other. Raises `OSError` if it cannot be read."""
    shape = shape_of_file(file)
    if shape is None:
        yield from read_blocks(file, name, quarantine, limits, on_progress)
        return
    yield from read_events(text_of(file, name, quarantine, on_progress), shape, name, quarantine, limits)


def sample_lines_or_events(file: Path, rows: int) -> list[str]:
    """The first lines or events of a file, at most ``rows``. Raises `OSError` if it cannot be read."""
    shape = shape_of_file(file)
    if shape is None:
        return read_sample(file, rows=rows)
    found: list[str] = []
    for block in read_events(text_of(file, file.name, Quarantine()), shape, file.name, Quarantine(), ReadLimits()):
        found += block.lines.to_list()
        if len(found) >= rows:
            break
    return found[:rows]


def read_events(
    text: Iterable[bytes], shape: Shape, name: str, quarantine: Quarantine, limits: ReadLimits
) -> Iterator[Block]:
    """The events of a document, each as one line of JSON with the number of the line where it begins."""
    walk, sanitizer = _Walk(shape, name, quarantine, limits), Sanitizer()
    for piece in text:
        for start in range(0, len(piece), limits.block):
            events, numbers = walk.push(piece[start : start + limits.block])
            if events:
                yield from _blocks(events, numbers, sanitizer, name, quarantine, limits)
    walk.close()
    sanitizer.report(name, quarantine)


def _blocks(
    events: list[bytes], numbers: list[int], sanitizer: Sanitizer, name: str, quarantine: Quarantine, limits: ReadLimits
) -> Iterator[Block]:
    data = _SPACE.sub(b" ", _BREAK.join(events)).replace(_BREAK, b"\n") + b"\n"
    start, line = 0, pl.Series("line", numbers, pl.Int64)
    for block in blocks_of(data, numbers[0], sanitizer, name, quarantine, limits):
        own = line.slice(start, len(block.lines))
        yield Block(block.lines, int(own[0]), own)
        start += len(block.lines)


class _Walk:
    """Walks through the brackets of a document, piece after piece; what it has of an event that is open is kept."""

    def __init__(self, shape: Shape, name: str, quarantine: Quarantine, limits: ReadLimits) -> None:
        self._shape, self._name, self._quarantine, self._limits = shape, name, quarantine, limits
        self._state = np.zeros(_STACK + 10, np.int64)
        self._state[[0, 6]] = -1  # where the open event, or what is around it, begins in the bytes that are kept
        self._wanted = np.array([shape.depth, _hash(shape.key), shape.own, shape.indented], np.int64)
        self._kept = b""
        self._line = 1  # number of the line in which the kept bytes begin
        self._around: dict[int, bytes] = {}  # what is said around the events of OpenTelemetry, as further fields

    def push(self, piece: bytes) -> tuple[list[bytes], list[int]]:
        """The events that end in this piece, and the lines where they begin."""
        data = self._kept + piece
        spans = np.empty((len(data) // 2 + 2, 3), np.int64)
        count = _walk(np.frombuffer(data, np.uint8), len(self._kept), self._state, self._wanted, spans)
        ends = np.flatnonzero(np.frombuffer(data, np.uint8) == 10)
        found, lines = [], []
        places = (self._line + np.searchsorted(ends, spans[:count, 0])).tolist()
        for (begin, end, kind), line in zip(spans[:count].tolist(), places, strict=True):
            text = data[begin:end]
            if kind == _CUT:
                self._quarantine.add(self._name, "incomplete JSON event, left out", line=line, text=_shown(text))
            elif kind == _EVENT:
                found.append(text[:-1] + b"".join(self._around.values()) + b"}" if self._around else text)
                lines.append(line)
            else:
                self._around[kind] = _fields_around(kind, text)
        self._keep(data, ends)
        return found, lines

    def _keep(self, data: bytes, ends: Any) -> None:
        which = 0 if self._state[0] >= 0 else 6
        begin = int(self._state[which])
        if begin >= 0 and len(data) - begin > self._limits.line:
            line = self._line + int(np.searchsorted(ends, begin))
            self._quarantine.add(self._name, "JSON event too long, left out", line=line, text=_shown(data[begin:]))
            begin = self._state[which] = -1
        kept = begin if begin >= 0 else len(data)
        self._line += int(np.searchsorted(ends, kept))
        self._kept = data[kept:]
        if begin >= 0:
            self._state[which] = 0

    def close(self) -> None:
        """Say that an event is not complete, if the document ended inside it."""
        if self._kept.strip():
            text = _shown(self._kept)
            self._quarantine.add(self._name, "incomplete JSON event, left out", line=self._line, text=text)


_EVENT, _RESOURCE, _SCOPE, _CUT = range(4)


def _hash(key: str) -> int:
    value = 0
    for byte in key.encode():
        value = (value * 31 + byte) & 0xFFFFFFFF
    return value


_OF_RESOURCE: Final = _hash("resource")
_OF_SCOPE: Final = _hash("scope")
_OF_LOGS: Final = _hash("logRecords")


@kernel
def _walk(data, start, state, wanted, spans):  # type: ignore[no-untyped-def]
    """Spans (begin, end, kind) that end in ``data`` from ``start`` on; ``state`` goes on from piece to piece.

    The state: begin of the open event, depth, inside a string, after a backslash, hash of the last string, whether a
    colon came after it, begin of an open resource or scope and its kind, the last byte, and a hash for each bracket.
    """
    begin, depth, quoted, escaped = state[0], state[1], state[2], state[3]
    text, label, around, around_kind, before = state[4], state[5], state[6], state[7], state[8]
    labels = state[10:]
    count = 0
    for place in range(start, len(data)):
        byte = data[place]
        if quoted:
            if escaped:
                escaped = 0
            elif byte == 92:
                escaped = 1
            elif byte == 34 or byte == 10:  # a line feed cannot stand in a string: its end is missing
                quoted = 0
            else:
                text = (text * 31 + byte) & 0xFFFFFFFF
        elif byte == 34:
            quoted, text = 1, 0
        elif byte == 58:
            label = text
        elif byte == 44:
            label = 0
        elif byte == 123 or byte == 91:
            if byte == 123 and before == 10 and depth > wanted[0] and wanted[3]:
                if begin >= 0:  # another object begins at the beginning of a line: the event was cut
                    spans[count, 0], spans[count, 1], spans[count, 2] = begin, place, _CUT
                    count += 1
                begin, depth, around, label = -1, wanted[0], -1, 0
            above = labels[depth - 1] if 0 < depth < _STACK else 0
            if byte == 123 and begin < 0 and around < 0:
                of_logs = wanted[1] == _OF_LOGS
                if depth == wanted[0] and (wanted[1] == 0 or wanted[1] == (label if wanted[2] else above)):
                    begin = place
                elif of_logs and label == _OF_RESOURCE and depth == 3:
                    around, around_kind = place, _RESOURCE
                elif of_logs and label == _OF_SCOPE and depth == 5:
                    around, around_kind = place, _SCOPE
            if depth < _STACK:
                labels[depth] = label
            depth += 1
            label = 0
        elif byte == 125 or byte == 93:
            depth = max(depth - 1, 0)
            if byte == 125 and begin >= 0 and depth == wanted[0]:
                spans[count, 0], spans[count, 1], spans[count, 2] = begin, place + 1, _EVENT
                count += 1
                begin = -1
            elif byte == 125 and around >= 0 and depth == (3 if around_kind == _RESOURCE else 5):
                spans[count, 0], spans[count, 1], spans[count, 2] = around, place + 1, around_kind
                count += 1
                around = -1
        if byte != 13:
            before = byte
    state[0], state[1], state[2], state[3] = begin, depth, quoted, escaped
    state[4], state[5], state[6], state[7], state[8] = text, label, around, around_kind, before
    return count


def _fields_around(kind: int, text: bytes) -> bytes:
    """Further fields of the events below a resource or a scope of OpenTelemetry: the service, the logger."""
    try:
        value = orjson.loads(text)
        if kind == _SCOPE:
            fields = {"logger": value["name"]} if value.get("name") else {}
        else:
            pairs = {one["key"]: one["value"].get("stringValue") for one in value.get("attributes", [])}
            fields = {"service.name": pairs["service.name"]} if pairs.get("service.name") else {}
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
        return b""
    return b"," + orjson.dumps(fields)[1:-1] if fields else b""


def _shown(text: bytes) -> str:
    return text[:200].decode("utf-8", "replace")


def _is_whole(line: str) -> bool:
    try:
        return isinstance(orjson.loads(line), dict)
    except orjson.JSONDecodeError:
        return False


def _first_value(text: str) -> tuple[Any, int]:
    """The first value of a text, and where it ends; if its end is missing, what is complete of it."""
    stack: list[str] = []
    cut, closing = 0, ""
    for match in _STEP.finditer(text):
        mark = match[0]
        if mark in "[{":
            stack.append("]" if mark == "[" else "}")
        elif mark in "]}":
            if not stack or stack.pop() != mark:
                break
            cut, closing = match.end(), "".join(reversed(stack))
            if not stack:
                break
        elif mark == '"':  # a string without its end
            break
    try:
        return orjson.loads(text[:cut] + closing), cut
    except orjson.JSONDecodeError:
        return None, cut


def _events_in(value: Any) -> Shape | None:
    """The shape of the array that holds most of a document and whose elements are events; else that of one event."""
    best, most = None, 0
    waiting: list[tuple[Any, int, str]] = [(value, 0, "")]
    while waiting:
        here, depth, key = waiting.pop(0)
        if depth > DEEPEST:
            continue
        if isinstance(here, list):
            elements = [one for one in here[:LOOKED_AT] if isinstance(one, dict)]
            if not elements:
                continue
            if 2 * sum(map(_is_event, elements)) > len(elements):
                if len(here) > most or best is None:
                    best, most = Shape(depth + 1, key), len(here)
                continue
            own = [name for name, below in elements[0].items() if isinstance(below, dict) and _is_event(below)]
            if own and (len(here) > most or best is None):
                best, most = Shape(depth + 2, own[0], own=True), len(here)
                continue
            waiting += [(one, depth + 1, "") for one in elements[:2]]
        elif isinstance(here, dict):
            for name, below in list(here.items())[:LOOKED_AT]:
                if isinstance(below, dict | list):
                    waiting.append((below, depth + 1, name))
    alone = isinstance(value, dict) and _is_event(value)
    return Shape(0) if alone and (best is None or most < 3) else best


def _is_event(value: dict[str, Any]) -> bool:
    """Whether an object has a time, or a message with a level."""
    names = value.keys()
    if any(name in _TIMES and _is_time(value[name]) for name in names):
        return True
    if not _LEVELS.isdisjoint(names) and not _TEXTS.isdisjoint(names):
        return True
    timely = [one for name, one in value.items() if re.search(r"(?i)time|date|stamp|\bts\b|when|created", name)]
    return any(_is_time(one) for one in timely[:LOOKED_AT])


def _is_time(value: Any) -> bool:
    if isinstance(value, int) and not isinstance(value, bool):
        return value > 10**8
    return isinstance(value, float) or (isinstance(value, str) and layout_of(value) is not None)


def _nested_at_line_start(text: str, depth: int) -> bool:
    """Whether an object inside an event begins at the beginning of a line, as without any indentation."""
    open_ = 0
    for match in _STEP.finditer(text):
        if match[0] in "[{":
            if match[0] == "{" and open_ > depth and text[match.start() - 1 : match.start()] == "\n":
                return True
            open_ += 1
        elif match[0] in "]}":
            open_ -= 1
    return False
