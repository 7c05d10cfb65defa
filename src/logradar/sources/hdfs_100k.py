"""The blocks in the first 100,000 lines of HDFS, each a JSON object with its templates."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Final

import polars as pl

from logradar.core.quarantine import Quarantine
from logradar.sources.base import Dataset
from logradar.sources.datasets.numbered import EventNumberSource
from logradar.sources.datasets.texts import number_of

SESSION: Final = pl.Struct({"block_id": pl.String, "label": pl.Int64, "templates": pl.List(pl.String)})
FORM: Final = r'^\{"block_id": ?"[^"]*", ?"label": ?[01], ?"templates": ?\['


class Hdfs100k(EventNumberSource):
    """HDFS blocks as JSON objects (``block_id``, ``label``, ``templates``), from the first 100,000 lines only.

    The number of an event is the CRC-32 (30 bits) of its template. Chen et al. (deep-loglizer), arXiv 2107.05908.
    """

    line: ClassVar[str] = ""

    def __init__(self) -> None:
        self._texts: dict[int, str] = {}

    @classmethod
    def recognises(cls, path: Path, head: Sequence[str]) -> float:
        """0.95 for JSON lines that begin with exactly these keys."""
        lines = [line for line in head if line.strip()][:20]
        return 0.95 if lines and all(re.match(FORM, line) for line in lines) else 0.0

    @classmethod
    def dataset(cls, data_dir: Path) -> Dataset | None:
        """The normal blocks of the earlier half are for training, the later half is for evaluation."""
        return Dataset.if_present([data_dir / "hdfs" / "hdfs_100k_sessions.jsonl.gz"], test=0.5)

    def texts(self, file: Path) -> Mapping[int, str]:
        """The templates of the blocks read so far."""
        return self._texts

    def _frame(self, file: Path, rows: pl.DataFrame, name: str, quarantine: Quarantine) -> pl.DataFrame:
        fits = rows["text"].str.contains(FORM + r".*\]\}\s*$")
        if not fits.all():
            bad = rows.filter(~fits).select("line", "text")
            quarantine.add_lines(name, "line that is not a session of templates with a label", bad.rows())
        sessions = rows.filter(fits)["text"].str.json_decode(SESSION).struct.unnest()
        distinct = sessions["templates"].explode().unique().drop_nulls().to_list()
        numbers = {text: number_of(text) for text in distinct}
        self._texts.update({number: text for text, number in numbers.items()})
        events = pl.element().replace_strict(list(numbers), list(numbers.values()), return_dtype=pl.Int32)
        return sessions.select(
            key="block_id",
            events=pl.col("templates").list.eval(events) if numbers else pl.lit([], pl.List(pl.Int32)),
            label=pl.col("label") == 1,
            fault=pl.lit(None, pl.String),
        )
