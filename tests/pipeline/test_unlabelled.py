"""Training without labels: what is suspect is not learnt, and what cannot be judged is said."""

from __future__ import annotations

import lzma
import shutil
from pathlib import Path

import numpy as np
import pytest

from logradar.core.errors import BundleError, InputError
from logradar.model.bundle import Bundle
from logradar.model.settings import run_settings
from logradar.model.training_sessions import ROWS_FILE, SESSIONS_FILE, TrainingSessions
from logradar.pipeline.detect import detect
from logradar.pipeline.evaluate import evaluate
from logradar.pipeline.review import Reviewed, review
from logradar.pipeline.train import train

pytestmark = pytest.mark.xdist_group("unlabelled")
BROKEN = (20, 60, 61, 99, 150, 210, 260, 290)


@pytest.fixture(scope="module")
def log(tmp_path_factory) -> Path:
    """300 jobs, eight of them broken in the same way, and nine of a rare kind that is normal; without labels."""
    lines = []
    for job in range(300):
        steps = ["accepted", f"loaded {job} rows", "wrote result", "finished"]
        if job in BROKEN:
            steps = ["accepted", "quota exceeded by bob@example.com", "giving up"]
        elif job % 33 == 5:
            steps = ["accepted", "compacting", "compacted", "archived", "finished"]
        for number, step in enumerate(steps):
            at = job * 20 + number
            stamp = f"2026-03-01 {at // 3600:02}:{at // 60 % 60:02}:{at % 60:02}"
            lines.append(f"{stamp} INFO worker [job={job:08x}] {step}")
    path = tmp_path_factory.mktemp("log") / "app.log"
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture(scope="module")
def trained(log, tmp_path_factory) -> Path:
    bundle = tmp_path_factory.mktemp("trained") / "b"
    train(str(log), bundle, run_settings())
    return bundle


@pytest.fixture
def bundle(trained, tmp_path) -> Path:
    shutil.copytree(trained, tmp_path / "b")
    return tmp_path / "b"


def alerted(bundle: Path, log: Path) -> set[int]:
    return {int(alert["session_id"][-8:], 16) for alert in detect(bundle, str(log)).to_json()["alerts"]}


RARE = {job for job in range(300) if job % 33 == 5 and job not in BROKEN}


def test_what_is_suspect_is_not_learnt_and_said(log, tmp_path, capsys):
    found = train(str(log), tmp_path / "b", run_settings())
    said = capsys.readouterr().err
    assert "No session has a label. 17 of 300 (5.7%" in said and "logradar review" in said
    assert found.figures["split"]["trimmed"] == 17
    assert alerted(tmp_path / "b", log) == set(BROKEN) | RARE


def test_labels_or_a_share_of_0_learn_everything(log, tmp_path, capsys):
    train(str(log), tmp_path / "all", run_settings(overrides=["split.trim=0"]))
    assert "No session has a label" not in capsys.readouterr().err
    labels = "BlockId,Label\n" + "".join(f"{job:08x},Normal\n" for job in range(300))
    (tmp_path / "labels.csv").write_text(labels)
    settings = run_settings(given={"input.labels": tmp_path / "labels.csv"})
    found = train(str(log), tmp_path / "labelled", settings)
    assert found.figures["split"]["trimmed"] == 0 and "unlabelled" not in found.figures["split"]
    with pytest.raises(BundleError, match="no training sessions to review"):
        review(tmp_path / "labelled")


def test_what_cannot_be_judged_is_said(log, tmp_path, capsys):
    train(str(log), tmp_path / "windows", run_settings(given={"input.session_key": ""}))
    assert "could not be looked for: windows of lines" in capsys.readouterr().err
    short = tmp_path / "short.log"
    short.write_text("\n".join(log.read_text().splitlines()[:400]) + "\n")
    train(str(short), tmp_path / "short", run_settings())
    assert "sessions are too few" in capsys.readouterr().err


def test_an_answer_changes_what_is_an_alert_at_once(bundle, log):
    document = review(bundle)
    assert document["taken_for_anomalous"] == 17 and "rare" in document["rules"]
    by_first = {one["lines"][1].rsplit(" ", 1)[-1]: one for one in document["questions"] if not one["learnt"]}
    compacting = by_first["compacting"]["kind"]
    after = review(bundle, words={compacting: "normal"})
    assert after["taken_for_anomalous"] == 8 and after["answers"][0]["kind"] == compacting
    assert alerted(bundle, log) == set(BROKEN)
    assert review(bundle, undo=[compacting])["taken_for_anomalous"] == 17
    assert alerted(bundle, log) == set(BROKEN) | RARE


