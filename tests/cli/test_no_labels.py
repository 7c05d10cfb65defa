"""Labels that stand beside a log are announced, and `--no-labels` ignores them in every command that takes labels."""

from __future__ import annotations

import pyarrow.parquet as pq
import pytest
from tests.cli.shop import write_labels, write_log

SAID = "app_labels.csv' are used; --no-labels ignores them."
FEW = ("--detector", "new_template", "beside=[]")


@pytest.fixture
def log(tmp_path):
    path = write_log(tmp_path / "app.log", 60, 1, (5, 40), 1)
    write_labels(path, tmp_path / "app_labels.csv")
    return path


def test_train_and_compare(logradar, log, tmp_path):
    taken = logradar("train", log, "-o", tmp_path / "with", *FEW, "--json")
    assert SAID in taken.err
    refused = logradar("train", log, "-o", tmp_path / "without", *FEW, "--no-labels", "--json")
    assert "app_labels.csv" not in refused.err
    assert "No session has a label" in refused.err
    assert [run.json["split"]["anomalies_left_out"] for run in (taken, refused)] == [2, 0]

    given = ("compare", tmp_path / "without", log, "--allow-overlap", "--json")
    assert logradar(*given).json["anomalies"] == 2
    refused = logradar(*given, "--no-labels")
    assert refused.json["anomalies"] is None
    assert "abels" not in refused.err

    found = logradar("detect", tmp_path / "without", log)  # has no use for labels, so takes none and says nothing
    assert (found.code, "abels" in found.err) == (0, False)


def test_validate(logradar, log):
    taken, refused = logradar("validate", log, "--json"), logradar("validate", log, "--json", "--no-labels")
    assert SAID in taken.err
    assert "abels" not in refused.err
    assert taken.json["labels"]["anomalous"] == 2
    assert refused.json["labels"]["anomalous"] == refused.json["labels"]["normal"] == 0


def test_prepare_reads_again_when_labels_are_refused_later(logradar, log, tmp_path):
    for more, labels in (((), {True, False}), (("--no-labels",), {None}), ((), {True, False})):
        done = logradar("prepare", log, "-o", tmp_path / "p", *more)
        assert done.code == 0, done.err
        assert (SAID in done.err) is not bool(more)
        assert set(pq.read_table(tmp_path / "p" / "records")["label"].to_pylist()) == labels


def test_labels_are_given_or_refused(logradar, log, tmp_path):
    done = logradar("validate", log, "--labels", tmp_path / "app_labels.csv", "--no-labels")
    assert done.code == 2
    assert "choose one" in done.err
