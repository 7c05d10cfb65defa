"""Simulated services: every fault is found by some detector, and quiet days of other seeds stay quiet."""

from __future__ import annotations

import pytest

from logradar.model.settings import run_settings
from logradar.pipeline.evaluate import evaluate
from logradar.pipeline.train import train
from logradar.simulation.faults import FAULTS
from logradar.simulation.simulate import simulate

LINES = 200_000
pytestmark = pytest.mark.xdist_group("simulated")


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shop")
    simulate(folder / "normal", lines_per_day=LINES, faults="none", seed=11)
    train(str(folder / "normal"), folder / "bundle", run_settings(given={"seed": 7}))
    return folder


def test_every_fault_is_found_by_some_detector(home):
    faults = tuple(name for name in FAULTS if name not in ("wrong_value", "wrong_delay"))  # see test_values_on_disk.py
    simulate(home / "faulty", lines_per_day=LINES, faults=faults, seed=12, start="2026-03-03")
    document = evaluate(home / "bundle", str(home / "faulty")).document
    assert set(document["faults"]) == set(faults)
    for kind, found in document["faults"].items():
        assert max(found["recall"].values()) >= 0.9, kind
    assert document["recall"] >= 0.95
    assert document["precision"] >= 0.9


@pytest.mark.slow
@pytest.mark.parametrize("seed", [13, 14])
def test_quiet_days_of_other_seeds_stay_quiet(home, seed):
    folder = home / f"quiet-{seed}"
    simulate(folder, lines_per_day=LINES, faults="none", seed=seed, start="2026-03-04")
    document = evaluate(home / "bundle", str(folder)).document
    assert document["anomalies"] == 0
    for name, figures in document["detectors"].items():
        assert figures["fpr"] <= 0.01, name
