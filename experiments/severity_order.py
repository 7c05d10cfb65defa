"""Severity on simulated days: is the confidence right, is the order that of the injected impact, how much is critical.

    python experiments/severity_order.py [--seeds 521 522 523] [--lines 100000] [--home DIR]

For each seed a shop trains on four fault-free days; then come three days with all faults and a fault-free week. The
weights of the formula and the map of the confidence were chosen on seeds 401 to 403, and on no other.

* Calibration error (ECE): alerts of the days with faults and of the week in ten bins of equal width by confidence;
  the mean distance of the mean confidence of a bin from its share of alerts on really anomalous sessions, weighted by
  alerts.
* Impact of a session, by the labels and by what its log says: 3, its work is not done (its fault is `disk_full`,
  `silent_drop` or `missing_step`, or the gateway answered with a status of 400 or more); 2, it is done, but late,
  with retries or with a wrong value (`slow_dependency`, `retry_storm`, `pool_exhausted`, `auth_failures`,
  `wrong_value`, `wrong_delay`); 1, any other fault; 0, no fault.
* NDCG@10 of a day: the gain of an alert is 2 to the power of the impact, minus 1; its place counts as in Järvelin
  and Kekäläinen (2002); the ideal order is that of the same alerts by impact. Mean of the days. "Of all alerts" is
  the same down to the last alert of the day.
* Evidence: the share of alerts of sessions with a line of level WARN or worse whose evidence has such a line.
"""

from __future__ import annotations

import argparse
import csv
import re
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from logradar.alerting.severity import SeveritySettings
from logradar.core.progress import quiet as silence
from logradar.core.tables import WARN
from logradar.model.bundle import Bundle
from logradar.model.settings import run_settings
from logradar.pipeline.detect import detect
from logradar.pipeline.train import train
from logradar.simulation.simulate import simulate

DAYS = 3
NOT_DONE = {"disk_full", "silent_drop", "missing_step"}
WORSE = {"slow_dependency", "retry_storm", "pool_exhausted", "auth_failures", "wrong_value", "wrong_delay"}
STATUS = re.compile(r"\[trace=(\S+)\] responded with status (\d+)")
Alert = dict[str, Any]


