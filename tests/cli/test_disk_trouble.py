"""What the operating system refuses is one sentence, with exit code 2."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

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
