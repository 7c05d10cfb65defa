"""The format of one file: what wraps its lines, and which headers stand before its messages.

A format has a name that can be stored and forced: ``docker+json``, ``cri+logback``, ``syslog``,
``log4j,klog`` (the second is tried where the first does not fit), ``text`` (no header).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import polars as pl

from logradar.core.errors import ConfigError, did_you_mean
from logradar.core.quarantine import Quarantine
from logradar.sources.base import Limits
from logradar.sources.opening import json_lines, levels
from logradar.sources.opening.headers import HEADERS, Header
from logradar.sources.opening.joining import BELOW, NAMED, NO_START
from logradar.sources.opening.wrappers import WRAPPERS, Unwrapping, wrapper_of

SEEN: Final = 4_000  # lines that may tell the format
TRIED: Final = 1_000  # about so many of them are tried
WIDTH: Final = 2_000  # characters of a line that are looked at for it
ENOUGH: Final = 0.3  # share of lines that a first header must fit
FURTHER: Final = 0.02  # share of lines that each further header must add
HEADERS_PER_FILE: Final = 4
WORTH: Final = 0.25  # what each field of a header is worth against the share of lines that it fits
FIELDS: Final = {
    "timestamp": pl.String,
    "level": pl.Int8,
    "service": pl.String,
    "component": pl.String,
    "alert": pl.String,
    "body": pl.String,
}
MARKS: Final = (
    "start",  # a record begins here
    "bare",  # it begins without the header that others have
    "broken",  # it begins like a JSON object and is none
)


@dataclass(frozen=True)
class Format:
    """How the lines of one file are read. ``paths`` says where the fields of JSON lines are."""

    wrapper: str | None = None
    bodies: tuple[str, ...] = ()  # header names, or "json"; none: the whole line is the body
    paths: dict[str, list[json_lines.Keys]] = field(default_factory=dict, compare=False, repr=False)
    share: float = 1.0  # share of the sample's lines that it fits

    @property
    def name(self) -> str:
        """The name under which `Format.named` finds it again."""
        return (f"{self.wrapper}+" if self.wrapper else "") + (",".join(self.bodies) or "text")

    @property
    def _chain(self) -> list[str]:
        headers = [HEADERS[body] for body in self.bodies if body != "json"]
        more = [header.fallback for header in headers if header.fallback]
        return list(dict.fromkeys([*self.bodies, *more]))

    @classmethod
    def named(cls, name: str, lines: Sequence[str] = ()) -> Format:
        """The format of that name; ``lines`` tell the field names of JSON. `ConfigError` where there is none."""
        wrapper, plus, inner = name.rpartition("+")
        if not plus and name in WRAPPERS:
            wrapper, inner = name, "text"
        bodies = tuple(body for part in inner.split(",") if (body := part.strip()) != "text")
        for part, known in [(wrapper, list(WRAPPERS))] * bool(wrapper) + [(b, [*HEADERS, "json"]) for b in bodies]:
            if part not in known:
                nearest = did_you_mean(part, [*HEADERS, *WRAPPERS, "json", "text"])
                raise ConfigError(f"There is no log format named '{part}'; {nearest}")
        texts = _texts(wrapper or None, lines)
        return cls(wrapper or None, bodies, json_lines.paths_in(texts[: json_lines.EXAMPLES]), _share(bodies, texts))

    @classmethod
    def detect(cls, lines: Sequence[str]) -> Format:
        """The format that fits these first lines of a file best."""
        lines = [line for line in lines[:SEEN] if line.strip()]
        lines = lines[: TRIED // 2] + lines[TRIED // 2 :: max(1, 2 * len(lines) // TRIED)]
        wrapper = wrapper_of(lines)
        texts = _texts(wrapper, lines)
        objects = [text for text in texts if re.match(json_lines.LOOKS_LIKE, text)]
        bodies, rest = [], texts
        if objects and len(objects) >= ENOUGH * len(texts):
            bodies, rest = ["json"], [text for text in texts if not re.match(json_lines.BEGINS_LIKE, text)]
        bodies += _headers_of(rest)
        return cls(
            wrapper, tuple(bodies), json_lines.paths_in(objects[: json_lines.EXAMPLES]), _share(tuple(bodies), texts)
        )

    def widened(self, texts: Sequence[str]) -> Format:
        """This format and the headers of texts that it does not fit; itself where they have none, or it has many."""
        known = [HEADERS[name].compiled for name in self._chain if name in HEADERS]
        rest = [text[:WIDTH] for text in texts if not any(header.match(text) for header in known)][:TRIED]
        more = [name for name in _headers_of(rest) if name not in self.bodies]
        if not more or len(self.bodies) >= 2 * HEADERS_PER_FILE:
            return self
        return replace(self, bodies=(*self.bodies, *more))

    def read(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Rows get the columns of `FIELDS` and `MARKS`; ``after`` tells what is right below deep indents."""
        rest = frame.with_row_index("row")
        parts: list[pl.DataFrame] = []
        for body in self._chain:
            found = self._objects(rest) if body == "json" else _headed(rest, HEADERS[body])
            if found["start"].all() and not parts:
                return found.drop("row")
            parts.append(found.filter("start"))
            rest = rest.filter(~found["start"])
            if not len(rest):
                break
        parts.append(_bare(rest, headed=bool(self.bodies)))
        return pl.concat(parts).sort("row").drop("row")

    def _objects(self, frame: pl.DataFrame) -> pl.DataFrame:
        begins = frame["text"].str.contains(json_lines.BEGINS_LIKE)
        found = json_lines.fields(frame["text"], self.paths)
        odd = begins & found["body"].is_null()
        found = found.with_columns(broken=pl.lit(False))
        if odd.any():
            rest = frame.filter(odd)["text"]
            other = json_lines.fields(rest, json_lines.all_paths())
            found = _put(found, odd, other.with_columns(broken=json_lines.broken(rest)))
        inner = found["body"].str.contains(json_lines.LOOKS_LIKE).fill_null(False)
        if inner.any():  # a message that is JSON itself
            nested = found.filter(inner)["body"]
            more = json_lines.fields(nested, json_lines.paths_in(nested.head(json_lines.EXAMPLES).to_list()))
            outer = found.filter(inner)
            kept = [outer[name].fill_null(more[name]) for name in more.columns if name != "body"]
            rows = pl.DataFrame([*kept, more["body"].fill_null(nested), outer["broken"]])
            found = _put(found, inner, rows.select(found.columns))
        body = pl.concat_str("body", "trace", separator="\n", ignore_nulls=True)
        found = found.with_columns(body=pl.when(pl.col("body").is_not_null()).then(body))
        told = found["body"].fill_null(frame["text"])
        found = found.with_columns(body=told, start=begins, bare=pl.lit(False), alert=pl.lit(None, pl.String))
        return frame.hstack(found.select(*FIELDS, *MARKS))


