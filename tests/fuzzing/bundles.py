"""Fresh bundles of every detector, small enough to be mutated thousands of times, and an outage that all see."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Final

SIMPLE: Final = ("count_vector", "density", "length", "new_template", "ngram", "values", "ensemble")
NETWORKS: Final = ("deeplog", "logbert", "loglstm", "logtcn")
DETECTORS: Final = SIMPLE + NETWORKS
JOBS: Final = 400
_QUICK: Final = {
    "deeplog": ("hidden=8", "embedding=4", "layers=1"),
    "logbert": ("hidden=8", "layers=1", "heads=1", "intermediate=8"),
    "loglstm": ("hidden=8", "embedding=4"),
    "logtcn": ("channels=8", "embedding=4", "layers=2"),
}


def write_log(path: Path, jobs: int, seed: int, outage: int = 0, day: int = 1) -> Path:
    """``jobs`` jobs of two kinds in two services; the last ``outage`` of them fail in every way at once."""
    rng = random.Random(seed)
    lines = []
    for number in range(jobs):
        job, service = f"{rng.getrandbits(64):016x}", ("mill", "press")[number % 2]
        steps = ["accepted from queue high", f"loaded {rng.randint(1, 99)} rows"]
        steps += [f"cache answered after {rng.randint(1, 9)} ms"] * (number % 3 == 0)
        steps += [f"retried in {rng.randint(1, 5)} s"] * (int(rng.expovariate(0.8)) if service == "press" else 0)
        steps += rng.choice(
            [["wrote result to disk"], ["wrote result to disk", "sent mail"], ["sent mail", "logged out"]]
        )
        steps.append("finished")
        late = 0
        if number >= jobs - outage:
            late, steps = 60, ["accepted from queue high", "loaded 987654321 rows"]
            steps += ["wrote result to disk"] * 30 + [f"disk quota exceeded on volume {rng.randint(1, 9)}"] * 5
        at = number * 20
        for step in steps:
            at += rng.randint(1, 3) + late
            level = "ERROR" if "quota" in step else "INFO"
            stamp = f"2026-03-{day + at // 86400:02} {at // 3600 % 24:02}:{at // 60 % 60:02}:{at % 60:02}"
            lines.append(f"{stamp},{rng.randint(0, 999):03} {level} {service}.jobs [job={job}] {step}")
    path.write_text("\n".join(sorted(lines, key=lambda line: line[:23])) + "\n")
    return path


def train(home: Path, detector: str) -> Path:
    """A bundle of ``detector`` in ``home``, learnt from ``home/normal.log``."""
    from logradar.model.settings import run_settings
    from logradar.pipeline.train import train as run

    bundle = home / detector
    run(str(home / "normal.log"), bundle, run_settings(None, settings(detector)))
    return bundle


def settings(detector: str) -> list[str]:
    """Settings as on a command line."""
    chosen = [f"detector={detector}", "beside=[]"]
    if detector in NETWORKS:
        chosen += [f"detectors.{detector}.{one}" for one in _QUICK[detector]]
        chosen += [f"detectors.{detector}.updates=0", f"detectors.{detector}.training.epochs=3"]
    return chosen
