"""HDFS as event numbers by block id: nearly all anomalies and 1 % of the normal blocks."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from logradar.sources.base import Dataset
from logradar.sources.datasets.numbered import EVENTS, Numbered
from logradar.sources.datasets.texts import by_id


class HdfsBlocks(Numbered):
    """HDFS blocks by id as event numbers: half of 5,548 normal ones train, 16,776 anomalies are measured on.

    Xu et al., SOSP 2009; Landauer et al., FSE 2024.
    """

    line: ClassVar[str] = rf"(?P<key>blk_-?[0-9]{{1,20}}),{EVENTS}"
    header: ClassVar[str | None] = "BlockId,EventSequence"

    @classmethod
    def dataset(cls, data_dir: Path) -> Dataset | None:
        """The normal blocks are a random sample without order: the earlier half of the file trains."""
        folder = data_dir / "hdfs"
        files = [folder / f"hdfs_blocks_{name}.csv.gz" for name in ("normal_1pct", "abnormal")]
        return Dataset(files, test=0.5, hold_anomalies=True) if files[0].is_file() else None

    def texts(self, file: Path) -> Mapping[int, str]:
        """Event ``n`` is ``En`` of loghub's templates."""
        return by_id(file.parent / "HDFS_templates.csv")
