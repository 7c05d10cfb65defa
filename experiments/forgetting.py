"""What a continued training forgets, and what it learns: F1 on old and new logs, before and after.

A simulated shop in its old version trains a bundle (a week). Then there is a new version (a message reworded, another
one gone). Measured on a faulty day of either version: the first bundle, the bundle trained further with a fault-free
week of the new version (`logradar train --from`), the same without replay of the kept sample, and one trained
from scratch on that week alone.

    python experiments/forgetting.py [--detectors ensemble,loglstm] [--lines 20000] [--epochs 5] [--json]
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from budget_and_drift import another_version, changed
from logradar.core.progress import quiet
from logradar.model.bundle import Bundle
from logradar.model.replay_buffer import ReplayBuffer
from logradar.model.settings import run_settings
from logradar.pipeline.continue_training import continue_training
from logradar.pipeline.evaluate import evaluate
from logradar.pipeline.train import train
from logradar.simulation.simulate import simulate


def measured(name: str, bundle: Path, days: dict[str, Path]) -> dict[str, Any]:
    """F1 on each day."""
    found: dict[str, Any] = {"what": name}
    for version, day in days.items():
        result = evaluate(bundle, str(day)).document
        found[version] = {key: result[key] for key in ("f1", "precision", "recall", "false_alarms_per_day")}
    return found


def without_replay(bundle: Path, home: Path) -> Path:
    """The same bundle, that keeps next to nothing to replay."""
    fitted = Bundle.load(bundle)
    assert fitted.memory is not None
    fitted.memory = ReplayBuffer.of([fitted.memory.rows.take(np.arange(1))], 1)
    fitted.settings = fitted.settings.model_copy(update={"replay": 1})
    fitted.save(home)
    return home


def main() -> int:
    """Print a table, or JSON lines."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--detectors", default="ensemble,loglstm")
    parser.add_argument("--lines", type=int, default=20_000)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    quiet(True)
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        shop = {"lines_per_day": options.lines}
        simulate(home / "old", days=7, faults="none", seed=1, **shop)
        simulate(home / "later", days=7, faults="none", seed=2, start="2026-03-16", **shop)
        simulate(home / "old-faults", days=1, faults="all", seed=3, start="2026-03-24", **shop)
        simulate(home / "later-faults", days=1, faults="all", seed=4, start="2026-03-25", **shop)
        new = changed(home / "later", home / "new", another_version)
        days = {
            "old": home / "old-faults",
            "new": changed(home / "later-faults", home / "new-faults", another_version),
        }
        for name in options.detectors.split(","):
            given: dict[str, Any] = {"seed": options.seed, "detector": name, "beside": ()}
            if name != "ensemble":
                given[f"detectors.{name}.training.epochs"] = options.epochs
            same = {key: value for key, value in given.items() if key.startswith("detectors")}
            settings, going_on = run_settings(None, [], given), run_settings(None, [], same)
            bundle, further, bare, anew = (home / f"{name}-{kind}" for kind in ("bundle", "on", "bare", "anew"))
            train(str(home / "old"), bundle, settings)
            continue_training(bundle, str(new), further, going_on)
            continue_training(without_replay(bundle, home / f"{name}-forgetful"), str(new), bare, going_on)
            train(str(new), anew, settings)
            rows = [
                measured("before", bundle, days),
                measured("gone on", further, days),
                measured("gone on without replay", bare, days),
                measured("anew on the new version", anew, days),
            ]
            for row in rows:
                if options.json:
                    print(json.dumps({"detector": name, "seed": options.seed, **row}), flush=True)
                    continue
                said = [
                    f"{version} version F1 {row[version]['f1']:.3f} (P {row[version]['precision'] or 0:.3f}, R "
                    f"{row[version]['recall']:.3f}, {row[version]['false_alarms_per_day']:.0f} false a day)"
                    for version in days
                ]
                print(f"{name}, {row['what']}: {'; '.join(said)}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
