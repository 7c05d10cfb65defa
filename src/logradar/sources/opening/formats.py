"""The format of one file: what wraps its lines, and which headers precede its messages.

A format has a name that can be stored and set by the user: ``docker+json``, ``cri+logback``, ``syslog``,
``log4j,klog`` (the second is tried where the first does not match), ``text`` (no header).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Final

import polars as pl

from logradar.core.errors import ConfigError, did_you_mean
from logradar.core.quarantine import Quarantine
from logradar.sources.base import ReadLimits
from logradar.sources.decoding.timestamps import Dates
from logradar.sources.opening import json_lines, json_names, levels
from logradar.sources.opening.header_table.row import Header
from logradar.sources.opening.headers import HEADERS
from logradar.sources.opening.joining import NEAR, paired
from logradar.sources.opening.logfmt import pairs
from logradar.sources.opening.traces import BELOW, NO_START
from logradar.sources.opening.wrappers import WRAPPERS, Unwrapping, wrapper_of

SEEN: Final = 4_000  # lines among which some are chosen to detect the format
TRIED: Final = 1_000  # about so many of them are used
GLANCED: Final = 80  # of these lines, evenly chosen, a header must match one to be tried on all of them
WIDTH: Final = 2_000  # characters of a line that are used
OBJECT: Final = 1 << 17  # characters of one that may be JSON
ENOUGH: Final = 0.3  # share of lines that the first header must match
FURTHER: Final = 0.02  # share of lines that each further header must add
HEADERS_PER_FILE: Final = 4
TIME_ALONE: Final = "time"
FIELD_WEIGHT: Final = 0.25  # weight of each field that a header has, relative to a line that it matches
FIELDS: Final = {
    "timestamp": pl.String,
    "level": pl.Int8,
    "service": pl.String,
    "component": pl.String,
    "alert": pl.String,
    "body": pl.String,
}
_GENERIC: Final = {"time": ("time_thread_level", "time_level", "time")}  # headers in place of one that does not match
FEW: Final = 0.03  # share of lines that a header must match, if those between belong to it
FAR: Final = 0.1  # share of lines that may be far from any header then
MARKS: Final = (
    "start",  # a record begins here
    "bare",  # it begins without the header that other records have
    "broken",  # it begins like a JSON object but is not one
    "generic",  # it has no header, or one that the format only falls back to
)


@dataclass(frozen=True)
class Format:
    """How the lines of one file are read. ``names`` is about the fields of JSON lines, ``dates`` about its dates."""

    wrapper: str | None = None
    bodies: tuple[str, ...] = ()  # header names, or "json"; none: the whole line is the body
    names: json_names.Names = field(default_factory=json_names.Names, compare=False, repr=False)
    share: float = 1.0  # share of the sample lines that it matches
    dates: Dates = field(default_factory=Dates, compare=False, repr=False)
    joins: bool = False  # lines without a header belong to the one before, because most lines have none

    @property
    def name(self) -> str:
        """The name from which `Format.named` makes this format again."""
        return (f"{self.wrapper}+" if self.wrapper else "") + (",".join(self.bodies) or "text")

    @property
    def _chain(self) -> list[str]:
        headers = [HEADERS[body] for body in self.bodies if body != "json"]
        more = [
            name for header in headers if header.fallback for name in _GENERIC.get(header.fallback, ("syslog_bare",))
        ]
        if self.bodies and not headers:  # JSON alone: a program may log text before and after
            more = list(_GENERIC["time"])
        return list(dict.fromkeys([*self.bodies, *more]))

    @classmethod
    def named(cls, name: str, lines: Sequence[str] = ()) -> Format:
        """The format with this name. ``lines`` show the field names of JSON. Raises `ConfigError` if there is none."""
        wrapper, plus, inner = name.rpartition("+")
        if not plus and name in WRAPPERS:
            wrapper, inner = name, "text"
        bodies = tuple(body for part in inner.split(",") if (body := part.strip()) != "text")
        for part, known in [(wrapper, list(WRAPPERS))] * bool(wrapper) + [(b, [*HEADERS, "json"]) for b in bodies]:
            if part not in known:
                nearest = did_you_mean(part, [*HEADERS, *WRAPPERS, "json", "text"])
                raise ConfigError(f"There is no log format named '{part}'; {nearest}")
        texts = _texts(wrapper or None, lines)
        names = json_names.names_in(texts[: json_names.EXAMPLES])
        return cls(wrapper or None, bodies, names, _share(bodies, texts), joins=_few(bodies, texts))

    @classmethod
    def detect(cls, lines: Sequence[str]) -> Format:
        """The format that matches these first lines of a file best."""
        every = [line for line in lines[:SEEN] if line.strip()]
        lines = every[: TRIED // 2] + every[TRIED // 2 :: max(1, 2 * len(every) // TRIED)]
        wrapper = wrapper_of(lines)
        inner = _texts(wrapper, every)
        texts = inner[: TRIED // 2] + inner[TRIED // 2 :: max(1, 2 * len(inner) // TRIED)]
        objects = [text for text in texts if re.match(json_lines.LOOKS_LIKE, text)]
        bodies, rest = [], texts
        if objects and len(objects) >= ENOUGH * len(texts):
            bodies, rest = ["json"], [text for text in texts if not re.match(json_lines.BEGINS_LIKE, text)]
        bodies += _headers_of(rest)
        if not bodies:  # a header in few lines, with what belongs to it below
            bodies = next(([name] for name in _headers_of(rest, FEW) if _few((name,), inner)), [])
        chosen, names = tuple(bodies), json_names.names_in(objects[: json_names.EXAMPLES])
        return cls(wrapper, chosen, names, _share(chosen, texts), joins=_few(chosen, inner))

    def unwrapped(self, lines: pl.Series) -> pl.Series:
        """The lines inside the wrapper."""
        if not self.wrapper:
            return lines
        frame = pl.DataFrame({"line": pl.arange(1, len(lines) + 1, eager=True), "text": lines})
        return Unwrapping(self.wrapper, "", Quarantine(), ReadLimits()).push(frame, last=True)["text"]

    def widened(self, texts: Sequence[str]) -> Format:
        """This format with what texts have that it does not match; itself if there is nothing, or too much already."""
        if len(self.bodies) >= 2 * HEADERS_PER_FILE:
            return self
        objects = [text for text in texts if re.match(json_lines.LOOKS_LIKE, text)]
        if "json" not in self.bodies and len(objects) >= ENOUGH * len(texts):
            names = json_names.names_in(objects)
            if names.ways["timestamp"]:
                return replace(self, bodies=(*self.bodies, "json"), names=names)
        more = [name for name in _headers_of([text[:WIDTH] for text in texts]) if name not in self._chain]
        return replace(self, bodies=(*self.bodies, *more)) if more else self

    def read(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Adds the columns `FIELDS` and `MARKS`. ``after`` must say which rows continue a trace."""
        rest = frame.with_row_index("row")
        parts: list[pl.DataFrame] = []
        for body in self._chain:
            read = self._objects(rest) if body == "json" else _headed(rest, HEADERS[body])
            read = read.with_columns(generic=pl.lit(body not in self.bodies))
            if read["start"].all() and not parts:
                return read.drop("row")
            parts.append(read.filter("start"))
            rest = rest.filter(~read["start"])
            if not len(rest):
                break
        if "json" not in self.bodies and len(rest) and rest["text"].str.contains(json_lines.LOOKS_LIKE).any():
            read = self._objects(rest)  # a program that has changed its format, or another one
            whole = read["start"] & ~read["broken"] & read["timestamp"].is_not_null()
            parts.append(read.filter(whole).with_columns(generic=pl.lit(True)))
            rest = rest.filter(~whole)
        parts.append(_bare(rest, headed=bool(self.bodies)))
        return pl.concat(parts).sort("row").drop("row")

    def _objects(self, frame: pl.DataFrame) -> pl.DataFrame:
        begins = frame["text"].str.contains(json_lines.BEGINS_LIKE)
        fields = json_lines.fields(frame["text"], self.names)
        without_body = begins & fields["body"].is_null()  # another name may hold it
        fields = fields.with_columns(broken=pl.lit(False))
        if without_body.any():
            rest = frame.filter(without_body)["text"]
            other = json_lines.fields(rest, json_names.every_name())
            fields = _put(fields, without_body, other.with_columns(broken=json_lines.broken(rest)))
        inner = fields["body"].str.contains(json_lines.LOOKS_LIKE).fill_null(False)
        if inner.any():  # a message that is JSON itself
            nested = fields.filter(inner)["body"]
            more = json_lines.fields(nested, json_names.names_in(nested.head(json_names.EXAMPLES).to_list()))
            outer = fields.filter(inner)
            kept = [outer[name].fill_null(more[name]) for name in more.columns if name != "body"]
            rows = pl.DataFrame([*kept, more["body"].fill_null(nested), outer["broken"]])
            fields = _put(fields, inner, rows.select(fields.columns))
        body = pl.concat_str("body", "trace", separator="\n", ignore_nulls=True)
        fields = fields.with_columns(body=pl.when(pl.col("body").is_not_null()).then(body))
        text = fields["body"].fill_null(frame["text"])
        marks = {name: pl.lit(False) for name in ("bare", "generic")}
        fields = fields.with_columns(body=text, start=begins, alert=pl.lit(None, pl.String), **marks)
        return frame.hstack(fields.select(*FIELDS, *MARKS))


