"""Demo: train, evaluate and report on real HDFS logs where they are available, else on simulated services."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from logradar.core.errors import InputError
from logradar.core.progress import say
from logradar.model.settings import SIMPLE, run_settings
from logradar.pipeline.evaluate import evaluate
from logradar.pipeline.train import train
from logradar.reporting.evaluation_page import write_report
from logradar.simulation.simulate import simulate
from logradar.sources.opening.files import find_dataset
from logradar.training.device import missing

SEED = 7


@dataclass
class Demo:
    """The result of a demo: the evaluation document, the first alerts, and the paths of bundle and report."""

    document: dict[str, Any]
    alerts: dict[str, Any]
    bundle: Path
    report: Path
    seconds: float


def demo(folder: Path, *, data_dir: Path | None = None, simulated: bool = False, quick: bool = False) -> Demo:
    """Train on earlier logs, measure on later ones, write the report into ``folder``.

    On HDFS, the 2 % sample: train on its earlier half, measure on its later half. Otherwise train on a simulated day
    without faults and measure on a later day with faults. ``quick`` leaves the neural detectors out, and so does an
    installation without the extra ``deep``.
    """
    began = time.monotonic()
    detectors = (*SIMPLE, "values")
    absent = [] if quick else missing()
    if absent:
        say(f"Without a neural detector: it needs {', '.join(absent)} (pip install 'logradar[deep]').")
    given: dict[str, Any] = {"seed": SEED, "beside": detectors if quick or absent else (*detectors, "deeplog")}
    given |= {"input.data_dir": data_dir} if data_dir else {}
    if not simulated and _have_hdfs(data_dir):
        past, future = "hdfs", "hdfs"
    else:
        past, future = _simulate(folder / "logs")
        given["detectors.ensemble.members"] = detectors  # two of the faults do not change any sequence
    bundle = folder / "bundle"
    say(f"Learning what is normal in {past} …")
    train(past, bundle, run_settings(None, [], given))
    say("Measuring on later logs …")
    evaluated = evaluate(bundle, future, given={path: v for path, v in given.items() if path.startswith("input.")})
    evaluated.write(folder / "report")
    report = write_report(folder / "report")
    return Demo(evaluated.document, evaluated.detected.to_json(), bundle, report, time.monotonic() - began)


def _have_hdfs(data_dir: Path | None) -> bool:
    try:
        return find_dataset("hdfs", data_dir) is not None
    except InputError:
        return False


def _simulate(folder: Path) -> tuple[str, str]:
    say("There are no HDFS logs in LOGRADAR_DATA, so a small shop of microservices is simulated.")
    normal, faulty = folder / "normal", folder / "faulty"
    simulate(normal, days=1, faults="none", seed=SEED, start="2026-03-02")
    simulate(faulty, days=1, faults="all", seed=SEED + 1, start="2026-03-03")
    return str(normal), str(faulty)
