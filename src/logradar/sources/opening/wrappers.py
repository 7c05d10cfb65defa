"""Lines that contain the line of another log: Docker json-file, Kubernetes CRI, docker compose.

Docker (``{"log": "…\\n", "stream": "stdout", "time": "…"}``) and CRI (``time stream P|F text``) divide long lines
into parts. The parts of each stream are joined again, also across blocks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl

from logradar.core.quarantine import Quarantine
from logradar.sources.base import ReadLimits
from logradar.sources.opening.joining import joined
from logradar.sources.opening.json_lines import broken, values
from logradar.sources.opening.levels import WORDS

_TIME: Final = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?(?:Z|[+-][0-9]{2}:?[0-9]{2})"
WRAPPERS: Final = {
    "docker": r"^\{\s*\x22log\x22\s*:\s*\x22.*\x22(?:stream|time)\x22\s*:",
    "cri": rf"^(?P<time>{_TIME}) (?P<stream>stdout|stderr) (?P<part>[PF])(?::\S*)? ?(?P<text>.*)$",
    "compose": r"^(?P<origin>[a-zA-Z0-9][\w.-]*[\w]) +\| ?(?P<text>.*)$",
}
# Share of lines that must match; the pattern of compose is less specific.
ENOUGH: Final = {"docker": 0.5, "cri": 0.5, "compose": 0.95}
FAR: Final = 10_000  # lines after which the next part of a line is no longer expected


@dataclass
class Unwrapping:
    """Extracts the inner lines of one file; a line whose parts are not complete is held back."""

    kind: str
    name: str
    quarantine: Quarantine
    limits: ReadLimits

    def __post_init__(self) -> None:
        self.held = pl.DataFrame()

    def push(self, frame: pl.DataFrame, last: bool = False) -> pl.DataFrame:
        """Rows (line, text) become rows (line, text, time, origin: the service) with their parts joined."""
        rows = self._opened(frame)
        if len(self.held):
            rows = pl.concat([self.held, rows])
            self.held = rows.clear()
        if rows["open"].any():
            rows = self._joined(rows, last)
        return rows.select("line", "text", "time", "origin")

    def _opened(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Rows with the columns line, text, time, origin, stream, ``until`` and ``open``.

        ``until`` is the line of the last part, ``open`` says that the next part of the stream belongs to the row.
        """
        text, nothing = pl.col("text"), pl.lit(None, pl.String)
        if self.kind == "docker":
            json = values(frame["text"], [("log",), ("time",), ("stream",)])
            rows = frame.with_columns(inner=json["log",], time=json["time",], stream=json["stream",])
            self._report_broken(rows)
            rows = rows.with_columns(inner=pl.coalesce("inner", _readable(text)))
            inner = pl.col("inner")
            rows = rows.with_columns(
                inner=inner.str.strip_chars_end("\r\n"), open=~inner.str.ends_with("\n"), origin=nothing
            )
        else:
            groups = frame["text"].str.extract_groups(WRAPPERS[self.kind]).struct.unnest().rename({"text": "inner"})
            rows = frame.hstack(groups).with_columns(
                nothing.alias(name) for name in ("time", "stream", "origin") if name not in groups.columns
            )
            rows = rows.with_columns(open=pl.col("part") == "P" if self.kind == "cri" else False)
        open_part = pl.col("open").fill_null(False)
        kept = rows.select("line", "time", "origin", "stream", text=pl.coalesce("inner", "text"), open=open_part)
        return kept.with_columns(until="line")

    def _report_broken(self, rows: pl.DataFrame) -> None:
        unread = rows.filter(pl.col("inner").is_null())
        if len(unread):
            bad = unread.filter(broken(unread["text"]))
            self.quarantine.add_lines(
                self.name, "incomplete JSON object, kept as text", bad.select("line", "text").rows()
            )

    def _joined(self, rows: pl.DataFrame, last: bool) -> pl.DataFrame:
        stream = pl.col("stream").fill_null("")
        far = pl.col("line") - pl.col("until").shift(1).over(stream) > FAR
        begins = ~pl.col("open").shift(1, fill_value=False).over(stream) | far.fill_null(False)
        part = pl.concat_str(stream, begins.cast(pl.Int64).cum_sum().over(stream).cast(pl.String), separator=" ")
        rows = rows.with_columns(part=part)
        end = int(rows["line"][-1])
        until = pl.col("until").last()
        waits = pl.col("open").last() & (until >= end - FAR)
        rows = rows.with_columns(open=waits.over("part"), until=until.over("part"))
        rows, dropped = joined(rows, "part", "", self.limits.line)
        for line, count in dropped:
            self.quarantine.add(self.name, "part of a line that is too long, left out", line=line, count=count)
        rows = rows.drop("part")
        if not last and rows["open"].any():  # also all rows after an open one, to keep the order
            at = int(rows["open"].arg_true()[0])
            self.held, rows = rows[at:], rows[:at]
        return rows


def _readable(text: pl.Expr) -> pl.Expr:
    """The inner text of a truncated Docker line, as far as it is there."""
    inner = text.str.extract(r"^\{\s*\x22log\x22\s*:\s*\x22((?:[^\x22\\]|\\.)*)", 1)
    return inner.str.replace_many(["\\\x22", "\\t", "\\n", "\\\\"], ["\x22", "\t", "\n", "\\"]) + "\n"


def wrapper_of(lines: Sequence[str]) -> str | None:
    """The wrapper of most of these lines, None if there is none."""
    series = pl.Series("text", lines)
    for kind, pattern in WRAPPERS.items():
        if not len(series) or series.str.contains(pattern).sum() < ENOUGH[kind] * len(series):
            continue
        if kind == "compose" and any(
            name.upper() in WORDS for name in series.str.extract(pattern, 1).drop_nulls().unique()
        ):
            continue  # "INFO | message"
        return kind
    return None
