"""Compare: bundles on simulated services, with labels and without; what is measured is what evaluate measures."""

from __future__ import annotations

import json
import re
import shutil

import polars as pl
import pytest

from logradar.core.errors import ConfigError, DataError
from logradar.model.settings import run_settings
from logradar.pipeline.compare import compare
from logradar.pipeline.evaluate import evaluate
from logradar.pipeline.measuring.comparison_inputs import bundle_names
from logradar.pipeline.train import train
from logradar.simulation.simulate import simulate

LINES = 24_000
pytestmark = pytest.mark.xdist_group("compared")


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    folder = tmp_path_factory.mktemp("compared")
    simulate(folder / "normal", lines_per_day=LINES, faults="none", seed=21)
    simulate(folder / "faulty", lines_per_day=LINES, faults="all", seed=22, start="2026-03-03")
    few = {"detectors.ensemble.members": ("new_template", "ngram"), "beside": ("count_vector",)}
    train(str(folder / "normal"), folder / "plain", run_settings(given={"seed": 1}))
    train(str(folder / "normal"), folder / "few", run_settings(given={"seed": 1, **few}))
    train(str(folder / "normal"), folder / "few2", run_settings(given={"seed": 2, **few}))
    return folder


@pytest.fixture(scope="module")
def compared(home):
    return compare([home / "plain", home / "few"], str(home / "faulty"))


def test_figures_are_those_of_evaluate(home, compared):
    alone = evaluate(home / "plain", str(home / "faulty")).document
    for name, figures in alone["detectors"].items():
        ours = compared.document["detectors"][f"plain/{name}"]
        for key in ("f1", "precision", "recall", "fpr", "pr_auc", "roc_auc", "false_alarms_per_day", "tp", "fp"):
            assert ours[key] == figures[key], (name, key)
        assert ours["seconds"] > 0
    assert compared.document["anomalies"] == alone["anomalies"]
    assert compared.document["faults"].keys() == alone["faults"].keys()
    assert {name: one["sessions"] for name, one in compared.document["services"].items()} == {
        name: one["sessions"] for name, one in alone["services"].items()
    }
    assert compared.document["delay"]["plain/ngram"]["events"] == alone["delay"]["detectors"]["ngram"]["events"]


def test_detectors_that_are_the_same_are_told_once(compared):
    assert compared.document["same_as"] == {
        f"few/{name}": f"plain/{name}" for name in ("new_template", "ngram", "count_vector")
    }
    assert not set(compared.document["same_as"]) & set(compared.document["detectors"])


def test_services_add_up_and_delays_fit_in_their_sessions(home, compared):
    figures = compared.document["detectors"]["plain/ensemble"]
    of = [one["detectors"]["plain/ensemble"] for one in compared.document["services"].values()]
    for cell in ("tp", "fp", "tn", "fn"):
        assert sum(one[cell] for one in of) == figures[cell]
    delay = compared.document["delay"]["plain/ensemble"]
    assert delay["from"] == "session start"
    assert delay["found"] == figures["tp"]
    assert delay["seconds"]["median"] <= delay["until_end"]["median"]
    whole = compared.document["delay"]["plain/count_vector"]  # it looks at whole sessions
    assert whole["at_end"] == 1.0
    assert delay["events"]["median"] < whole["events"]["median"]
    assert 0 < delay["fault_episodes"]["detected"] <= delay["fault_episodes"]["episodes"]


def test_the_page_is_one_closed_file(compared, tmp_path):
    page = compared.write(tmp_path / "deep" / "page.html")
    text = page.read_text()
    assert [path.name for path in page.parent.iterdir()] == ["page.html"]
    assert text.count("<figure") == 8
    assert not re.search(r"<(script|link|img|iframe)\b|url\((?!#)|@import", text)
    assert "default-src 'none'" in text
    for name in compared.document["detectors"]:
        assert name in text
    assert len(text) < 2_000_000
    compared.write(tmp_path / "folder")
    assert sorted(path.name for path in (tmp_path / "folder").iterdir()) == [
        "compare.html", "compare.json", "scores.parquet",
    ]  # fmt: skip
    saved = json.loads((tmp_path / "folder" / "compare.json").read_text())
    assert saved["detectors"].keys() == compared.document["detectors"].keys()
    scores = pl.read_parquet(tmp_path / "folder" / "scores.parquet")
    assert len(scores) == compared.document["sessions"]


