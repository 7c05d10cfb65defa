"""Masked lines: the distinct first lines of messages with variable parts masked, in alphabetical order.

Templates are mined from them, so what is mined depends on which lines there are and not on the order in which they
were read. Beyond `LIMIT` bytes they go to disk.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import polars as pl

LIMIT: Final = 64 << 20  # bytes of lines in memory
_PIECE: Final = 50_000  # lines that are given back at once
_SPARSE: Final = 2  # ranges for each file on disk: each range is read alone
_EMPTY: Final = pl.Schema({"text": pl.String, "count": pl.UInt32})


class MaskedLines:
    """Distinct lines with their counts; ``folder`` is for those that do not fit in memory."""

    def __init__(self, folder: Path, limit: int = LIMIT) -> None:
        self._folder, self._limit = folder, limit
        self._frame = pl.DataFrame(schema=_EMPTY)
        self._files: list[Path] = []

    def add(self, texts: pl.Series) -> None:
        """Count some lines."""
        counted = texts.alias("text").value_counts(name="count").cast(_EMPTY)
        self._frame = _summed(pl.concat([self._frame, counted]))
        if self._frame.estimated_size() > self._limit:
            self._spill()

    def pieces(self) -> Iterator[pl.DataFrame]:
        """All lines as ``text`` and ``count``, in alphabetical order, in pieces of bounded size."""
        if not self._files:
            yield from self._frame.sort("text").iter_slices(_PIECE)
            return
        self._spill()
        ranges = _SPARSE * len(self._files)
        sample = pl.concat([pl.read_parquet(file, columns=["text"]).gather_every(1_000) for file in self._files])
        ends = sample["text"].sort()[:: max(len(sample) // ranges, 1)].unique(maintain_order=True).to_list()[1:]
        for low, high in zip([None, *ends], [*ends, None], strict=True):
            found = pl.scan_parquet(self._files, glob=False)
            if low is not None:
                found = found.filter(pl.col("text") >= low)
            if high is not None:
                found = found.filter(pl.col("text") < high)
            yield from _summed(found.collect()).sort("text").iter_slices(_PIECE)

    def _spill(self) -> None:
        if len(self._frame):
            self._folder.mkdir(parents=True, exist_ok=True)
            file = self._folder / f"lines-{len(self._files)}.parquet"
            self._frame.sort("text").write_parquet(file, row_group_size=_PIECE)
            self._files.append(file)
            self._frame = self._frame.clear()


def _summed(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.group_by("text").agg(pl.col("count").sum())