def _headed(frame: pl.DataFrame, header: Header) -> pl.DataFrame:
    if header.pairs:
        return _paired(frame, header)
    text = frame["text"]
    groups = text.str.extract_groups(header.pattern).struct.unnest()
    start = groups.select(pl.any_horizontal(pl.all().is_not_null())).to_series()
    level = levels.levels(groups["level"]) if "level" in header.groups else None
    if "priority" in header.groups:
        of_priority = levels.from_priority(groups["priority"])
        level = of_priority if level is None else level.fill_null(of_priority)
    columns = [
        groups[name] if name in header.groups else pl.Series(name, [None], kind).new_from_index(0, len(text))
        for name, kind in FIELDS.items()
        if name not in ("level", "body")
    ]
    level = pl.Series([None], dtype=pl.Int8).new_from_index(0, len(text)) if level is None else level
    columns += [level.alias("level"), text.str.replace(header.pattern, "").alias("body"), start.alias("start")]
    marked = pl.DataFrame(columns).with_columns(bare=pl.lit(False), broken=pl.lit(False), generic=pl.lit(False))
    return frame.hstack(marked.select(*FIELDS, *MARKS))


def _paired(frame: pl.DataFrame, header: Header) -> pl.DataFrame:
    """Lines of key=value pairs, in any order."""
    start = frame["text"].str.contains(header.pattern)
    read = pairs(frame["text"])
    read = read.with_columns(levels.levels(read["level"]), start=start, alert=pl.lit(None, pl.String))
    marks = {name: pl.lit(False) for name in ("bare", "broken", "generic")}
    return frame.hstack(read.with_columns(**marks).select(*FIELDS, *MARKS))


