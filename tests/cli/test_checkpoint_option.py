"""`--checkpoint` of `evaluate`, `detect` and `export`, and `evaluate` without labels, as a user types them."""

from __future__ import annotations

import shutil

import pytest
from tests.cli.shop import write_log

DEEP = "detectors.deeplog.training"
SETTINGS = {"epochs": 2, "epoch_steps": 6, "checkpoint_steps": 4, "keep": 9, "keep_checkpoints": "true"}


@pytest.fixture
def trained(logradar, tmp_path):
    write_log(tmp_path / "app.log", 120, seed=1)
    write_log(tmp_path / "new.log", 40, seed=2, broken=(20,), day=2)
    few = [f"{DEEP}.{name}={value}" for name, value in SETTINGS.items()]
    few.append("detectors.deeplog.updates=0")
    done = logradar("train", tmp_path / "app.log", "-o", tmp_path / "b", "--detector", "deeplog", "beside=[]", *few)
    assert done.code == 0, done.err
    return tmp_path / "b"


@pytest.mark.slow
def test_a_checkpoint_is_given_by_its_path(logradar, trained, tmp_path):
    place = tmp_path / "b.training" / "deeplog" / "checkpoints"
    step = place / "checkpoint-4"
    done = logradar("evaluate", trained, tmp_path / "new.log", "--checkpoint", step, "-o", tmp_path / "run", "--json")
    assert done.code == 0, done.err
    assert "has no labels: predictions and scores are measured" in done.err
    assert done.json["checkpoint"] == {"detector": "deeplog", "name": "checkpoint-4", "step": 4}
    assert done.json["next_events"]["deeplog"]["choices"] == 5
    assert "40 sessions without labels; 1 of them raised an alarm." in (tmp_path / "run" / "report.html").read_text()

    shown = logradar("evaluate", trained, tmp_path / "new.log", "--checkpoint", place / "best")
    assert "40 sessions without labels" in shown.out
    assert "all of them are in the top 5, 10 and 20" in shown.out
    assert "those of the bundle, and so is the threshold" in shown.err

    found = logradar("detect", trained, tmp_path / "new.log", "--checkpoint", step, "--json")
    assert found.json["threshold"] == done.json["threshold"]
    assert found.json["checkpoint"]["step"] == 4

    assert logradar("export", trained, "-o", tmp_path / "x.pt", "--checkpoint", step, "--json").json["global_step"] == 4
    moved = shutil.copytree(step, tmp_path / "moved")
    again = logradar("detect", trained, tmp_path / "new.log", "--checkpoint", moved, "--json")
    assert again.json["alerts"] == found.json["alerts"]
    assert again.json["threshold"] == found.json["threshold"]

    wrong = logradar("detect", trained, tmp_path / "new.log", "--checkpoint", place / "checkpoint-5")
    assert wrong.code == 2
    assert "There is '" in wrong.err
