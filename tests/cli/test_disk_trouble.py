"""What the operating system refuses is one sentence, with exit code 2."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from tests.cli.shop import write_job

LOGRADAR = Path(sys.executable).with_name("logradar")


def run(command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)


def test_a_full_disk_and_a_file_in_the_place_of_a_folder(tmp_path):
    (tmp_path / "app.log").write_text("INFO hello 1\n" * 30)
    (tmp_path / "f").write_text("x")
    full = run(f"{LOGRADAR} validate {tmp_path / 'app.log'} --quiet > /dev/full")
    assert (full.returncode, full.stderr.count("\n")) == (2, 1)
    assert "No space left on device. Free some space" in full.stderr
    taken = run(f"{LOGRADAR} prepare {tmp_path / 'app.log'} --quiet -o {tmp_path / 'f'}")
    assert taken.returncode == 2
    assert "Traceback" not in taken.stderr
    assert "f'" in taken.stderr


@pytest.mark.slow
def test_a_disk_that_fills_leaves_no_half_folder(tmp_path):
    """A limit on the size of files stands for the full disk: both end in an error of `write`."""
    write_job(tmp_path)
    more = (tmp_path / "app.log").read_text().splitlines()
    (tmp_path / "big.log").write_text("".join(f"{line} {number * 7919}\n" for number, line in enumerate(more * 60)))
    train = f"{LOGRADAR} train {tmp_path / 'app.log'} -o {tmp_path / 'b'} -q detector=new_template beside=[length]"
    assert run(train).returncode == 0
    before = sorted(path.name for path in tmp_path.iterdir())
    out = tmp_path / "out"
    for command in (
        f"evaluate {tmp_path / 'b'} {tmp_path / 'new.log'} --labels {tmp_path / 'labels.csv'} -o {out} -q",
        f"prepare {tmp_path / 'big.log'} -o {out} -q",
        f"prepare {tmp_path / 'big.log'} -o {out} -q --format radar-json",
        f"simulate -o {out} --days 0.1",
        f"simulate -o {out} --format radar-json --days 0.1",
        f"compare {tmp_path / 'b'} {tmp_path / 'new.log'} -o {out} -q",
    ):
        done = run(f"ulimit -f 8; {LOGRADAR} {command}")
        assert done.returncode == 2, (command, done.stdout, done.stderr)
        assert "Traceback" not in done.stderr
        assert "File too large" in done.stderr, command
        assert sorted(path.name for path in tmp_path.iterdir()) == before, command


@pytest.mark.parametrize("kilobytes", [300_000, 1_000_000, 2_500_000])
def test_a_limit_of_address_space_is_a_sentence(tmp_path, kilobytes):
    write_job(tmp_path)
    limited = run(f"ulimit -v {kilobytes}; {LOGRADAR} train {tmp_path / 'app.log'} -o {tmp_path / 'b'}")
    assert (limited.returncode, limited.stderr.count("\n")) == (2, 1), limited.stderr
    assert "ulimit -v" in limited.stderr
    assert run(f"ulimit -v {kilobytes}; {LOGRADAR} --help").returncode == 0
