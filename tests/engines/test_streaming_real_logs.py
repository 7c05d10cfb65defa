"""Real logs as a stream on Spark: the ids and figures of one machine, in 1, 2 and 7 partitions."""

from __future__ import annotations

import lzma
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from tests.engines.landing import land, write_log
from tests.engines.test_streaming import FIGURES, follow, ids, kept

from logradar.model.settings import run_settings
from logradar.pipeline.detect import detect
from logradar.pipeline.detection.detected import Detected
from logradar.pipeline.train import train

pytestmark = [pytest.mark.xdist_group("spark"), pytest.mark.slow]


class Case(NamedTuple):
    """A bundle, lines, and what one machine finds in them."""

    bundle: Path
    lines: list[str]
    found: Detected


def lines_of(path: Path) -> list[str]:
    with lzma.open(path, "rt") as file:
        return file.read().splitlines()


def case(home: Path, early: list[str], late: list[str], *overrides: str) -> Case:
    for name, lines in (("early.log", early), ("late.log", late)):
        (home / name).write_text("".join(f"{line}\n" for line in lines))
    train(str(home / "early.log"), home / "bundle", run_settings(None, list(overrides)))
    return Case(home / "bundle", late, detect(home / "bundle", str(home / "late.log")))


@pytest.fixture(scope="module")
def hdfs(data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Case:
    """The later half of the sample, by what the earlier half has taught."""
    lines = lines_of(data_dir / "hdfs" / "HDFS_2pct.log.xz")
    half = len(lines) // 2
    found = case(tmp_path_factory.mktemp("hdfs"), lines[:half], lines[half:], r"input.session_key=(blk_-?\d+)")
    assert len(found.found.alerts) > 1_000 and len(found.found.rate_changes) > 1
    return found


@pytest.fixture(scope="module")
def tickets(data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Case:
    """Traces over 40 services: all faults but one kind train, the lines of that kind are judged."""
    early: list[str] = []
    late: list[str] = []
    for path in sorted((data_dir / "trainticket_deeptralog").glob("*.log.xz")):
        (late if path.name.startswith("F05") else early).extend(lines_of(path))
    found = case(tmp_path_factory.mktemp("tickets"), sorted(early, key=_time), sorted(late, key=_time))
    assert len(found.found.alerts) > 10 and len(found.found.incidents) > 1
    return found


def _time(line: str) -> str:
    return line[:23]


def assert_same(one: Case, parts: int, home: Path) -> None:
    """In two stretches, with a stop between them."""
    segments = write_log(home / "wal", one.lines, size=max(100_000, 20 * len(one.lines)))
    assert len(segments) > 2
    for some in (segments[: len(segments) // 2], segments[len(segments) // 2 :]):
        land(some, home / "landing" / "wal")
        last = follow(one.bundle, home / "landing", home / "state", parts)
    assert kept(home / "state") == ids(one.found)
    assert {name: last.figures[name] for name in FIGURES} == {name: one.found.figures[name] for name in FIGURES}


@pytest.mark.parametrize("parts", [1, 2, 7])
def test_hdfs(spark: Any, hdfs: Case, parts: int, tmp_path: Path) -> None:
    assert_same(hdfs, parts, tmp_path)


@pytest.mark.parametrize("parts", [1, 2, 7])
def test_train_ticket(spark: Any, tickets: Case, parts: int, tmp_path: Path) -> None:
    assert_same(tickets, parts, tmp_path)
