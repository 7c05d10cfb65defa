"""BlueGene/L as event numbers, a line each, cut into windows of lines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import ClassVar, Final

import polars as pl

from logradar.core.quarantine import Quarantine
from logradar.sources.base import Dataset, Hints
from logradar.sources.datasets.numbered import Numbered
from logradar.sources.datasets.texts import by_id
from logradar.sources.opening.files import stem

WINDOW: Final = 100


class Bgl(Numbered):
    """BGL's first 80,000 lines as event numbers, in windows of lines (100 or ``input.window``; 1: lines).

    A window is anomalous when one of its lines is. Its key is that of its first line. Oliner and Stearley, DSN 2007.
    """

    line: ClassVar[str] = r"(?P<number>[0-9]{1,12}),E(?P<events>[0-9]{1,9}),(?P<label>[01]),(?P<window>[01]?)"
    header: ClassVar[str | None] = "line,event_id,line_label,window_label"

    @classmethod
    def dataset(cls, data_dir: Path) -> Dataset | None:
        """The earlier half trains (its normal windows), the later half is measured on."""
        file = data_dir / "bgl" / "BGL_events_0_79999.csv.gz"
        return Dataset([file], test=0.5) if file.is_file() else None

    def texts(self, file: Path) -> Mapping[int, str]:
        """Templates as regexes; ``.*`` is a variable."""
        return {number: text.replace(".*", "<*>") for number, text in by_id(file.parent / "BGL_templates.csv").items()}

    def _frames(self, file: Path, name: str, hints: Hints, quarantine: Quarantine) -> Iterator[pl.DataFrame]:
        """Windows of lines that follow each other; one that a block cuts in two waits for the next block."""
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
