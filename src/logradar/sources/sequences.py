"""Event numbers with one session per line, as in the HDFS files published with DeepLog."""

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
from logradar.sources.opening.reading import read_blocks

NUMBERS = r"^\s*[0-9]+(?:\s+[0-9]+)*\s*$"
LINES_AT_ONCE = 5_000


class Sequences(Source):
    """Lines of space-separated event numbers: each line is a session, number n is an event with body ``En``.

    The session key is the stem of the file and the line number (``hdfs_train-17``). The label is taken from the
    name of the file: anomalous for ``…abnormal…`` or ``…anomal…``, normal for ``…normal…`` or ``…train…``.
    Du et al., CCS 2017.
    """

    @classmethod
    def recognises(cls, path: Path, head: Sequence[str]) -> float:
        """0.9 if nearly all lines contain only numbers, and at least half of them more than one."""
        lines = [line for line in head if line.strip()]
        matching = [line for line in lines if re.match(NUMBERS, line)]
        several = sum(len(line.split()) > 1 for line in matching)
        return 0.9 if lines and len(matching) >= 0.95 * len(lines) and several >= 0.5 * len(lines) else 0.0

    def read(self, files: Sequence[Path], hints: Hints, quarantine: Quarantine) -> Iterator[pa.Table]:
        """LOG_RECORDS without time, level and service; ``line`` is the line of the session."""
        record_id = 0
        for file in files:
            name, label = hints.name(file), label_of(file)
            for block in read_blocks(file, name, quarantine, hints.limits, hints.on_progress):
                for part in block.frame.iter_slices(LINES_AT_ONCE):
                    events = _events(part, name, quarantine)
                    for rows in events.iter_slices(hints.limits.rows):
                        yield _table(rows, record_id, name, stem(file), label)
                        record_id += len(rows)


def _events(frame: pl.DataFrame, name: str, quarantine: Quarantine) -> pl.DataFrame:
    rows = frame.filter(pl.col("text").str.strip_chars() != "")
    good = rows["text"].str.contains(NUMBERS)
    if not good.all():
        quarantine.add_lines(name, "line that is not a sequence of event numbers", rows.filter(~good).rows())
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
