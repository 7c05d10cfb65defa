"""HDFS as event numbers, in the published split of DeepLog."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Final

from logradar.sources.base import Dataset
from logradar.sources.datasets.numbered import NUMBER, EventNumberSource

NORMAL: Final = ("hdfs_test_normal.txt", "hdfs_test_normal_3366.txt.gz")


class HdfsSequences(EventNumberSource):
    """HDFS blocks as event numbers, DeepLog's split: 4,855 normal ones for training, all 16,838 anomalies.

    Du et al., CCS 2017; Xu et al., SOSP 2009.
    """

    line: ClassVar[str] = rf"(?P<events>{NUMBER}(?:\s+{NUMBER})*)"
    templates: ClassVar[str | None] = "HDFS_templates.csv"

    @classmethod
    def recognises(cls, path: Path, head: Sequence[str]) -> float:
        """Always 0: the source ``sequences`` reads such files. This one needs its data set or ``--source``."""
        return 0.0

    @classmethod
    def dataset(cls, data_dir: Path) -> Dataset | None:
        """The published files; a sample of 3,366 normal test sequences is used if all 553,366 are not there."""
        folder = data_dir / "hdfs"
        train, anomalous = folder / "hdfs_train.txt.gz", folder / "hdfs_test_abnormal.txt.gz"
        normal = next((folder / name for name in NORMAL if (folder / name).is_file()), folder / NORMAL[-1])
        return Dataset.if_present([train, normal, anomalous], first=4_855)
