"""Sender: reads the lines of one stream of arrivals as records, as lines of a file are read.

The format of the lines is worked out from the first of them. What the sender says beside a line (time, level,
service) is used where the line itself does not say it.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any, Final

import polars as pl

from logradar.core.quarantine import Quarantine
from logradar.serving.intake.rows import ROWS
from logradar.sources.decoding.encoding import COLOURS, CONTROLS
from logradar.sources.decoding.timestamps import TIME
from logradar.sources.opening.dating import dated
from logradar.sources.opening.formats import SEEN, Format
from logradar.sources.opening.opening import InputSettings
from logradar.sources.opening.reader_state import format_of, reader_state, restore_reader
from logradar.sources.opening.reading import Block
from logradar.sources.opening.records import Records

FITS: Final = 0.5  # share of the first lines that the format of training must fit
WAITS: Final = 2  # ticks after which the first lines are read, and a record that may go on is over
BESIDE: Final = (  # what is kept of an arrival until its record is whole
    *("line", "seq", "arrived", "tick", "timestamp", "service", "level", "component", "trace", "attributes", "rest"),
)
_NO_TEXT: Final = "[" + re.escape((CONTROLS + b"\r").decode("latin-1")) + "]"
_COLOURS: Final = COLOURS.pattern.decode()


class Sender:
    """One stream of arrivals; ``rows`` are columns seq, arrived, tick, body and what the sender says beside it."""

    def __init__(self, name: str, settings: InputSettings, expected: str | None, quarantine: Quarantine) -> None:
        self.name, self._settings, self._expected, self._quarantine = name, settings, expected, quarantine
        self._reader: Records | None = None
        self._first = pl.Series("text", [], pl.String)  # lines from before the format is known
        self._beside = pl.DataFrame()
        self._lines = 0
        self.last_tick = self._began = -1

    @property
    def waiting(self) -> bool:
        """Whether there is something that the passing of time completes."""
        return len(self._beside) > 0

    def push(self, rows: pl.DataFrame) -> list[pl.DataFrame]:
        """Records, as frames of `ROWS`, that are whole once these arrivals have come."""
        if not self.waiting:
            self._began = int(rows["tick"][0])
        self.last_tick = int(rows["tick"][-1])
        text, rest = _lines_of(rows["body"], self._settings.limits.line)
        line = pl.int_range(self._lines + 1, self._lines + len(rows) + 1, eager=True).alias("line")
        beside = rows.with_columns(line, rest).select(BESIDE)
        self._beside = pl.concat([self._beside, beside]) if len(self._beside) else beside
        self._lines += len(rows)
        if self._reader is None:
            self._first = pl.concat([self._first, text])
            return self._begin() if len(self._first) >= SEEN else []
        block = Block(text, self._lines - len(rows) + 1)
        found = [self._complete(frame) for frame in self._reader.push(block)]
        self._forget()
        return found

    def tick(self, now: int) -> list[pl.DataFrame]:
        """The same once ``now`` ticks have passed."""
        if not self.waiting:
            return []
        found = self._begin() if self._reader is None and now - self._began >= WAITS else []
        return found + self.flush() if now - self.last_tick >= WAITS else found

    def flush(self) -> list[pl.DataFrame]:
        """Nothing comes for a while: what was held back is whole."""
        found = self._begin() if self._reader is None else []
        assert self._reader is not None
        found += [self._complete(frame) for frame in self._reader.flush()]
        self._beside = self._beside.clear()
        return found

    def _begin(self) -> list[pl.DataFrame]:
        """Work out the format by the first lines, and read them."""
        lines = self._first[:SEEN].to_list()
        moment = datetime.fromtimestamp(int(self._beside["arrived"][0]) / 1e6, UTC)
        form = self._format(lines)
        form, _ = dated(form, lines, moment, self._settings.date_order)
        self._reader = Records(form, self.name, self._quarantine, self._settings.limits, moment)
        block = Block(self._first, self._lines - len(self._first) + 1)
        found = [self._complete(frame) for frame in self._reader.push(block)]
        self._first = self._first.clear()
        self._forget()
        return found

    def _format(self, lines: list[str]) -> Format:
        if self._settings.format:
            return Format.named(self._settings.format, lines)
        if self._expected and (known := Format.named(self._expected, lines)).share >= FITS:
            return known
        return Format.detect(lines)

    def _forget(self) -> None:
        """Let go of what was said beside lines whose records are whole."""
        assert self._reader is not None
        held = [
            frame for frame in (self._reader.held, getattr(self._reader.unwrapping, "held", None)) if frame is not None
        ]
        first = min((int(frame["line"][0]) for frame in held if len(frame)), default=self._lines + 1)
        self._beside = self._beside.filter(pl.col("line") >= first)

    def _complete(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Rows of `ROWS`: what the lines say, and where they do not, what the sender said."""
        rows = frame.join(self._beside, on="line", how="left", suffix="_beside", maintain_order="left")
        bare = pl.col("owner").is_not_null()
        beside = pl.from_epoch("timestamp_beside", "us").cast(TIME)
        return rows.with_columns(
            pl.lit(self.name).alias("stream"),
            timestamp=pl.when(bare).then(pl.coalesce(beside, "timestamp")).otherwise(pl.coalesce("timestamp", beside)),
            service=pl.coalesce("service", "service_beside"),
            level=pl.coalesce("level", "level_beside"),
            component=pl.coalesce("component", "component_beside"),
            body=pl.when(pl.col("rest").is_null()).then("body").otherwise(pl.col("body") + "\n" + pl.col("rest")),
        ).select(pl.col(name).cast(kind) for name, kind in ROWS.items())

    def state(self) -> dict[str, Any]:
        """The state as JSON values."""
        return {
            "name": self.name,
            "reader": reader_state(self._reader) if self._reader else None,
            "first": self._first.to_list(),
            "beside": self._beside.to_dicts(),
            "lines": self._lines,
            "ticks": [self.last_tick, self._began],
        }

    @classmethod
    def restore(
        cls, state: dict[str, Any], settings: InputSettings, expected: str | None, quarantine: Quarantine
    ) -> Sender:
        """The sender that ``state`` is of."""
        found = cls(state["name"], settings, expected, quarantine)
        if state["reader"] is not None:
            found._reader = Records(format_of(state["reader"]), found.name, quarantine, settings.limits)
            restore_reader(found._reader, state["reader"])
        found._first = pl.Series("text", state["first"], pl.String)
        found._beside = pl.DataFrame(state["beside"], _BESIDE) if state["beside"] else pl.DataFrame()
        found._lines = int(state["lines"])
        found.last_tick, found._began = map(int, state["ticks"])
        return found