def test_without_labels_there_are_alerts_and_agreement(home, tmp_path):
    (home / "unlabelled").mkdir()
    for log in (home / "faulty").glob("*.log"):
        (home / "unlabelled" / log.name).write_bytes(log.read_bytes())
    compared = compare([home / "plain", home / "few"], str(home / "unlabelled"))
    assert compared.document["anomalies"] is None
    assert compared.document["differences"] == []
    for one in compared.document["detectors"].values():
        assert "f1" not in one
        assert 0 <= one["alert_rate"] <= 1
    labelled = compare([home / "plain"], str(home / "faulty")).document["detectors"]
    for name, one in labelled.items():
        assert compared.document["detectors"][f"plain/{name}"]["alerts"] == one["alerts"]
    text = compared.write(tmp_path / "page.html").read_text()
    assert "without labels" in text
    assert text.count("<figure") == 4
    assert "NaN" not in text


def test_seeds_have_a_mean(home):
    compared = compare([home / "few", home / "few2"], str(home / "faulty"), only=["ngram"])
    assert list(compared.document["detectors"]) == ["few/ngram"]
    assert compared.document["same_as"] == {"few2/ngram": "few/ngram"}
    (one,) = compared.document["seeds"]
    assert (one["detector"], one["seeds"], one["f1"]["runs"]) == ("ngram", [1, 2], 2)
    assert one["f1"]["low"] == one["f1"]["mean"] == one["f1"]["high"]  # rules do not depend on the seed


def test_the_fewest_false_alarms_lead_where_no_anomaly_is_labelled(home, tmp_path):
    labels = tmp_path / "labels.csv"
    rows = (home / "faulty" / "labels.csv").read_text().splitlines()[1:]
    labels.write_text("session_key,label\n" + "".join(f"{row.partition(',')[0]},0\n" for row in rows))
    compared = compare([home / "plain"], str(home / "faulty"), given={"input.labels": labels})
    alerts = [one["alerts"] for one in compared.document["detectors"].values()]
    assert alerts == sorted(alerts)
    assert "No anomaly is labelled" in compared.write(tmp_path / "page.html").read_text()


def test_hostile_names_stay_text(home, tmp_path):
    hostile = tmp_path / "b<script>x()<&-->'\u202e{{7*7}}$_{"
    shutil.copytree(home / "few", hostile)
    text = compare([home / "plain", hostile], str(home / "faulty")).write(tmp_path / "page.html").read_text()
    assert "<script" not in text
    assert "{{7*7}}" in text
    assert "\u202e" not in text


@pytest.mark.slow
def test_bundles_that_group_differently_have_nothing_in_common(home):
    windows = {"seed": 1, "sessions.unkeyed": "windows", "sessions.by": "count", "sessions.size": 7}
    train(str(home / "normal"), home / "windows", run_settings(given=windows))
    with pytest.raises(DataError, match="no session of this input in common"):
        compare([home / "plain", home / "windows"], str(home / "faulty"))


def test_mistakes_are_sentences(home):
    faulty = str(home / "faulty")
    with pytest.raises(ConfigError, match="named twice"):
        compare([home / "plain", home / "few" / ".." / "plain"], faulty)
    with pytest.raises(ConfigError, match="No bundle has a detector 'nobody'"):
        compare([home / "plain"], faulty, only=["nobody"])
    with pytest.raises(ConfigError, match="no bundle"):
        compare([], faulty)
    with pytest.raises(DataError, match="took part in training"):
        compare([home / "plain"], str(home / "normal"))


def test_bundle_names_tell_folders_apart(tmp_path):
    names = [tmp_path / "a" / "bundle", tmp_path / "b" / "bundle", tmp_path / "c"]
    assert bundle_names(names) == ["a/bundle", "b/bundle", f"{tmp_path.name}/c"]
    assert bundle_names(names[1:]) == ["bundle", "c"]