def _bare(frame: pl.DataFrame, headed: bool) -> pl.DataFrame:
    nothing = [pl.lit(None, kind).alias(name) for name, kind in FIELDS.items() if name != "body"]
    text = pl.col("text").str
    start = ~(text.contains(NO_START if headed else BELOW) | pl.col("after"))
    columns = frame.with_columns(
        *nothing, body="text", start=start, bare=pl.lit(headed), broken=pl.lit(False), generic=pl.lit(True)
    )
    return columns.select(*frame.columns, *FIELDS, *MARKS)


def _put(frame: pl.DataFrame, where: pl.Series, rows: pl.DataFrame) -> pl.DataFrame:
    """``frame`` with ``rows`` at the positions where ``where`` is true."""
    numbered = frame.with_row_index("row")
    places = numbered.filter(where).select("row")
    return pl.concat([numbered.filter(~where), places.hstack(rows)]).sort("row").drop("row")


def _texts(wrapper: str | None, lines: Sequence[str]) -> list[str]:
    """The lines inside the wrapper, shortened; those that may be JSON less so, since a part of one is none."""
    lines = Format(wrapper).unwrapped(pl.Series("text", lines, pl.String)).to_list()
    short = [line[: OBJECT if re.match(json_lines.BEGINS_LIKE, line) else WIDTH] for line in lines if line.strip()]
    return paired(pl.DataFrame({"text": pl.Series(short, dtype=pl.String)}))["text"].to_list()


