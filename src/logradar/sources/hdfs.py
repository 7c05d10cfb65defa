"""Raw HDFS logs: sessions are blocks, labels come from the label file that is published with them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from logradar.sources.base import Dataset
from logradar.sources.lines import Lines

BLOCK = r"(blk_-?[0-9]+)"
LINE = re.compile(r"[0-9]{6} [0-9]{6} [0-9]+ [A-Z]+ dfs\.[^\s:]+: .*blk_-?[0-9]+")
KNOWN = (
    ("HDFS.log", ("anomaly_label.csv", "preprocessed/anomaly_label.csv")),  # the second as in the archive of loghub
    ("HDFS_2pct.log.xz", ("HDFS_2pct_labels.csv.gz",)),
)


class Hdfs(Lines):
    """Raw HDFS_v1 lines; the session key is the first block id of a line.

    The data set ``hdfs`` is the complete log of loghub (HDFS.log with anomaly_label.csv) or a 2 % sample of
    it, in the folder ``hdfs``. Its later half is held back for evaluation. Xu et al., SOSP 2009; Zhu et al.
    (loghub), ISSRE 2023.
    """

    session_key: ClassVar[str | None] = BLOCK

    @classmethod
    def dataset(cls, data_dir: Path) -> Dataset | None:
        """The first of the known files that exists."""
        folder = data_dir / "hdfs"
        for log, labels in KNOWN:
            if (folder / log).is_file():
                beside = (folder / name for name in labels)
                return Dataset([folder / log], next((file for file in beside if file.is_file()), None), test=0.5)
        return None

    @classmethod
    def recognises(cls, path: Path, head: Sequence[str]) -> float:
        """0.9 if at least half of the lines are HDFS lines that name a block."""
        lines = [line for line in head if line.strip()]
        matching = sum(LINE.match(line) is not None for line in lines)
        return 0.9 if matching and matching >= 0.5 * len(lines) else 0.0
