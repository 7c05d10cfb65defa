"""Whether a wish for N alerts a day is met, and whether drift is reported when there is some and only then.

Trains on two simulated weeks without a fault; then fault-free weeks of other seeds are scored with wishes for
1, 5 and 20 alerts a day: how many are raised, and is there a warning (there should be none). The same weeks then come
from another version of the shop (a message reworded, another one gone), with every duration multiplied, and
from three times the traffic; and the later half of HDFS, where blocks begin to be replicated again: there should
be a warning. ``--tail`` asks what a fitted tail is worth: for validation parts of few sessions drawn from the
weeks' scores, how far the share above the threshold is from the wanted one, counted and fitted. ``--trainticket``
measures the normal run of Train-Ticket alone: it lasts five minutes, so that wishes are for its later half.

    python experiments/budget_and_drift.py [--lines 30000] [--weeks 3] [--members NAMES] [--tail] [--trainticket]
"""

from __future__ import annotations

import argparse
import re
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from logradar.alerting.threshold import ThresholdSettings, fit_threshold
from logradar.core.errors import InputError
from logradar.core.progress import quiet
from logradar.model.bundle import Bundle, input_settings
from logradar.model.settings import SIMPLE, run_settings
from logradar.pipeline.detect import detect, sessions_of
from logradar.pipeline.evaluate import evaluate
from logradar.pipeline.train import train
from logradar.simulation.simulate import simulate
from logradar.sources.opening.files import find_dataset
from logradar.storage.records import collect, opening

WISHES = (1, 5, 20)
MEMBERS = {"default": None, "values": (*SIMPLE, "values")}


def another_version(line: str) -> str | None:
    """The same shop, reworded."""
    if "queued receipt mail" in line:
        return None
    return line.replace("accepted token of user", "token is valid for user")


def slower(line: str) -> str:
    """The same shop on a machine half as fast."""
    return re.sub(r"\b(\d+) ms\b", lambda found: f"{2 * int(found[1])} ms", line)


def changed(folder: Path, home: Path, how: Callable[[str], str | None]) -> Path:
    """A copy of simulated logs with every line changed."""
    shutil.copytree(folder, home, ignore=shutil.ignore_patterns("origins.parquet"))
    for path in home.glob("*.log"):
        lines = (how(line) for line in path.read_text().splitlines(keepends=True))
        path.write_text("".join(line for line in lines if line is not None))
    return home


def told(name: str, bundle: Path, logs: Path, wish: float | None = None) -> None:
    """One line of what came, and the warnings."""
    found = detect(bundle, str(logs), alerts_per_day=wish)
    facts = found.figures["drift"]
    days = found.figures["sessions"] / facts["rates"][0] if facts["rates"] else 7.0
    asked = f"asked for {wish:g} a day, " if wish else ""
    share = f"{facts['alerts'][0]:.3%} of sessions"
    print(
        f"{name}: {asked}{found.alerts.num_rows / days:.1f} a day came ({share}), index {facts['index']:.2f}, "
        f"{'no warning' if facts['trusted'] else 'WARNING'}",
        flush=True,
    )
    for sentence in facts["warnings"] + found.figures["notes"]:
        print(f"    {sentence}")


def tail(bundle: Path, weeks: list[Path]) -> None:
    """How far the share of sessions above a threshold is from the wanted one."""
    fitted = Bundle.load(bundle)
    scores = []
    for week in weeks:
        with opening(str(week), input_settings(fitted, None)) as (opened, home):
            pieces = sessions_of(collect(opened, home), fitted, home, "parameters" in fitted.main.inputs)
            scores += [fitted.main.score(sessions)["score"].to_numpy() for sessions in pieces]
    every, draw = np.concatenate(scores), np.random.default_rng(0)
    for size in (500, 2000, 5000):
        for wanted in (0.3, 1.0, 3.0):
            ratios: dict[str, list[float]] = {"counted": [], "fitted": []}
            for _ in range(200):
                sample, share = draw.choice(every, size, replace=False), wanted / size
                counted = float(np.quantile(sample, 1 - share, method="inverted_cdf"))
                fit = fit_threshold(sample, ThresholdSettings(alerts_per_day=wanted), size).value
                ratios["counted"].append(float((every > counted).mean()) / share)
                ratios["fitted"].append(float((every > fit).mean()) / share)
            said = [
                f"{name}: median {np.median(r):.2f}, 90 % within {np.quantile(r, 0.05):.2f}-"
                f"{np.quantile(r, 0.95):.2f}, {np.mean([0.4 <= one <= 2 for one in r]):.0%} between 0.4 and 2"
                for name, r in ratios.items()
            ]
            print(f"{size} validation sessions, {wanted:g} of them wanted above: " + "; ".join(said), flush=True)