_BESIDE: Final = {
    name: {"timestamp": pl.Int64(), "rest": pl.String()}.get(name, ROWS.get(name, pl.String())) for name in BESIDE
}


def _lines_of(body: pl.Series, most: int) -> tuple[pl.Series, pl.Series]:
    """The first lines of bodies without what no terminal should see, and the rest of those that have more lines."""
    text = body.alias("text").str.strip_chars_end("\r\n")
    if text.str.contains("\x1b", literal=True).any():
        text = text.str.replace_all(_COLOURS, "")
    if text.str.contains(_NO_TEXT).any():
        text = text.str.replace_all("\r\n", "\n", literal=True).str.replace_all(_NO_TEXT, "")
    if (text.str.len_bytes() > most).any():
        text = text.str.slice(0, most // 4)
    several = text.str.contains("\n", literal=True)
    rest = pl.Series("rest", [None], pl.String).new_from_index(0, len(text))
    if several.any():
        json = several & text.str.contains(r"^\s*\{")
        text = pl.select(pl.when(json).then(text.str.replace_all(r"\n\s*", " ")).otherwise(text)).to_series()
        parts = text.set(json, None).str.splitn("\n", 2).struct
        rest = parts.field("field_1").alias("rest")
        text = pl.select(
            pl.when(rest.is_not_null()).then(parts.field("field_0")).otherwise(text).alias("text")
        ).to_series()
    return text.alias("text"), rest
