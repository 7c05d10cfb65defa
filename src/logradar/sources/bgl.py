"""BlueGene/L as one event number per line, divided into windows of lines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import ClassVar, Final

import polars as pl

from logradar.core.quarantine import Quarantine
from logradar.sources.base import Dataset, Hints
from logradar.sources.datasets.numbered import EventNumberSource
from logradar.sources.opening.files import stem

WINDOW: Final = 100


class Bgl(EventNumberSource):
    """The first 80,000 lines of BGL as event numbers, in windows of 100 lines (or ``input.window``; 1: single lines).

    A window is anomalous if one of its lines is. Its key names its first line. Oliner and Stearley, DSN 2007.
    """

    line: ClassVar[str] = r"(?P<number>[0-9]{1,12}),E(?P<events>[0-9]{1,9}),(?P<label>[01]),(?P<window>[01]?)"
    header: ClassVar[str | None] = "line,event_id,line_label,window_label"
    templates: ClassVar[str | None] = "BGL_templates.csv"

    @classmethod
    def dataset(cls, data_dir: Path) -> Dataset | None:
        """The normal windows of the earlier half are for training, the later half is for evaluation."""
        return Dataset.if_present([data_dir / "bgl" / "BGL_events_0_79999.csv.gz"], test=0.5)

    def texts(self, file: Path) -> Mapping[int, str]:
        """The templates of the file; they are regexes with ``.*`` for a variable, which becomes ``<*>``."""
        return {number: text.replace(".*", "<*>") for number, text in super().texts(file).items()}

    def _frames(self, file: Path, name: str, hints: Hints, quarantine: Quarantine) -> Iterator[pl.DataFrame]:
        """Windows of consecutive lines. A window that a block does not complete waits for the next block."""
        size, first = hints.window or WINDOW, 0
        waiting: pl.DataFrame | None = None
        for frame in super()._frames(file, name, hints, quarantine):
            lines = frame if waiting is None else pl.concat([waiting, frame])
            whole = len(lines) - len(lines) % size
            yield _windows(lines[:whole], size, first, file)
            waiting, first = lines[whole:], first + whole
        if waiting is not None and len(waiting):
            yield _windows(waiting, size, first, file)


def _windows(lines: pl.DataFrame, size: int, first: int, file: Path) -> pl.DataFrame:
    window = pl.int_range(pl.len()) // size
    windows = lines.group_by(window.alias("window"), maintain_order=True).agg(
        events=pl.col("events").list.explode(), label=pl.col("label").any(), fault=pl.col("fault").first()
    )
    number = pl.lit(first) + pl.col("window") * size + 1
    return windows.select(
        pl.format("{}[{}]", pl.lit(stem(file).removesuffix(".csv")), number).alias("key"), "events", "label", "fault"
    )
