"""Ctrl-C is heard, also where a library swallowed the exception, and ends with one sentence."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest
from tests.cli.shop import write_log

from logradar.core.bundle import writing
from logradar.core.interrupts import heed, listen
from logradar.core.progress import Progress


@pytest.fixture
def swallowed():
    """Ctrl-C was pressed inside of something that drops every exception."""
    before = signal.getsignal(signal.SIGINT)
    listen()
    try:
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.1)
    except BaseException:
        pass
    yield
    listen()
    signal.signal(signal.SIGINT, before)


def test_the_next_step_of_a_progress_hears_it(swallowed):
    with pytest.raises(KeyboardInterrupt), Progress("training", 2) as bar:
        bar.advance()


def test_no_bundle_is_written_after_it(swallowed, tmp_path):
    with pytest.raises(KeyboardInterrupt), writing(tmp_path / "b", {}) as draft:
        (draft / "settings.json").write_text("{}")
    assert list(tmp_path.iterdir()) == []


def test_without_it_nothing_happens():
    listen()
    heed()


def test_a_command_ends_with_a_sentence(tmp_path):
    write_log(tmp_path / "app.log", 20_000, seed=1)
    command = [sys.executable, "-c", "from logradar.cli import main; main()", "train", "app.log", "-o", "b"]
    call = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert call.stderr is not None
    call.stderr.readline()  # it has begun to read
    call.send_signal(signal.SIGINT)
    _, err = call.communicate(timeout=120)
    assert call.returncode == 130, err
    assert err.splitlines()[-1] == "logradar: stopped."
    assert sorted(path.name for path in tmp_path.iterdir() if not path.name.endswith(".training")) == ["app.log"]
