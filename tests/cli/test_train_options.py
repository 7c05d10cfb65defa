"""`logradar train` as people know it: epochs, batch size, learning rate and folder as options; an input in YAML."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from logradar.sources.radar.generate import DayShape
from logradar.sources.radar.generate import write_days as generate

pytest.importorskip("torch")
SMALL = {"hidden": 8, "updates": 0, "training": {"epoch_steps": 1}}


@pytest.fixture
def days(tmp_path: Path) -> Path:
    generate(tmp_path / "days", 3, 40_000, shape=DayShape(length=40))
    return tmp_path / "days"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("place", "config"),
    [
        ("detector", {"detector": "deeplog", "beside": [], "detectors": {"deeplog": SMALL}}),
        ("beside", {"detector": "length", "beside": ["deeplog"], "detectors": {"deeplog": SMALL}}),
        (
            "member",
            {
                "detector": "ensemble",
                "beside": [],
                "detectors": {"ensemble": {"members": ["length", "deeplog"], "settings": {"deeplog": SMALL}}},
            },
        ),
    ],
)
def test_options_of_a_training_reach_the_network(logradar, days, tmp_path, place, config):
    file = tmp_path / "run.yaml"  # JSON is YAML
    file.write_text(json.dumps(config))
    bundle = tmp_path / "b"
    words = ["--epochs", 2, "--batch-size", 32, "--lr", 0.004]
    assert logradar("train", days, "--output-dir", bundle, "-c", file, *words).code == 0
    (rows,) = json.loads((bundle / "history.json").read_text()).values()
    assert [row["epoch"] for row in rows] == [1, 2]
    assert rows[0]["learning_rate"] == 0.004
    settings = json.loads((bundle / "settings.json").read_text())["detectors"]
    network = settings["ensemble"]["settings"]["deeplog"] if place == "member" else settings["deeplog"]
    assert network["training"]["batch_size"] == 32
    again = tmp_path / "again"
    assert logradar("train", days, "-o", again, "--from", bundle, "--epochs", 1).code == 0
    assert len(json.loads((again / "history.json").read_text())["deeplog"]) == 1


def test_options_without_a_network_are_a_sentence(logradar, days, tmp_path):
    done = logradar("train", days, "-o", tmp_path / "b", "--detector", "length", "beside=[]", "--epochs", 2)
    assert done.code == 2 and "none is trained" in done.err and "--detector NAME" in done.err
    assert not (tmp_path / "b").exists()


def test_a_config_names_its_own_input(logradar, days, tmp_path):
    file = tmp_path / "run.yaml"
    file.write_text(f"input: {{path: '{days}', limit_files: 2}}\ndetector: length\nbeside: []\n")
    done = logradar("train", "-c", file, "-o", tmp_path / "b", "--json")
    assert done.code == 0 and done.json["input"] == "days"
    assert str(days) not in (tmp_path / "b" / "settings.json").read_text()  # a bundle is for other inputs
    fewer = logradar("train", "input.limit_files=1", "seed=3", "-c", file, "-o", tmp_path / "c", "--json")
    assert fewer.code == 0 and fewer.json["sessions"] < done.json["sessions"]
    named = logradar("train", sorted(days.glob("*.json"))[0], "-c", file, "-o", tmp_path / "d", "--json")
    assert named.code == 0 and named.json["input"].startswith("preprocessed_logs_")  # the command line wins
    assert logradar("validate", "-c", file, "--json").json["sessions"] == done.json["sessions"]
    prepared = logradar("prepare", "-c", file, "-o", tmp_path / "p", "--json")
    assert prepared.json["sessions"] == done.json["sessions"]


def test_without_an_input_there_is_a_sentence(logradar, tmp_path):
    for words in ([], ["seed=3"]):
        done = logradar("train", *words, "-o", tmp_path / "b")
        assert done.code == 2 and "`input.path`" in done.err
