"""A run folder that is filled once per test session: real HDFS where it is at hand, else generated."""

from __future__ import annotations

from pathlib import Path

import pytest
from sample_run import generated_records, hdfs_records, write_run


@pytest.fixture(scope="session")
def hdfs_run(tmp_path_factory: pytest.TempPathFactory, data_dir: Path) -> Path:
    """The raw HDFS sample: earlier half trains, later half is measured."""
    return write_run(tmp_path_factory.mktemp("hdfs") / "run", hdfs_records(data_dir), "HDFS, 2 % sample")


@pytest.fixture(scope="session")
def shop_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Generated sessions with three kinds of faults."""
    return write_run(tmp_path_factory.mktemp("shop") / "run", generated_records(), "Shop, generated")
