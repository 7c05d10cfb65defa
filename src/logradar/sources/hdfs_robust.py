"""HDFS as event numbers with a label behind each: the balanced sample that supervised work uses."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from logradar.sources.base import Dataset
from logradar.sources.datasets.numbered import EVENTS, Numbered
from logradar.sources.datasets.texts import by_id


class HdfsRobust(Numbered):
    """HDFS blocks as event numbers, half of them anomalous: a balanced sample, which says nothing about precision.

    Lines like ``5 22 5,0``. The sample of logdeep, after Zhang et al. (LogRobust), ESEC/FSE 2019.
    """

    line: ClassVar[str] = rf"{EVENTS},(?P<label>[01])"
    header: ClassVar[str | None] = "Sequence,label"

    @classmethod
    def dataset(cls, data_dir: Path) -> Dataset | None:
        """The published split: the normal ones of 12,000 sequences train, 2,000 others are measured on."""
        files = [data_dir / "hdfs" / f"robust_log_{name}.csv.gz" for name in ("train", "valid")]
        return Dataset(files, first=12_000) if files[0].is_file() else None

    def texts(self, file: Path) -> Mapping[int, str]:
        """Event ``n`` is ``En`` of loghub's templates."""
        return by_id(file.parent / "HDFS_templates.csv")
