"""HDFS as event numbers in DeepLog's published split."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Final

from logradar.sources.base import Dataset
from logradar.sources.datasets.numbered import NUMBER, Numbered
from logradar.sources.datasets.texts import by_id

NORMAL: Final = ("hdfs_test_normal.txt", "hdfs_test_normal_3366.txt.gz")


class HdfsSequences(Numbered):
    """HDFS blocks as event numbers, DeepLog's split: 4,855 normal ones train, all 16,838 anomalies are measured on.

    Du et al., CCS 2017; Xu et al., SOSP 2009.
    """

    line: ClassVar[str] = rf"(?P<events>{NUMBER}(?:\s+{NUMBER})*)"

    @classmethod
    def recognises(cls, path: Path, head: Sequence[str]) -> float:
        """Never by itself: such files are `sequences`; it is chosen by its name."""
        return 0.0

    @classmethod
    def dataset(cls, data_dir: Path) -> Dataset | None:
        """The published files; where the 553,366 normal test sequences are not there, the 3,366 that are."""
        folder = data_dir / "hdfs"
        train, odd = folder / "hdfs_train.txt.gz", folder / "hdfs_test_abnormal.txt.gz"
        normal = next((folder / name for name in NORMAL if (folder / name).is_file()), folder / NORMAL[-1])
        return Dataset([train, normal, odd], first=4_855) if train.is_file() else None

    def texts(self, file: Path) -> Mapping[int, str]:
        """Event ``n`` is ``En`` of loghub's templates."""
        return by_id(file.parent / "HDFS_templates.csv")
