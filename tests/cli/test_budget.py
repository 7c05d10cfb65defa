"""A wish for few alerts: it is spent on the loudest, also where the training was too short to plan it."""

from __future__ import annotations

import random
from datetime import datetime, timedelta


def write(path, seconds: float, start: str, outage: bool = False):
    """A log of some seconds with five requests a second; in an outage most of them time out."""
    rng, at, lines = random.Random(start), datetime.fromisoformat(start), []
    for number in range(int(5 * seconds)):
        request = f"{rng.getrandbits(64):016x}"
        steps = ["accepted", f"loaded {rng.randint(1, 99)} rows", "answered"]
        if number % 50 == 7:
            steps.insert(1, "retried once")  # so that normal sessions do not all have the same score
        if outage and number % 3:
            steps = ["accepted", "cannot reach database: timed out", "gave up"]
        for step in steps:
            at += timedelta(seconds=1 / 15)
            lines.append(f"{at.isoformat(sep=' ', timespec='milliseconds')} INFO [trace={request}] {step}")
    path.write_text("\n".join(lines) + "\n")
    return path


def test_a_budget_after_seconds_of_training_does_not_silence_an_outage(logradar, tmp_path):
    write(tmp_path / "app.log", 90, "2026-03-01 10:00:00")
    new = write(tmp_path / "new.log", 20, "2026-03-01 11:00:00", outage=True)
    assert logradar("train", tmp_path / "app.log", "-o", tmp_path / "b").code == 0
    usual = logradar("detect", tmp_path / "b", new, "--json").json
    few = logradar("detect", tmp_path / "b", new, "--alerts-per-day", "5", "--json").json
    assert len(usual["alerts"]) > 50
    assert len(few["alerts"]) > 50
    assert "seconds" in few["notes"][0]
    assert logradar("train", tmp_path / "app.log", "-o", tmp_path / "c", "threshold.alerts_per_day=5").code == 0
    planned = logradar("detect", tmp_path / "c", new, "--json").json
    assert len(planned["alerts"]) > 50


def test_a_threshold_below_the_scores_of_normal_sessions_is_said(logradar, tmp_path):
    write(tmp_path / "app.log", 60, "2026-03-01 10:00:00")
    assert logradar("train", tmp_path / "app.log", "-o", tmp_path / "b").code == 0
    found = logradar("detect", tmp_path / "b", tmp_path / "app.log", "--threshold", "-5", "--json").json
    assert "below 0" in found["notes"][0]
