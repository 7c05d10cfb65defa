"""Python's search for garbage: late for the first time, then sooner, and never among what stays."""

import subprocess
import sys

SCRIPT = """
import contextlib, gc, sys
from logradar.cli import main
sys.argv = ["logradar", "--version"]
for _ in range(2):
    with contextlib.suppress(SystemExit):
        main()
print(gc.get_threshold()[0], gc.get_freeze_count())
kept = [[] for _ in range(500_000)]
print(gc.get_threshold()[0], gc.get_freeze_count())
for number in range(1_000_000):
    ring = []
    ring.append(ring)
print(gc.get_count()[0])
"""


def test_the_first_search_is_late_and_the_others_are_not() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)
    *_, before, after, left = done.stdout.splitlines()
    assert before == "400000 0"
    threshold, frozen = map(int, after.split())
    assert threshold == 50_000 and frozen > 400_000
    assert int(left) <= 50_000, "garbage is not searched for any more"
