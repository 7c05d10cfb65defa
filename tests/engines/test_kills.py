"""Killed in the middle: the ids and counts are those of a run that nobody disturbed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from tests.engines.landing import land, write_log
from tests.engines.test_streaming import FIGURES, ids, kept, shop

from logradar.pipeline.detect import detect
from logradar.pipeline.detection.detected import Detected

pytest.importorskip("pyspark", reason="needs pyspark: pip install 'logradar[spark]'")
pytestmark = [pytest.mark.xdist_group("spark kills"), pytest.mark.slow]
__all__ = ["shop"]
DONE: float = 300.0  # seconds that a run may take on a busy machine


def start(*words: object, out: Path) -> subprocess.Popen[bytes]:
    """`logradar`, with all processes that it starts, as a group of its own."""
    command = [sys.executable, "-m", "logradar", *map(str, words), "--quiet"]
    with out.open("wb") as file:
        return subprocess.Popen(command, stdout=file, stderr=subprocess.DEVNULL, start_new_session=True)


def kill(run: subprocess.Popen[bytes]) -> None:
    os.killpg(run.pid, signal.SIGKILL)
    run.wait()


def children(run: subprocess.Popen[bytes], word: str = "pyspark.daemon") -> list[int]:
    """The processes of a run with this word in their command; without one, those that compute in Python."""
    found = subprocess.run(["ps", "-ewwo", "pid=,sess=,args="], capture_output=True, text=True, check=True).stdout
    rows = [line.split(None, 2) for line in found.splitlines()]
    return [int(pid) for pid, session, words in rows if int(session) == run.pid and word in words]


def wait_for(what: Any, run: subprocess.Popen[bytes]) -> Any:
    until = time.monotonic() + DONE
    while time.monotonic() < until:
        if (found := what()) or run.poll() is not None:
            return found
        time.sleep(0.05)
    raise AssertionError("nothing happened")


def document(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text())


@pytest.fixture
def plain(shop: tuple[Path, Path, Detected]) -> tuple[Path, Path, dict[str, Any]]:
    bundle, log, _ = shop
    return bundle, log, json.loads(json.dumps(detect(bundle, str(log)).to_json(), default=str))


def test_a_worker_is_killed_in_a_batch(plain: tuple[Path, Path, dict[str, Any]], tmp_path: Path) -> None:
    bundle, log, expected = plain
    run = start("detect", bundle, log, "--engine", "spark=local[2,4]?partitions=3", "--json", out=tmp_path / "a.json")
    workers = wait_for(lambda: children(run)[1:], run)  # the first one is the daemon
    os.kill(workers[-1], signal.SIGKILL)
    assert run.wait(DONE) == 0
    assert document(tmp_path / "a.json") == expected


def test_an_executor_is_killed_in_a_batch(plain: tuple[Path, Path, dict[str, Any]], tmp_path: Path) -> None:
    """Two executors, each a process of Java with Python workers of its own; one is lost, and Spark starts another."""
    bundle, log, expected = plain
    engine = "spark=local-cluster[2,1,700]?partitions=3&spark.executor.memory=700m"
    run = start("detect", bundle, log, "--engine", engine, "--json", out=tmp_path / "a.json")
    assert wait_for(lambda: children(run), run), (tmp_path / "a.json").read_text()[:500]  # it computes
    os.kill(children(run, "CoarseGrainedExecutorBackend")[0], signal.SIGKILL)
    assert run.wait(DONE) == 0
    assert document(tmp_path / "a.json") == expected


def test_a_driver_is_killed_in_a_batch(plain: tuple[Path, Path, dict[str, Any]], tmp_path: Path) -> None:
    bundle, log, expected = plain
    words = ("detect", bundle, log, "--engine", "spark=local[2]?partitions=3", "--json")
    run = start(*words, out=tmp_path / "a.json")
    wait_for(lambda: children(run)[1:], run)
    kill(run)
    assert (tmp_path / "a.json").read_bytes() == b""
    assert start(*words, out=tmp_path / "b.json").wait(DONE) == 0
    assert document(tmp_path / "b.json") == expected


def test_driver_and_worker_are_killed_in_a_stream(shop: tuple[Path, Path, Detected], tmp_path: Path) -> None:
    bundle, log, found = shop
    segments = write_log(tmp_path / "wal", log.read_text().splitlines(), size=60_000)
    assert len(segments) >= 4
    landing, state = tmp_path / "landing", tmp_path / "state"
    words = ("detect", bundle, "--follow", landing, "--state", state, "--json", "--engine")
    land(segments[:2], landing / "wal")
    run = start(*words, "spark=local[2,4]?partitions=2", out=tmp_path / "a.json")  # it would go on for ever
    wait_for(lambda: (state / "results" / "00000000" / "facts.json").is_file(), run)
    land(segments[2:4], landing / "wal")
    wait_for(lambda: (state / "checkpoint" / "offsets" / "1").is_file(), run)  # the second micro-batch has begun
    kill(run)
    land(segments[4:], landing / "wal")
    run = start(*words, "spark=local[2,4]?partitions=2&once=yes", out=tmp_path / "b.json")
    workers = wait_for(lambda: children(run)[1:], run)
    os.kill(workers[-1], signal.SIGKILL)
    assert run.wait(DONE) == 0
    assert kept(state) == ids(found)
    last = document(tmp_path / "b.json")
    expected = json.loads(json.dumps(found.to_json(), default=str))
    assert {name: last[name] for name in FIGURES} == {name: expected[name] for name in FIGURES}


def test_an_executor_is_killed_in_a_stream(shop: tuple[Path, Path, Detected], tmp_path: Path) -> None:
    """One of two executors is lost in the second micro-batch; the first one's state is where the other can read it."""
    bundle, log, found = shop
    segments = write_log(tmp_path / "wal", log.read_text().splitlines(), size=60_000)
    landing, state = tmp_path / "landing", tmp_path / "state"
    engine = "spark=local-cluster[2,1,700]?partitions=2&spark.executor.memory=700m"
    land(segments[:2], landing / "wal")
    run = start("detect", bundle, "--follow", landing, "--state", state, "--engine", engine, out=tmp_path / "a.json")
    try:
        assert wait_for(lambda: (state / "results" / "00000000" / "facts.json").is_file(), run)
        land(segments[2:], landing / "wal")
        assert wait_for(lambda: (state / "checkpoint" / "offsets" / "1").is_file(), run)
        os.kill(children(run, "CoarseGrainedExecutorBackend")[0], signal.SIGKILL)
        assert not (state / "checkpoint" / "commits" / "1").exists()  # it was in the middle
        assert wait_for(lambda: (state / "checkpoint" / "commits" / "1").is_file(), run), "the stream has ended"
        assert run.poll() is None
    finally:
        with suppress(ProcessLookupError):
            kill(run)  # it would go on for ever
    assert kept(state) == ids(found)
