"""A corpus: the LOG_RECORDS of one input on disk, as Parquet shards of bounded size.

Whatever the size of the input, only one batch is in memory; raw lines are fetched again by
record id when an alert needs them.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from logradar.core.errors import DataError
from logradar.core.progress import say
from logradar.core.tables import LOG_RECORDS, check, conform
from logradar.sources.inputs.opening import InputSettings, Opened, open_input

SHARD_RECORDS = 1_000_000
QUARANTINE = "quarantine.jsonl"


@dataclass
class Corpus:
    """LOG_RECORDS under ``folder``; ``input`` are the settings with all that was found out filled in.

    ``kinds`` maps session keys to fault kinds where labels name them; ``test`` is the share that
    the data set's own protocol holds back; ``reasons`` counts what could not be read.
    """

    folder: Path
    input: InputSettings
    source: str
    records: int
    reasons: Mapping[str, int]
    test: float | None = None
    kinds: dict[str, str] = field(default_factory=dict)

    @property
    def quarantined(self) -> int:
        """How many pieces of the input could not be read."""
        return sum(self.reasons.values())

    @property
    def shards(self) -> list[Path]:
        """The Parquet files, in order of record id."""
        return sorted(self.folder.glob("*.parquet"))

    def scan(self, columns: list[str]) -> Iterator[pa.Table]:
        """The named columns, one row group at a time, in order of record id."""
        for shard in self.shards:
            with pq.ParquetFile(shard) as file:
                for group in range(file.num_row_groups):
                    yield file.read_row_group(group, columns=columns)

    def lines(self, record_ids: list[int]) -> pa.Table:
        """LOG_RECORDS of the given ids."""
        wanted = pl.scan_parquet(self.shards).filter(pl.col("record_id").is_in(record_ids))
        return conform(wanted.collect().to_arrow(), LOG_RECORDS)


@contextmanager
def reading(spec: str, settings: InputSettings, folder: Path | None = None) -> Iterator[Corpus]:
    """The corpus of INPUT ``spec``; kept in ``folder`` when given, else removed afterwards.

    What people should know (how sessions were found, what was quarantined) is said on stderr.
    """
    with tempfile.TemporaryDirectory(prefix="logradar-") as scratch:
        home = folder or Path(scratch)
        (home / "records").mkdir(parents=True, exist_ok=True)
        with open_input(spec, settings, home / QUARANTINE) as opened:
            corpus = _collect(opened, home / "records")
        if not corpus.records:
            raise DataError(f"'{spec}' holds no log record that could be read.")
        for sentence in (*opened.notes, opened.quarantine.sentence()):
            if sentence:
                say(sentence)
        yield corpus


def _collect(opened: Opened, folder: Path) -> Corpus:
    records, shard, writer = 0, 0, None
    for batch in opened.batches():
        check(batch, LOG_RECORDS)
        if writer is None:
            path = folder / f"part-{shard:05}.parquet"
            writer = pq.ParquetWriter(path, LOG_RECORDS, compression="zstd", compression_level=1)
        writer.write_table(batch, row_group_size=200_000)
        records += batch.num_rows
        if records >= (shard + 1) * SHARD_RECORDS:
            writer.close()
            writer, shard = None, shard + 1
    if writer is not None:
        writer.close()
    return Corpus(
        folder,
        opened.settings,
        opened.source,
        records,
        dict(opened.quarantine.reasons),
        opened.dataset.test if opened.dataset else None,
        opened.kinds,
    )
