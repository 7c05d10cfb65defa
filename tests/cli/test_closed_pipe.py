"""`logradar … | head` ends quietly, however the output is written."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from tests.cli.shop import write_job

RUN = [sys.executable, "-c", "from logradar.cli import main; main()"]


def closed(*words: object) -> tuple[int, str]:
    """The exit code, and what is said, if nobody reads the output."""
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run([*RUN, *map(str, words)], stdout=writing, stderr=subprocess.PIPE, text=True, check=False)
    finally:
        os.close(writing)
    return done.returncode, done.stderr


@pytest.mark.parametrize("words", [["sources"], ["--version"], ["--help"], ["detectors"]])
def test_nobody_reads(words):
    assert closed(*words) == (0, "")


def test_nobody_reads_the_alerts(logradar, tmp_path):
    home = write_job(tmp_path)
    assert logradar("train", home / "app.log", "-o", home / "b", "detector=new_template", "beside=[]").code == 0
    for more in ((), ("--json",)):
        code, said = closed("detect", home / "b", home / "new.log", *more, "--quiet")
        assert (code, "Traceback" in said, "Broken" in said) == (0, False, False)