def _headers_of(texts: Sequence[str], enough: float = ENOUGH) -> list[str]:
    """Headers that match these lines, best first; lines that cannot begin a record are not counted."""
    rest = [text[:WIDTH] for text in texts if not re.match(NO_START, text)]
    total = len(rest)
    chosen: list[str] = []
    while rest and len(chosen) < HEADERS_PER_FILE:
        best, name, fitting = 0.0, "", [False]
        telling, fullest, fits_fullest = 0.0, "", [False]  # the same among headers that tell more than a time
        some = rest[:: max(1, len(rest) // GLANCED)]
        for header in HEADERS.values():
            if not any(map(header.compiled.match, some)):
                continue
            matches = [header.compiled.match(text) for text in rest]
            score = sum(1 + FIELD_WEIGHT * _count_fields(match) for match in matches if match)
            if score > best:
                best, name, fitting = score, header.name, [match is not None for match in matches]
            if score > telling and {"level", "component"} <= set(header.groups):
                telling, fullest, fits_fullest = score, header.name, [match is not None for match in matches]
        if name == TIME_ALONE and sum(fits_fullest) >= enough * total:
            name, fitting = fullest, fits_fullest  # several formats in one file: a time is all that they have in common
        count = sum(fitting)
        if count < max(1, (FURTHER if chosen else enough) * total) or (chosen and count < 3):
            break
        if name not in chosen:
            chosen.append(name)
        rest = [text for text, fits in zip(rest, fitting, strict=True) if not fits]
    return chosen


def _few(bodies: tuple[str, ...], texts: Sequence[str]) -> bool:
    """Whether less than half of consecutive lines have one of the headers, with a time, and most others are near."""
    patterns = [HEADERS[body].compiled for body in bodies if body in HEADERS]
    if len(patterns) < len(bodies) or not patterns or "timestamp" not in HEADERS[bodies[0]].groups:
        return False
    places = [place for place, text in enumerate(texts) if any(pattern.match(text) for pattern in patterns)]
    if len(places) < 3 or len(places) >= 0.5 * len(texts):
        return False
    starts = sum(not re.match(NO_START, text) for text in texts)
    far = sum(max(after - before - NEAR, 0) for before, after in pairwise([0, *places, len(texts)]))
    return len(places) < 0.5 * starts and far <= FAR * len(texts)


def _count_fields(match: re.Match[str]) -> int:
    """Number of fields in a header, without the service, which is part of the component or of the file name."""
    return sum(value is not None for name, value in match.groupdict().items() if name != "service")


def _share(bodies: tuple[str, ...], texts: Sequence[str]) -> float:
    """The share of lines that match one of the headers (or JSON)."""
    patterns = [re.compile(json_lines.BEGINS_LIKE) if b == "json" else HEADERS[b].compiled for b in bodies]
    starts = [text for text in texts if not re.match(NO_START, text)]
    if not patterns or not starts:
        return 1.0
    return sum(any(p.match(text) for p in patterns) for text in starts) / len(starts)
