"""What feedback on a few alerts is worth on real HDFS logs: F1 before and after.

Trains on the earlier half of the 2 % sample (normal blocks), measures the later half without feedback. Then a person
looks at the alerts: the first false alarm of the list, highest score first, is called a false alarm (the true
labels decide, and are used for nothing else), the list is made again, and so on, five times at most. Sessions that
were asked about count as correct afterwards; F1 is the same without them.

    python experiments/feedback_hdfs.py [--detector NAME] [--most 5] [--seeds 3] [--json]
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from logradar.core.progress import quiet
from logradar.model.settings import run_settings
from logradar.pipeline.evaluate import evaluate
from logradar.pipeline.feedback import Verdicts, give_feedback
from logradar.pipeline.train import train


def measured(detector: str, most: int, seed: int, home: Path) -> list[dict[str, Any]]:
    """Figures with no feedback, then after each."""
    bundle, run = home / f"bundle-{seed}", home / "run"
    given = {"seed": seed, "detector": detector, "beside": ("count_vector",)}
    train("hdfs", bundle, run_settings(None, [], given))
    rows: list[dict[str, Any]] = []
    asked: list[str] = []
    while True:
        result = evaluate(bundle, "hdfs")
        result.write(run)
        labels = dict(zip(*(result.scores[name].to_pylist() for name in ("session_id", "label")), strict=True))
        figures = result.document["with_feedback"] or {**result.document, "silenced": 0, "silenced_anomalies": 0}
        alerts = json.loads((run / "alerts.json").read_text())["alerts"]
        names = ("f1", "precision", "recall", "tp", "fp", "fn", "silenced", "silenced_anomalies")
        rows.append({"given": len(asked), **{name: figures[name] for name in names}})
        first = next((alert for alert in alerts if not labels[alert["session_id"]]), None)
        if first is None or len(asked) == most:
            return rows
        asked.append(first["session_id"])
        give_feedback(bundle, run / "alerts.json", Verdicts(false_alarms=(first["alert_id"],)))


def main() -> int:
    """Print a table, or JSON lines."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--detector", default="ensemble")
    parser.add_argument("--most", type=int, default=5)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    quiet(True)
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(options.seeds):
            for row in measured(options.detector, options.most, seed, Path(folder)):
                if options.json:
                    print(json.dumps({"seed": seed, "detector": options.detector, **row}))
                else:
                    print(
                        f"seed {seed} · feedback on {row['given']} · F1 {row['f1']:.4f} · P {row['precision']:.3f} "
                        f"R {row['recall']:.3f} · {row['fp']} false, {row['fn']} missed · {row['silenced']} silenced, "
                        f"{row['silenced_anomalies']} of them anomalous",
                        flush=True,
                    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
