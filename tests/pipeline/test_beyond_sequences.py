"""The caveats of `evaluate` for tests on which no detector can do well, with real detectors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from logradar.model.settings import run_settings
from logradar.pipeline.compare import compare
from logradar.pipeline.evaluate import evaluate
from logradar.pipeline.train import train
from logradar.reporting.evaluation_page import write_report

NORMAL = ("accepted", "loaded 7 rows", "wrote result", "finished")
WARM = ("accepted", "cache warmed", "loaded 7 rows", "wrote result", "finished")
BROKEN = ("accepted", "disk quota exceeded", "finished")
RULES = {"beside": ("new_template", "ngram"), "detectors.ensemble.members": ("new_template", "count_vector", "ngram")}


def write(path: Path, jobs: list[tuple[tuple[str, ...], bool]], day: int) -> Path:
    """A log of jobs one after another, and a file of labels next to it."""
    lines, labels = [], ["job,Label"]
    for number, (steps, anomalous) in enumerate(jobs):
        job = f"{day:02}{number:014x}"
        labels.append(f"{job},{'Anomaly' if anomalous else 'Normal'}")
        for place, step in enumerate(steps):
            at = number * 10 + place
            stamp = f"2026-03-{day:02} {at // 3600:02}:{at // 60 % 60:02}:{at % 60:02},000"
            lines.append(f"{stamp} INFO worker.jobs [job={job}] {step}")
    path.write_text("\n".join(lines) + "\n")
    path.with_suffix(".csv").write_text("\n".join(labels) + "\n")
    return path


def learnt(folder: Path, jobs: list[tuple[str, ...]], **given: object) -> Path:
    """A bundle that learnt these jobs."""
    past = write(folder / "past.log", [(steps, False) for steps in jobs], 1)
    bundle = folder / "bundle"
    train(str(past), bundle, run_settings(given=RULES | {key.replace("_", ".", 1): given[key] for key in given}))
    return bundle


def asked(folder: Path, jobs: list[tuple[tuple[str, ...], bool]]) -> dict[str, Any]:
    new = write(folder / "new.log", jobs, 2)
    return {"spec": str(new), "given": {"input.labels": new.with_suffix(".csv")}}


def test_anomalies_that_look_normal_bound_recall_and_f1(tmp_path: Path) -> None:
    bundle = learnt(tmp_path, [NORMAL] * 200)
    found = evaluate(bundle, **asked(tmp_path, [(NORMAL, False)] * 60 + [(NORMAL, True)] * 30 + [(BROKEN, True)] * 10))
    document = found.document
    twins = document["audit"]["twins"]
    assert (twins["anomalies"], twins["of"], twins["recall"], twins["f1"]) == (30, 40, 0.25, 0.4)
    assert (document["recall"], document["f1"]) == (0.25, 0.4)  # which the ensemble reaches
    assert [sentence.partition(" ")[0] for sentence in document["caveats"]] == ["30"]
    assert not any("sequence of a normal" in note for note in document["audit"]["notes"])
    found.write(tmp_path / "run")
    page = write_report(tmp_path / "run").read_text()
    assert page.count("exactly the sequence of a normal session") == 1
    assert "<code>beside=[values]</code>" in page
    compared = compare([bundle], **asked(tmp_path, [(NORMAL, False)] * 60 + [(NORMAL, True)] * 30)).document
    assert "30 of 30 anomalies have exactly" in next(iter(compared["bundles"].values()))["audit"]["notes"][0]


def test_a_test_of_anomalies_says_little_by_f1(tmp_path: Path) -> None:
    bundle = learnt(tmp_path, [NORMAL] * 200)
    document = evaluate(bundle, **asked(tmp_path, [(NORMAL, False)] * 20 + [(BROKEN, True)] * 80)).document
    (sentence,) = document["caveats"]
    assert sentence.startswith("80.0 % of the test is anomalous: an alarm on every session has F1 0.889")
    assert "ROC-AUC 1.000" in sentence


def test_anomalies_that_nothing_separates(tmp_path: Path) -> None:
    bundle = learnt(tmp_path, [NORMAL, WARM] * 100)
    jobs = [(NORMAL, False), (WARM, False)] * 40 + [(NORMAL, True), (WARM, True)] * 10
    document = evaluate(bundle, **asked(tmp_path, jobs)).document
    assert "the best ROC-AUC is 0.500" in document["caveats"][0]
    assert "20 of 20 anomalies have exactly" in document["caveats"][1]


def test_a_new_phase_in_validation_and_the_way_out(tmp_path: Path) -> None:
    jobs = [NORMAL] * 160 + [NORMAL] * 10 + [WARM, ("cache emptied", *NORMAL), (*NORMAL, "cache written")] * 10
    test = [(NORMAL, False)] * 60 + [(WARM, False)] * 20 + [(BROKEN, True)] * 20
    document = evaluate(learnt(tmp_path, jobs), **asked(tmp_path, test)).document
    (sentence,) = [sentence for sentence in document["caveats"] if "new phase" in sentence]
    assert sentence.startswith("30 of 40 normal validation sessions (75.0 %) have messages that training did not have")
    assert "`threshold.quantile=0.25`" in sentence
    other = tmp_path / "other"
    other.mkdir()
    document = evaluate(learnt(other, jobs, threshold_quantile=0.25), **asked(other, test)).document
    assert not any("new phase" in sentence for sentence in document["caveats"])
    assert document["detectors"]["new_template"]["recall"] == 1.0


def test_a_good_test_has_no_caveats(tmp_path: Path) -> None:
    bundle = learnt(tmp_path, [NORMAL] * 200)
    document = evaluate(bundle, **asked(tmp_path, [(NORMAL, False)] * 80 + [(BROKEN, True)] * 20)).document
    assert (document["f1"], document["caveats"]) == (1.0, [])


@pytest.mark.slow
def test_hadoop_cannot_be_solved_by_sequences(data_dir: Path, tmp_path: Path) -> None:
    place = {"input.data_dir": data_dir}
    train("hadoop", tmp_path / "b", run_settings(given=place | RULES))
    document = evaluate(tmp_path / "b", "hadoop", given=place).document
    twins = document["audit"]["twins"]
    assert (twins["anomalies"], twins["of"], twins["in_test"]) == (612, 811, 554)
    assert (twins["recall"], twins["f1"]) == pytest.approx((0.245, 0.394), abs=0.001)
    assert 0.945 < twins["best_f1"] < 0.96  # little more than an alarm on every session
    separation, sequences, prevalence = document["caveats"]
    assert "No trained detector separates" in separation
    assert "612 of 811 anomalies" in sequences
    assert "89.6 % of the test is anomalous" in prevalence
