"""Sequence models on DeepLog's published split of HDFS: most anomalies found, threshold from validation."""

from __future__ import annotations

import math
import sys
from pathlib import Path

import pytest

from logradar.detectors.base import detectors

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("name", "title", "least"),
    [("deeplog", "deeplog with ends", 0.85), ("logbert", "logbert", 0.82), ("loglstm", "loglstm with ends", 0.88)],
)
def test_the_published_split(name, title, least, data_dir):
    sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "experiments"))
    try:
        from hdfs_deeplog_split import Split, rows_of
    finally:
        sys.path.pop(0)
    rows = dict(rows_of(Split(data_dir / "hdfs"), name, detectors.load(name).Settings(), seed=0))
    assert rows[f"{title}: own, quantile 0.995"]["all"]["f1"] > least
    assert math.isfinite(rows[f"{title}: top-9"]["all"]["f1"])
    if name == "deeplog":
        assert rows[f"{title}: training"]["validation_loss"] < 0.27
