"""HDFS as event numbers by block id: almost all anomalies and 1 % of the normal blocks."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from logradar.sources.base import Dataset
from logradar.sources.datasets.numbered import EVENTS, EventNumberSource


class HdfsBlocks(EventNumberSource):
    """HDFS blocks by id as event numbers: half of 5,548 normal ones for training, 16,776 anomalies.

    Xu et al., SOSP 2009; Landauer et al., FSE 2024.
    """

    line: ClassVar[str] = rf"(?P<key>blk_-?[0-9]{{1,20}}),{EVENTS}"
    header: ClassVar[str | None] = "BlockId,EventSequence"
    templates: ClassVar[str | None] = "HDFS_templates.csv"

    @classmethod
    def dataset(cls, data_dir: Path) -> Dataset | None:
        """Training: the earlier half of the normal blocks, which are a random sample in no particular order."""
        folder = data_dir / "hdfs"
        files = [folder / f"hdfs_blocks_{name}.csv.gz" for name in ("normal_1pct", "abnormal")]
        return Dataset.if_present(files, test=0.5, hold_anomalies=True)
