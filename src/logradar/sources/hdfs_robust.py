"""HDFS as event numbers with a label after each sequence: the balanced sample used in supervised studies."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from logradar.sources.base import Dataset
from logradar.sources.datasets.numbered import EVENTS, EventNumberSource


class HdfsRobust(EventNumberSource):
    """HDFS blocks as event numbers, half of them anomalous: such a balanced sample says nothing about precision.

    Lines like ``5 22 5,0``. The sample of logdeep, after Zhang et al. (LogRobust), ESEC/FSE 2019.
    """

    line: ClassVar[str] = rf"{EVENTS},(?P<label>[01])"
    header: ClassVar[str | None] = "Sequence,label"
    templates: ClassVar[str | None] = "HDFS_templates.csv"

    @classmethod
    def dataset(cls, data_dir: Path) -> Dataset | None:
        """The published split: training with the normal ones of 12,000 sequences, 2,000 others for evaluation."""
        files = [data_dir / "hdfs" / f"robust_log_{name}.csv.gz" for name in ("train", "valid")]
        return Dataset.if_present(files, first=12_000)
