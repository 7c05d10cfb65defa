"""Event numbers, one session a line, as DeepLog's published HDFS files have them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa

from logradar.core.quarantine import Quarantine
from logradar.core.tables import LOG_RECORDS, conform
from logradar.sources.base import Hints, Source
from logradar.sources.datasets.numbered import label_of
from logradar.sources.opening.files import stem
from logradar.sources.opening.reading import Block, read_blocks

NUMBERS = r"^\s*[0-9]+(?:\s+[0-9]+)*\s*$"
LINES_AT_ONCE = 5_000


class Sequences(Source):
    """Lines of space-separated event numbers: each line a session, number n an event with body ``En``.

    The session key is the file's stem and the line number (``hdfs_train-17``). Such files carry
    their label in their name: ``…abnormal…`` or ``…anomal…``, else ``…normal…`` or ``…train…``.
    Du et al., CCS 2017.
    """

    @classmethod
    def recognises(cls, path: Path, head: Sequence[str]) -> float:
        """Sure when lines hold numbers and nothing else, usually several."""
        lines = [line for line in head if line.strip()]
        fitting = [line for line in lines if re.match(NUMBERS, line)]
        several = sum(len(line.split()) > 1 for line in fitting)
        return 0.9 if lines and len(fitting) >= 0.95 * len(lines) and several >= 0.5 * len(lines) else 0.0

    def read(self, files: Sequence[Path], hints: Hints, quarantine: Quarantine) -> Iterator[pa.Table]:
        """LOG_RECORDS without time, level or service; `line` is the session's line."""
        record_id = 0
        for file in files:
            name, label = hints.name(file), label_of(file)
            for block in read_blocks(file, name, quarantine, hints.limits, hints.advance):
                for start in range(0, len(block.lines), LINES_AT_ONCE):
                    part = Block(block.lines.slice(start, LINES_AT_ONCE), block.first + start)
                    events = _events(part, name, quarantine)
                    for rows in events.iter_slices(hints.limits.rows):
                        yield _table(rows, record_id, name, stem(file), label)
                        record_id += len(rows)


def _events(block: Block, name: str, quarantine: Quarantine) -> pl.DataFrame:
    number = pl.int_range(block.first, block.first + len(block.lines), eager=True)
    rows = pl.DataFrame({"line": number, "text": block.lines}).filter(pl.col("text").str.strip_chars() != "")
    good = rows["text"].str.contains(NUMBERS)
    if not good.all():
        quarantine.add_lines(name, "line that is no sequence of event numbers", rows.filter(~good).rows())
    events = rows.filter(good).select("line", body=pl.col("text").str.strip_chars().str.split(" ")).explode("body")
    return events.filter(pl.col("body") != "").with_columns(body="E" + pl.col("body").str.strip_chars_start("0"))


def _table(rows: pl.DataFrame, record_id: int, name: str, prefix: str, label: bool | None) -> pa.Table:
    count = len(rows)
    columns = {
        "record_id": pa.array(np.arange(record_id, record_id + count)),
        "source": pa.DictionaryArray.from_arrays(np.zeros(count, np.int32), pa.array([name])),
        "line": rows["line"].to_arrow(),
        "body": rows["body"].to_arrow(),
        "session_key": rows.select(pl.lit(f"{prefix}-") + pl.col("line").cast(pl.String))["literal"].to_arrow(),
    }
    if label is not None:
        columns["label"] = pa.repeat(label, count)
    return conform(pa.table(columns), LOG_RECORDS)
