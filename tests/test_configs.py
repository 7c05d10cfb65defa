"""Every file under configs/ is loaded; those for parsing reach the published grouping accuracy."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import polars as pl
import pytest

from logradar.model.settings import run_settings
from logradar.parsing.templates import ParsingSettings

ROOT = Path(__file__).resolve().parents[1]
PARSING = sorted((ROOT / "configs" / "parsing").glob("*.yaml"))


@pytest.mark.parametrize("file", PARSING, ids=lambda file: file.stem)
def test_a_config_for_parsing_loads_and_says_something(file):
    settings = run_settings(file)
    assert settings.parsing != ParsingSettings()
    assert settings.parsing.masking.digit_blind  # or it would be slow
    assert settings.model_copy(update={"parsing": ParsingSettings()}) == run_settings()


@pytest.fixture(scope="module")
def accuracy():
    file = ROOT / "experiments" / "grouping_accuracy.py"
    spec = importlib.util.spec_from_file_location(file.stem, file)
    assert spec and spec.loader
    module = sys.modules[file.stem] = importlib.util.module_from_spec(spec)  # its dataclass looks for it there
    spec.loader.exec_module(module)
    return module


def test_there_is_one_for_each_system_of_loghub(accuracy):
    assert [file.stem for file in PARSING] == sorted(system.lower() for system in accuracy.PUBLISHED)


@pytest.mark.parametrize("file", PARSING, ids=lambda file: file.stem)
def test_a_config_for_parsing_reaches_the_published_accuracy(file, accuracy, data_dir):
    system = next(name for name in accuracy.PUBLISHED if name.lower() == file.stem)
    table = data_dir / "loghub_2k" / system / f"{system}_2k.log_structured.csv"
    lines = pl.read_csv(table, infer_schema=False)
    found, _ = accuracy.mined(lines["Content"].fill_null(""), run_settings(file).parsing)
    assert accuracy.grouping_accuracy(found, lines["EventId"]) >= accuracy.PUBLISHED[system]


def test_the_defaults_reach_their_accuracy_and_depend_on_no_order(accuracy, data_dir):
    sums = {}
    for system in accuracy.PUBLISHED:
        table = data_dir / "loghub_2k" / system / f"{system}_2k.log_structured.csv"
        lines = pl.read_csv(table, infer_schema=False).select("EventId", pl.col("Content").fill_null(""))
        for name, shown in (("as they are", lines), ("mixed", lines.sample(fraction=1, shuffle=True, seed=1))):
            found, _ = accuracy.mined(shown["Content"])
            sums[name] = sums.get(name, 0) + accuracy.grouping_accuracy(found, shown["EventId"])
    assert min(sums.values()) / len(accuracy.PUBLISHED) > 0.95
