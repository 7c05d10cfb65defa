"""The first `logradar train` after an installation, which compiles the kernels, beside a second one that loads them.

2,000 lines: of HDFS when the data is there (`LOGRADAR_DATA`), else made up. Prints seconds of each and which
kernels were compiled. Runs in processes of their own with an empty cache of numba; needs about 15 seconds.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

MEASURED = """
import sys
from numba.core import event
class Listener(event.Listener):
    def on_start(self, what): pass
    def on_end(self, what):
        function = what.data["dispatcher"].py_func
        print("COMPILED", function.__module__, function.__qualname__, file=sys.stderr)
event.register("numba:compile", Listener())
from logradar.cli import main
main()
"""


def lines() -> str:
    """2,000 lines of a log."""
    file = Path(os.environ.get("LOGRADAR_DATA", "../shared/data")) / "loghub_2k" / "HDFS" / "HDFS_2k.log"
    if file.exists():
        return file.read_text()
    return "".join(
        f"2024-01-01 {i // 3600:02}:{i // 60 % 60:02}:{i % 60:02} INFO block blk_{i % 300}: part {i} of {i % 7} kept\n"
        for i in range(2000)
    )


def train(log: Path, bundle: Path, cache: Path) -> tuple[float, list[str]]:
    """Seconds of a training in a process of its own, and the functions that numba compiled."""
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(cache)}
    began = time.perf_counter()
    command = [sys.executable, "-c", MEASURED, "train", str(log), "-o", str(bundle)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    seconds = time.perf_counter() - began
    if done.returncode:
        raise SystemExit(done.stderr)
    return seconds, [line.split(" ", 1)[1] for line in done.stderr.splitlines() if line.startswith("COMPILED")]


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        log, cache = folder / "app.log", folder / "cache"
        log.write_text(lines())
        cold, compiled = train(log, folder / "first", cache)
        warm, again = train(log, folder / "second", cache)
    ours = [kernel for kernel in compiled if kernel.startswith("logradar.")]
    print(f"first train   {cold:5.1f} s, {len(compiled)} functions compiled, {len(ours)} of them of LogRadar")
    print(f"second train  {warm:5.1f} s, {len(again)} functions compiled")


if __name__ == "__main__":
    main()
