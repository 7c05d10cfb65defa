"""Levels are recognised in the layouts of real failures of distributed systems (Anduril's), line by line."""

from __future__ import annotations

import lzma
import os
import re
from pathlib import Path

import pytest

from logradar.sources.opening.opening import InputSettings
from logradar.storage.records import reading

DATA = Path(os.environ.get("LOGRADAR_DATA", "")) / "anduril"
WORD = re.compile(r"^\S.{0,100}?\b(TRACE|DEBUG|INFO|WARN|ERROR|FATAL)\b")
BRACKETS = [
    "2024-05-03 10:00:00,123 [myid:1] - INFO [main:QuorumPeer@12] - starting",
    "2024-05-03 10:00:00,124 [myid:1] - WARN [main:QuorumPeer@13] - slow",
    "2024-05-03 10:00:00,125 [myid:2] - ERROR [main:QuorumPeer@14] - gone",
]


def levels(path: Path) -> list[int | None]:
    with reading(str(path), InputSettings()) as corpus:
        return [level for table in corpus.scan(["level"]) for level in table["level"].to_pylist()]


def test_a_level_between_brackets(tmp_path):
    (tmp_path / "zk.log").write_text("\n".join(BRACKETS * 10) + "\n")
    assert levels(tmp_path / "zk.log") == [9, 13, 17] * 10


@pytest.mark.skipif(not DATA.is_dir(), reason="needs the data sets (LOGRADAR_DATA)")
@pytest.mark.parametrize("system", ["cassandra-6415", "hbase-19608", "hdfs-12248", "kafka-12508", "zookeeper-3157"])
def test_levels_of_real_failures(system, tmp_path):
    for packed in sorted((DATA / system).glob("bad-run-log*.xz")):
        text = lzma.decompress(packed.read_bytes()).decode("utf-8", "replace")
        path = tmp_path / "run.log"
        path.write_text(text)
        expected = sum(bool(WORD.match(line)) for line in text.splitlines())
        known = sum(level is not None for level in levels(path))
        assert known == pytest.approx(expected, rel=0.02), packed.name
