"""A small log with sessions by request id, and labels: what a federation learns from in tests."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

MOMENT = [
    "detectors.causal_lm.hidden=16",
    "detectors.causal_lm.layers=1",
    "detectors.causal_lm.heads=2",
    "detectors.causal_lm.intermediate=32",
    "detectors.causal_lm.training.epoch_steps=20",
    "federation.clients=6",
    "federation.fraction=0.5",
    "federation.rounds=3",
    "federation.steps=3",
    "federation.base_epochs=2",
    "federation.base_share=0.2",
    "split.test=0.3",
]


def write(folder: Path, sessions: int = 240) -> tuple[Path, Path]:
    """The log and its labels (CSV): every 20th session of the later part is anomalous."""
    rng, lines, labels = random.Random(3), [], ["key,label"]
    clock = datetime(2026, 1, 5, tzinfo=UTC)
    for number in range(sessions):
        key = f"req-{number:05d}"
        steps = [f"request received for cart {rng.randrange(99)}", "loading cart of user", "cart loaded"]
        steps += ["price computed"] * rng.choice([1, 1, 2]) + ["payment accepted", "request answered with status 200"]
        faulty = number > 0.7 * sessions and number % 10 == 0
        if faulty:
            steps = [steps[0], "cart loaded", "kernel panic: out of memory", steps[1]]
        labels.append(f"{key},{'Anomaly' if faulty else 'Normal'}")
        for step in steps:
            clock += timedelta(seconds=rng.choice([1, 2]))
            lines.append(f"{clock:%Y-%m-%d %H:%M:%S},000 INFO shop.cart: [{key}] {step}")
    log, table = folder / "shop.log", folder / "labels.csv"
    log.write_text("\n".join(lines) + "\n")
    table.write_text("\n".join(labels) + "\n")
    return log, table
