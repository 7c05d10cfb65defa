"""A small log that nobody prepared for: workers that handle jobs, one job at a time or several."""

from __future__ import annotations

import random
from pathlib import Path


def write_log(path: Path, jobs: int, seed: int, broken: tuple[int, ...] = (), day: int = 1) -> Path:
    """``jobs`` jobs with ids; the ``broken`` ones skip a step and say something new."""
    rng = random.Random(seed)
    lines = []
    for number in range(jobs):
        job = f"{rng.getrandbits(64):016x}"
        steps = ["accepted from queue high", f"loaded {rng.randint(1, 99)} rows", "wrote result to disk", "finished"]
        if number in broken:
            steps = [steps[0], f"disk quota exceeded on volume {rng.randint(1, 9)}", "finished"]
        at = number * 20
        for step in steps:
            at += rng.randint(1, 3)
            level = "ERROR" if "quota" in step else "INFO"
            stamp = f"2026-03-{day:02} {at // 3600 % 24:02}:{at // 60 % 60:02}:{at % 60:02},{rng.randint(0, 999):03}"
            lines.append(f"{stamp} {level} worker.jobs [job={job}] {step}")
    path.write_text("\n".join(lines) + "\n")
    return path


def write_labels(log: Path, path: Path) -> Path:
    """True labels of `write_log`, as a CSV."""
    keys = {}
    for line in log.read_text().splitlines():
        key = line.partition("[job=")[2][:16]
        keys[key] = keys.get(key, False) or "quota" in line
    rows = [f"{key},{'Anomaly' if odd else 'Normal'}" for key, odd in keys.items()]
    path.write_text("\n".join(["job,Label", *rows]) + "\n")
    return path


def write_job(home: Path, jobs: int = 200, new: int = 60, broken: tuple[int, ...] = (20, 40)) -> Path:
    """A folder with a log to learn from, ``app.log``, a later one with faults, ``new.log``, and its ``labels.csv``."""
    write_log(home / "app.log", jobs, seed=1)
    write_log(home / "new.log", new, seed=2, broken=broken, day=2)
    write_labels(home / "new.log", home / "labels.csv")
    return home