def impacts(folder: Path) -> dict[str, int]:
    """The impact of each session of simulated logs, by its key."""
    with (folder / "gateway.log").open() as file:
        refused = {found[1] for line in file if (found := STATUS.search(line)) and int(found[2]) >= 400}
    found = {}
    with (folder / "labels.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            fault, key = row["fault"], row["session_key"]
            if not fault:
                found[key] = 0
            elif fault in NOT_DONE or key in refused:
                found[key] = 3
            else:
                found[key] = 2 if fault in WORSE else 1
    return found


def alerts_of(bundle: Path, folder: Path) -> list[Alert]:
    """Alerts with the ``impact`` of their session, and beside their severity that of RADAR's formula."""
    truth = impacts(folder)
    found = detect(bundle, str(folder)).to_json()["alerts"]
    other = {a["alert_id"]: a for a in detect(bundle.with_name("radar"), str(folder)).to_json()["alerts"]}
    return [alert | {"impact": truth[alert["session_id"]], "radar": other[alert["alert_id"]]} for alert in found]


def ndcg(alerts: list[Alert], order: Callable[[Alert], Any], most: int = 10) -> float:
    """NDCG of the first ``most`` alerts, ordered by ``order``, highest first."""
    places = 1 / np.log2(np.arange(2, most + 2))
    gains = [2.0 ** alert["impact"] - 1 for alert in sorted(alerts, key=order, reverse=True)]
    best = sorted(gains, reverse=True)[:most]
    return float(np.dot(gains[:most], places[: len(gains[:most])]) / np.dot(best, places[: len(best)]))


def calibration_error(alerts: list[Alert], part: Callable[[Alert], float]) -> float:
    """ECE of ``part`` of the alerts, in ten bins."""
    sure = np.array([part(alert) for alert in alerts])
    right = np.array([alert["impact"] > 0 for alert in alerts])
    bins = np.minimum((sure * 10).astype(int), 9)
    return float(
        sum(abs(sure[bins == one].mean() - right[bins == one].mean()) * (bins == one).mean() for one in np.unique(bins))
    )


def prepared(home: Path, seed: int, lines: int) -> tuple[list[list[Alert]], list[Alert]]:
    """The alerts of the days with faults, and of the fault-free week."""
    if not (home / "bundle").exists():
        simulate(home / "normal", days=4, lines_per_day=lines, faults="none", seed=10 * seed)
        train(str(home / "normal"), home / "bundle", run_settings(given={"beside": ()}))
        bundle = Bundle.load(home / "bundle")
        bundle.settings = bundle.settings.model_copy(update={"severity": SeveritySettings(profile="radar")})
        bundle.save(home / "radar")
        for day in range(DAYS):
            simulate(home / f"day-{day}", lines_per_day=lines, seed=10 * seed + 1 + day, start=f"2026-03-{9 + day:02}")
        simulate(home / "quiet", days=7, lines_per_day=lines, faults="none", seed=10 * seed + 9, start="2026-03-16")
    days = [alerts_of(home / "bundle", home / f"day-{day}") for day in range(DAYS)]
    return days, alerts_of(home / "bundle", home / "quiet")


def told(name: str, days: list[list[Alert]], quiet: list[Alert], order: Callable[[Alert], Any], radar: bool) -> None:
    """A row of the table."""
    every = [alert for day in days for alert in day] + quiet
    part = (
        (lambda a: a["radar"]["severity_parts"]["anomaly"]) if radar else (lambda a: a["severity_parts"]["confidence"])
    )
    whole = np.mean([ndcg(day, order, len(day)) for day in days])
    bands = [(alert["radar"] if radar else alert)["severity"] for alert in quiet]
    of_days = [(alert["radar"] if radar else alert)["severity"] for day in days for alert in day]
    shares = " ".join(
        f"{band} {np.mean([one == band for one in of_days]):.2f}" for band in ("critical", "high", "medium", "low")
    )
    print(
        f"{name}: {len(every)} alerts, right {np.mean([a['impact'] > 0 for a in every]):.3f}, "
        f"ECE {calibration_error(every, part):.3f}, NDCG@10 {np.mean([ndcg(day, order) for day in days]):.3f} "
        f"(lowest {min(ndcg(day, order) for day in days):.3f}), of all alerts {whole:.3f}, week: {len(quiet)} alerts, "
        f"critical {np.mean([b == 'critical' for b in bands] or [0]):.3f}; days: {shares}",
        flush=True,
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[521, 522, 523])
    parser.add_argument("--lines", type=int, default=100_000, help="a day")
    parser.add_argument("--home", type=Path, help="folder for what is simulated; it is kept")
    given = parser.parse_args()
    silence()
    with tempfile.TemporaryDirectory() as scratch:
        days: list[list[Alert]] = []
        quiet: list[Alert] = []
        for seed in given.seeds:
            home = (given.home or Path(scratch)) / str(seed)
            home.mkdir(parents=True, exist_ok=True)
            some, calm = prepared(home, seed, given.lines)
            days += some
            quiet += calm
            rows(f"seed {seed}, ", some, calm)
        rows("all, ", days, quiet)
        evidence([alert for day in days for alert in day] + quiet)


def evidence(alerts: list[Alert]) -> None:
    """How many alerts show a line of level WARN or worse, of those whose session has one."""
    warned = [alert for alert in alerts if (alert["max_level"] or 0) >= WARN]
    showing = sum(any((one["level"] or 0) >= WARN for one in alert["evidence"]) for alert in warned)
    print(f"evidence: {showing} of {len(warned)} alerts whose session has a line at WARN or worse show one")


def rows(name: str, days: list[list[Alert]], quiet: list[Alert]) -> None:
    """The formula of LogRadar, that of RADAR, and the score alone."""
    told(f"{name}logradar", days, quiet, lambda a: (a["severity_score"], a["score"]), False)
    told(f"{name}radar", days, quiet, lambda a: (a["radar"]["severity_score"], a["score"]), True)
    told(f"{name}score", days, quiet, lambda a: a["score"], False)


if __name__ == "__main__":
    main()
