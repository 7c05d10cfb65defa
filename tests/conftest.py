"""Fixtures for all rooms: the real data folder. Files that need the extra ``deep`` are skipped without it."""

from __future__ import annotations

import os
from collections.abc import Generator
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("any machine", deadline=None)  # how fast a machine is, is no property of the code
settings.load_profile("any machine")

ROOT = Path(__file__).resolve().parents[1]
DEEP = {"torch", "transformers", "accelerate", "safetensors", "tensorboard", "onnx", "onnxscript", "onnxruntime"}
ABSENT = {name for name in DEEP if find_spec(name) is None}


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """A file of tests that imports a package of the extra ``deep`` is skipped where that package is absent."""
    report = yield
    fault = report.call.excinfo.value.__cause__ if ABSENT and report.failed and report.call.excinfo else None
    if isinstance(fault, ModuleNotFoundError) and fault.name in ABSENT:
        report.outcome = "skipped"
        report.longrepr = (str(collector.path), 1, f"Skipped: needs {fault.name}: pip install 'logradar[deep]'")
    return report


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


@pytest.fixture(scope="session")
def cases_dir() -> Path:
    """Small logs that are easily read wrongly, beside the real data; the test is skipped where they are absent."""
    data = find_data()
    folder = data.parent / "cases" if data else None
    if folder is None or not folder.is_dir():
        pytest.skip("no small cases here: a folder `cases` beside that of LOGRADAR_DATA")
    return folder