def trainticket(members: tuple[str, ...] | None, home: Path) -> None:
    """The earlier half of the normal run trains; how many of the later half come, where so many are wanted."""
    dataset = find_dataset("trainticket_deeptralog")
    if dataset is None:
        print("Train-Ticket is not here (LOGRADAR_DATA).")
        return
    run = next(str(file) for file in dataset.files if "normal" in file.name)
    given = {"input.source": "trainticket_deeptralog", "split.test": 0.5, "split.hold_anomalies": True}
    train(run, home, run_settings(None, [], given | ({"detectors.ensemble.members": members} if members else {})))
    fitted = Bundle.load(home)
    scores = evaluate(home, run, given={"input.source": "trainticket_deeptralog"}).scores["score:ensemble"].to_numpy()
    validation, rate = fitted.validation["ensemble"], fitted.facts["sessions_per_day"]
    for wish in (5, 20, 50):
        settings = ThresholdSettings(alerts_per_day=wish / len(scores) * rate)
        limit = fit_threshold(validation, settings, rate).value
        print(f"Train-Ticket: {wish} of {len(scores):,} asked for, {int((scores > limit).sum())} came", flush=True)


def main() -> int:
    """Print everything."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", type=int, default=30_000)
    parser.add_argument("--weeks", type=int, default=3)
    parser.add_argument("--members", default="default,values")
    parser.add_argument("--tail", action="store_true")
    parser.add_argument("--trainticket", action="store_true")
    options = parser.parse_args()
    quiet(True)
    if options.trainticket:
        for name in options.members.split(","):
            print(f"== ensemble of {name} members")
            with tempfile.TemporaryDirectory() as folder:
                trainticket(MEMBERS[name], Path(folder) / "bundle")
        return 0
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        simulate(home / "past", days=14, faults="none", seed=1, lines_per_day=options.lines)
        common = {"days": 7, "faults": "none", "start": "2026-03-16"}
        weeks = [home / f"week-{seed}" for seed in range(2, 2 + options.weeks)]
        for seed, week in enumerate(weeks, 2):
            simulate(week, seed=seed, lines_per_day=options.lines, **common)
        simulate(home / "crowded", seed=2, lines_per_day=3 * options.lines, **common)
        shifted = {
            "another version": changed(weeks[0], home / "version", another_version),
            "durations doubled": changed(weeks[0], home / "slow", slower),
            "three times the traffic": home / "crowded",
        }
        for name in options.members.split(","):
            print(f"== ensemble of {name} members")
            given = {"detectors.ensemble.members": MEMBERS[name]} if MEMBERS[name] else {}
            bundle = home / f"bundle-{name}"
            train(str(home / "past"), bundle, run_settings(None, [], given))
            for week in weeks:
                for wish in WISHES:
                    told(week.name, bundle, week, wish)
            for kind, logs in shifted.items():
                told(kind, bundle, logs)
            if options.tail:
                tail(bundle, weeks)
        try:
            train("hdfs", home / "hdfs", run_settings(None, [], {}))
        except InputError:
            print("HDFS is not here (LOGRADAR_DATA).")
            return 0
        facts = evaluate(home / "hdfs", "hdfs").document["drift"]
        print("== HDFS, later half: " + ("no warning" if facts["trusted"] else "WARNING"))
        for sentence in facts["warnings"]:
            print(f"    {sentence}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
