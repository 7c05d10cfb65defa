"""How a bundle reads a new input: as it read its training input, with what is given checked like a command line."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from logradar.core.errors import ConfigError
from logradar.model.bundle import Bundle, input_settings
from logradar.model.settings import run_settings
from logradar.pipeline.compare import compare
from logradar.pipeline.detect import detect
from logradar.pipeline.evaluate import evaluate
from logradar.pipeline.train import train

LINES = "".join(
    f"2026-03-01 08:{n // 60:02}:{n % 60:02},000 INFO worker.jobs [job={n // 4:08x}] step {n % 4} done\n"
    for n in range(400)
)
WRONG = {"input.lables": "labels.csv", "input.since": "not a date", "input.limits.block": 0, "threshold": 3}


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    folder = tmp_path_factory.mktemp("settings")
    (folder / "past.log").write_text(LINES)
    given = {"detector": "new_template", "beside": (), "input.session_key": "job=([0-9a-f]+)", "input.limit_files": 3}
    train(str(folder / "past.log"), folder / "bundle", run_settings(given=given))
    return folder


def test_a_new_input_is_read_as_the_training_input_was(home):
    bundle = Bundle.load(home / "bundle")
    found = input_settings(bundle, {"input.since": "2026-03-01", "input.limits.rows": 7})
    assert found.session_key == "job=([0-9a-f]+)"
    assert (found.source, found.format, found.limit_files) == (None, None, None)  # belong to the training input alone
    assert (found.since, found.limits.rows) == (date(2026, 3, 1), 7)
    assert found.limits.block == bundle.settings.input.limits.block
    assert input_settings(bundle, {"input.labels": "a.csv"}).labels == Path("a.csv")


@pytest.mark.parametrize(
    "act",
    [
        lambda home, given: input_settings(Bundle.load(home / "bundle"), given),
        lambda home, given: detect(home / "bundle", str(home / "past.log"), given=given),
        lambda home, given: evaluate(home / "bundle", str(home / "past.log"), given=given),
        lambda home, given: compare([home / "bundle"], str(home / "past.log"), given=given),
    ],
    ids=["input_settings", "detect", "evaluate", "compare"],
)
def test_every_wrong_setting_is_reported_at_once(home, act):
    with pytest.raises(ConfigError) as caught:
        act(home, WRONG)
    text = str(caught.value)
    assert text.startswith("4 settings are wrong: ")
    for part in (
        "'input.lables' is not known, did you mean 'labels'?",
        "'input.since' is 'not a date': ",
        "'input.limits.block' is 0: ",
        "'threshold' is not a setting of 'input', ",
    ):
        assert part in text


def test_a_path_without_its_room_names_the_right_one(home):
    with pytest.raises(ConfigError, match=r"'labels' is not a setting of 'input', did you mean 'input\.labels'\?"):
        input_settings(Bundle.load(home / "bundle"), {"labels": "a.csv"})


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"threshold": "1"}, "'threshold' is a number, not '1'."),
        ({"threshold": float("nan")}, "'threshold' is a number, not nan."),
        ({"threshold": True}, "'threshold' is a number, not True."),
        ({"alerts_per_day": "3"}, "'alerts_per_day' is a number, not '3'."),
        ({"precision": [0.9]}, "'precision' is a number, not [0.9]."),
        ({"given": ["input.since=2026-03-01"]}, "{'input.labels': 'labels.csv'}, not as a list."),
        ({"given": []}, "{'input.labels': 'labels.csv'}, not as a list."),
        ({"given": {1: 2}}, "1 is no text."),
    ],
    ids=str,
)
@pytest.mark.parametrize("act", [detect, evaluate])
def test_values_of_a_wrong_kind_are_a_sentence(home, act, given, text):
    with pytest.raises(ConfigError) as caught:
        act(home / "bundle", str(home / "past.log"), **given)
    assert str(caught.value).endswith(text)


def test_settings_of_a_run_are_given_by_path():
    with pytest.raises(ConfigError, match="not as a list"):
        run_settings(given=["seed"])
    with pytest.raises(ConfigError, match="3 is no text"):
        run_settings(given={3: 1})
