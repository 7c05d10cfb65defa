"""The split in a config of `prepare`: lists of files that are those of `train`, or a sentence."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from logradar.core.errors import ConfigError
from logradar.evaluation.splits import read_lists
from logradar.model.settings import run_settings
from logradar.pipeline.prepare import prepare, write_as
from logradar.pipeline.train import train
from logradar.sources.radar.generate import DayShape
from logradar.sources.radar.generate import write_days as generate

SIMPLE = ["detector=length", "beside=[]"]
FILES = ["split.by=files", "split.valid=0.25", "split.test=0.2"]


@pytest.fixture
def days(tmp_path: Path) -> Path:
    generate(tmp_path / "days", 10, 40_000, shape=DayShape(length=40))
    return tmp_path / "days"


@pytest.mark.parametrize("more", [[], ["split.shuffle=true", "split.seed=42"]])
def test_lists_of_day_files_are_those_of_train(days, tmp_path, more):
    settings = run_settings(None, [*SIMPLE, *FILES, *more])
    facts = prepare(str(days), tmp_path / "p", settings)
    lists = read_lists(tmp_path / "p")
    assert sorted([*lists.train, *lists.valid, *lists.test]) == sorted(path.name for path in days.glob("*.json"))
    assert facts["split"]["files"] == {"train": 6, "valid": 2, "test": 2}
    for spec in (days, tmp_path / "p"):  # of the folder that was prepared, and of the result
        train(str(spec), tmp_path / "b", settings)
        assert read_lists(tmp_path / "b") == lists


def test_lists_of_logs_go_by_the_first_record(tmp_path):
    logs = tmp_path / "logs"
    logs.mkdir()
    for day in range(1, 6):
        lines = [
            f"2026-03-0{day} 08:00:{n:02},123 INFO shop.cart [trace={day * 50 + n // 4:016x}] step {n % 4}\n"
            for n in range(60)
        ]
        (logs / f"app-2026-03-0{day}.log").write_text("".join(lines))
    settings = run_settings(None, [*SIMPLE, "split.by=files"])
    facts = prepare(str(logs), tmp_path / "p", settings)
    assert facts["split"]["files"] == {"train": 4, "valid": 1, "test": 0}
    train(str(logs), tmp_path / "b", settings)
    assert read_lists(tmp_path / "b") == read_lists(tmp_path / "p")
    assert json.loads((tmp_path / "p" / "prepared.json").read_text())["split"]["by"] == "files"


def test_without_a_split_there_are_no_lists_and_old_ones_go(days, tmp_path):
    prepare(str(days), tmp_path / "p", run_settings(None, FILES))
    assert (tmp_path / "p" / "split.json").is_file()
    assert "split" not in prepare(str(days), tmp_path / "p", run_settings())
    assert not (tmp_path / "p" / "split.json").exists()


@pytest.mark.parametrize(
    ("kind", "overrides", "named"),
    [
        ("parquet", ["split.valid=0.3"], "split.valid"),
        ("parquet", ["split.first=10", "split.test=0.1"], "split.first, split.test"),
        ("parquet", ["split.by=files", "split.trim=0.1"], "split.trim"),
        ("radar-json", ["split.by=files"], "split.by"),
    ],
)
def test_a_split_that_does_nothing_is_refused(days, tmp_path, kind, overrides, named):
    with pytest.raises(ConfigError, match=f"'prepare' does not use {named}: "):
        write_as(kind)(str(days), tmp_path / "out", run_settings(None, overrides))
    assert not (tmp_path / "out").exists()