def test_a_review_can_be_shown_to_others(bundle):
    plain, masked = (str(review(bundle, redact=redact)) for redact in (False, True))
    assert "bob@example.com" in plain and "bob@example.com" not in masked and "exceeded by <EMAIL>" in masked


def test_a_bundle_after_a_review_is_one_of_a_training_on_what_is_normal(bundle, log, tmp_path):
    """The same scores as if the sessions that are not normal had been labelled."""
    document = review(bundle)
    words = {one["kind"]: "anomaly" if "exceeded" in str(one["lines"]) else "normal" for one in document["questions"]}
    review(bundle, words=words)
    labels = "BlockId,Label\n" + "".join(
        f"{job:08x},{'Anomaly' if job in BROKEN else 'Normal'}\n" for job in range(300)
    )
    (tmp_path / "labels.csv").write_text(labels)
    settings = run_settings(given={"input.labels": tmp_path / "labels.csv"})
    train(str(log), tmp_path / "labelled", settings)
    one, other = Bundle.load(bundle), Bundle.load(tmp_path / "labelled")
    assert one.thresholds["ensemble"].value == other.thresholds["ensemble"].value
    assert np.array_equal(one.validation["ensemble"], other.validation["ensemble"])
    assert one.facts["records"] == other.facts["records"]


def test_a_near_kind_follows_and_a_file_of_answers_is_read(bundle, tmp_path):
    document = review(bundle)
    for one in document["questions"]:
        one["answer"] = "anomaly" if "exceeded" in str(one["lines"]) else "normal"
    import json

    (tmp_path / "answers.json").write_text(json.dumps(document))
    assert review(bundle, answers=tmp_path / "answers.json")["taken_for_anomalous"] == len(BROKEN)
    assert len(Reviewed(bundle).review) == len(document["questions"])


@pytest.mark.parametrize("text", ["[]", "no JSON", '{"kind": "good"}', '{"a": 3}'])
def test_what_is_no_answer_is_refused(bundle, tmp_path, text):
    (tmp_path / "answers.json").write_text(text)
    with pytest.raises(InputError, match=r"answers\.json"):
        review(bundle, answers=tmp_path / "answers.json")


def test_an_unknown_kind_is_refused_and_nothing_changes(bundle):
    before = (bundle / "manifest.json").read_bytes()
    with pytest.raises(InputError, match="has no kind 'abc'"):
        review(bundle, words={"abc": "normal"})
    with pytest.raises(InputError, match="No answer was given"):
        review(bundle, undo=["abc"])
    assert (bundle / "manifest.json").read_bytes() == before


def test_sessions_are_kept_and_damage_is_seen(bundle, tmp_path):
    kept = TrainingSessions.load(bundle)
    assert kept is not None and len(kept) == 300
    (tmp_path / "copy").mkdir()
    kept.save(tmp_path / "copy")
    again = TrainingSessions.load(tmp_path / "copy")
    assert again is not None and again.kind_names == kept.kind_names and again.examples == kept.examples
    assert again.table.equals(kept.table)
    import pyarrow.parquet as pq

    table = pq.read_table(tmp_path / "copy" / SESSIONS_FILE)
    pq.write_table(table.slice(1), tmp_path / "copy" / SESSIONS_FILE)
    with pytest.raises(ValueError, match=ROWS_FILE):
        TrainingSessions.load(tmp_path / "copy")


def test_hdfs_without_labels(data_dir, tmp_path):
    """The earlier half of the 2 % sample as it is, with 4 % of anomalies without labels; the later half judged."""
    with lzma.open(data_dir / "hdfs/HDFS_2pct.log.xz", "rt") as lines:
        (tmp_path / "hdfs.log").write_text(lines.read())
    settings = run_settings(overrides=["split.test=0.5", "beside=[]"])
    train(str(tmp_path / "hdfs.log"), tmp_path / "b", settings)
    labels = {"input.labels": data_dir / "hdfs/HDFS_2pct_labels.csv.gz"}
    found = evaluate(tmp_path / "b", str(tmp_path / "hdfs.log"), given=labels).document
    assert found["f1"] >= 0.90 and found["detectors"]["ensemble"]["pr_auc"] >= 0.75
