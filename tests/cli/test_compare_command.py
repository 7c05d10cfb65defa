"""`compare`, `analyze` and the formats of `detect`, as a user calls them."""

from __future__ import annotations

import json

import pytest
from tests.cli.shop import write_labels, write_log


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    home = tmp_path_factory.mktemp("compare")
    write_log(home / "app.log", 200, seed=1)
    write_labels(write_log(home / "new.log", 100, seed=2, broken=(40, 70), day=2), home / "labels.csv")
    return home


@pytest.fixture
def bundles(folder, logradar):
    for name, more in (("one", ()), ("two", ("beside=[length]", "detectors.ensemble.members=[length]"))):
        if not (folder / name).exists():
            done = logradar("train", folder / "app.log", "-o", folder / name, "-q", *more)
            assert done.code == 0, done.err
    return folder / "one", folder / "two"


def test_compare_prints_a_table_and_writes_a_page(bundles, folder, logradar):
    page = folder / "page.html"
    done = logradar("compare", *bundles, folder / "new.log", "--labels", folder / "labels.csv", "-o", page, "-q")
    assert done.code == 0, done.err
    assert "one/ensemble" in done.out
    assert f"Page: {page}" in done.out
    assert done.err == ""
    assert "one/ensemble" in page.read_text()


def test_compare_as_json_of_chosen_detectors(bundles, folder, logradar):
    words = ["compare", *bundles, folder / "new.log", "--labels", folder / "labels.csv", "--json"]
    told = logradar(*words, "--detector", "ensemble").json
    assert set(told["detectors"]) == {"one/ensemble", "two/ensemble"}
    assert told["detectors"]["one/ensemble"]["f1"] == 1.0
    (pair,) = told["differences"]
    assert pair["first"] == "one/ensemble"
    assert logradar("compare", bundles[0], folder / "new.log", "--json").json["anomalies"] is None


def test_compare_says_what_is_missing(bundles, folder, logradar):
    for words in ([bundles[0]], [*bundles], [folder / "new.log"]):
        done = logradar("compare", *words)
        assert done.code == 2
        assert "must be the input" in done.err
    done = logradar("compare", folder / "nothing", folder / "new.log")
    assert (done.code, done.out) == (2, "")
    assert "is not a bundle" in done.err
    assert logradar("compare", bundles[0], folder / "app.log").code == 2
    assert logradar("compare", bundles[0], folder / "app.log", "--allow-overlap", "-q").code == 0


def test_detect_writes_radar_results_that_analyze_reads(bundles, folder, logradar):
    out = folder / "radar.json"
    done = logradar("detect", bundles[0], folder / "new.log", "-o", out, "--format", "radar-json", "-q")
    assert done.code == 0, done.err
    rows = json.loads(out.read_text())
    assert len(rows) == 100
    assert sum(row["is_anomaly"] for row in rows) == 2
    assert {row["service_name"] for row in rows if row["is_anomaly"]} <= {row["service_name"] for row in rows}
    facts = logradar("analyze", out, "--json").json
    assert (facts["sessions"], facts["anomalies"], facts["share"]) == (100, 2, 0.02)
    assert "2 of 100 sessions (2.0 %) are anomalous" in logradar("analyze", out).out
    assert logradar("analyze", out, "--threshold", "1e9", "--json").json["anomalies"] == 0


@pytest.mark.parametrize("kind", ["json", "parquet", "csv"])
def test_analyze_reads_alerts(bundles, folder, logradar, kind):
    out = folder / "alerts.any"
    assert logradar("detect", bundles[0], folder / "new.log", "-o", out, "--format", kind, "-q").code == 0
    named = out.rename(folder / f"alerts.{kind}")
    done = logradar("analyze", named)
    assert done.code == 0
    assert done.out.startswith("2 ")
    assert "By service" in done.out


def test_the_header_format_has_another_name(bundles, folder, logradar):
    done = logradar("detect", bundles[0], folder / "new.log", "--format", "plain")
    assert done.code == 2
    assert "--input-format" in done.err
    assert logradar("analyze", folder / "new.log").code == 2
