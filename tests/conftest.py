"""Fixtures for all rooms: the real data folder, and small tables."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("any machine", deadline=None)  # how fast a machine is, is no property of the code
settings.load_profile("any machine")

ROOT = Path(__file__).resolve().parents[1]


def find_data() -> Path | None:
    """The folder of real data: LOGRADAR_DATA, or the sibling folder that the Makefile names."""
    folder = Path(os.environ.get("LOGRADAR_DATA") or ROOT / "../shared/data").resolve()
    return folder if folder.is_dir() else None


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """Real labelled data; the test is skipped where it is absent."""
    folder = find_data()
    if folder is None:
        pytest.skip("no real data here: set LOGRADAR_DATA to a folder that holds hdfs, loghub_2k, …")
    return folder