def _headed(frame: pl.DataFrame, header: Header) -> pl.DataFrame:
    text = frame["text"]
    found = text.str.extract_groups(header.pattern).struct.unnest()
    start = found.select(pl.any_horizontal(pl.all().is_not_null())).to_series()
    level = levels.levels(found["level"]) if "level" in header.groups else None
    if "priority" in header.groups:
        of_priority = levels.from_priority(found["priority"])
        level = of_priority if level is None else level.fill_null(of_priority)
    columns = [
        found[name] if name in header.groups else pl.Series(name, [None], kind).new_from_index(0, len(text))
        for name, kind in FIELDS.items()
        if name not in ("level", "body")
    ]
    level = pl.Series([None], dtype=pl.Int8).new_from_index(0, len(text)) if level is None else level
    columns += [level.alias("level"), text.str.replace(header.pattern, "").alias("body"), start.alias("start")]
    marked = pl.DataFrame(columns).with_columns(bare=pl.lit(False), broken=pl.lit(False))
    return frame.hstack(marked.select(*FIELDS, *MARKS))


def _bare(frame: pl.DataFrame, headed: bool) -> pl.DataFrame:
    nothing = [pl.lit(None, kind).alias(name) for name, kind in FIELDS.items() if name != "body"]
    text = pl.col("text").str
    start = ~(text.contains(NO_START if headed else BELOW) | (pl.col("after") & text.contains(NAMED)))
    columns = frame.with_columns(*nothing, body="text", start=start, bare=pl.lit(headed), broken=pl.lit(False))
    return columns.select(*frame.columns, *FIELDS, *MARKS)


def _put(frame: pl.DataFrame, where: pl.Series, rows: pl.DataFrame) -> pl.DataFrame:
    """``frame`` with ``rows`` in the places where ``where`` is true."""
    numbered = frame.with_row_index("row")
    places = numbered.filter(where).select("row")
    return pl.concat([numbered.filter(~where), places.hstack(rows)]).sort("row").drop("row")


def _texts(wrapper: str | None, lines: Sequence[str]) -> list[str]:
    """What is inside the wrapper, shortened."""
    if wrapper:
        frame = pl.DataFrame(
            {"line": pl.arange(1, len(lines) + 1, eager=True), "text": pl.Series(lines, dtype=pl.String)}
        )
        lines = Unwrapping(wrapper, "", Quarantine(), Limits()).push(frame, last=True)["text"].to_list()
    return [line[:WIDTH] for line in lines if line.strip()]


def _headers_of(texts: Sequence[str]) -> list[str]:
    """Headers that fit these lines, the best first; lines that cannot begin a record do not count."""
    rest = [text for text in texts if not re.match(NO_START, text)]
    total = len(rest)
    chosen: list[str] = []
    while rest and len(chosen) < HEADERS_PER_FILE:
        best, name, fitting = 0.0, "", [False]
        for header in HEADERS.values():
            matches = [header.compiled.match(text) for text in rest]
            score = sum(1 + WORTH * _told(match) for match in matches if match)
            if score > best:
                best, name, fitting = score, header.name, [match is not None for match in matches]
        count = sum(fitting)
        if count < max(1, (FURTHER if chosen else ENOUGH) * total) or (chosen and count < 3):
            break
        if name not in chosen:
            chosen.append(name)
        rest = [text for text, fits in zip(rest, fitting, strict=True) if not fits]
    return chosen


def _told(match: re.Match[str]) -> int:
    """How many fields a header tells; the service is a part of the component or of the file's name."""
    return sum(value is not None for name, value in match.groupdict().items() if name != "service")


def _share(bodies: tuple[str, ...], texts: Sequence[str]) -> float:
    """The share of lines that one of the headers (or JSON) fits."""
    patterns = [re.compile(json_lines.BEGINS_LIKE) if b == "json" else HEADERS[b].compiled for b in bodies]
    starts = [text for text in texts if not re.match(NO_START, text)]
    if not patterns or not starts:
        return 1.0
    return sum(any(p.match(text) for p in patterns) for text in starts) / len(starts)
