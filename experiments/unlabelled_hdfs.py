"""Real HDFS logs without labels: training with and without `split.trim`, then feedback on a few alerts.

The earlier half of the 2 % sample holds 171 anomalies among 4,312 sessions (4 %) without labels. It trains; the
later half is measured with the labels. Then a person looks at the list of alerts: the first false alarm is
called a false alarm, the list is made again, and so on (as in `feedback_hdfs.py`).

    python experiments/unlabelled_hdfs.py [--trim 0,0.02,0.03,0.04,0.05] [--most 10]
"""

from __future__ import annotations

import argparse
import json
import lzma
import os
import shutil
import tempfile
from pathlib import Path

from logradar.core.progress import quiet
from logradar.model.settings import run_settings
from logradar.pipeline.evaluate import evaluate
from logradar.pipeline.feedback import Verdicts, give_feedback
from logradar.pipeline.train import train

ROOT = Path(__file__).resolve().parents[1]


def measured(log: Path, labels: Path, trim: str, most: int, home: Path) -> None:
    """Print F1 with no feedback, then after each."""
    bundle, run = home / f"bundle-{trim}", home / "run"
    trained = train(str(log), bundle, run_settings(overrides=["split.test=0.5", f"split.trim={trim}", "beside=[]"]))
    print(f"trim {trim}: {trained.figures['split']['trimmed']} left out", flush=True)
    for given in range(most + 1):
        result = evaluate(bundle, str(log), given={"input.labels": labels})
        result.write(run)
        truth = dict(zip(*(result.scores[name].to_pylist() for name in ("session_id", "label")), strict=True))
        found = result.document["with_feedback"] or result.document
        told = " ".join(f"{name} {found[name] or 0:.3f}" for name in ("f1", "precision", "recall"))
        lost = found.get("silenced_anomalies", 0)
        print(f"  feedback on {given}: {told}, {found['fp']} false alarms, {lost} anomalies silenced", flush=True)
        alerts = json.loads((run / "alerts.json").read_text())["alerts"]
        wrong = next((alert["alert_id"] for alert in alerts if not truth[alert["session_id"]]), None)
        if wrong is None:
            return
        give_feedback(bundle, run / "alerts.json", Verdicts(false_alarms=(wrong,)))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--trim", default="0,0.02,0.03,0.04,0.05")
    parser.add_argument("--most", type=int, default=10)
    parser.add_argument("--data-dir", type=Path, default=os.environ.get("LOGRADAR_DATA") or ROOT / "../shared/data")
    given = parser.parse_args()
    quiet()
    with tempfile.TemporaryDirectory() as folder:
        home, data = Path(folder), Path(given.data_dir) / "hdfs"
        with lzma.open(data / "HDFS_2pct.log.xz") as packed, (home / "hdfs.log").open("wb") as plain:
            shutil.copyfileobj(packed, plain)
        for trim in given.trim.split(","):
            measured(home / "hdfs.log", data / "HDFS_2pct_labels.csv.gz", trim, given.most, home)


if __name__ == "__main__":
    main()
