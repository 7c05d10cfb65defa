"""Detector ``logbert``: what it reports, and that it is repeatable, in addition to the contract of all detectors."""

from __future__ import annotations

import math
import random
import subprocess
import sys
import textwrap

import numpy as np
import pytest
import torch
from tests.detectors.learning import SHIFT, best_loss, converged
from tests.detectors.session_rows import sessions

from logradar.core.config import load_config
from logradar.core.errors import ConfigError, DataError
from logradar.core.sequences import Sequences
from logradar.core.tables import MASK, UNKNOWN
from logradar.core.training_set import TrainingSet
from logradar.detectors.base import Detector
from logradar.detectors.logbert import LogBERT, LogBERTSettings
from logradar.detectors.neural import windows
from logradar.detectors.neural.event_masking import MISSING
from logradar.detectors.neural.surprisal import UNSEEN
from logradar.training import monitor

pytestmark = pytest.mark.xdist_group("logbert")  # what several tests learn is learnt by one process

SMALL = ("hidden=32", "layers=1", "heads=2", "intermediate=64", "training.device=cpu")
# So small a network learns this grammar two and a half times as fast at this rate, without units left out; at 0.01 it
# learns worse.
QUICKLY = ("updates=0", "dropout=0", "training.learning_rate=0.005")
EPOCHS = 12
CONVERGED = 0.41  # nats per prediction; 0.32 to 0.37 are reached, and at 0.42 normal sessions still look unusual
START, ASK, ANSWER, CHECK, WRITE, CLOSE = 3, 5, 6, 40, 41, 42


def normal(count: int, seed: int) -> list[list[int]]:
    """Start, one to three times ask and answer, a check half of the time, write, close."""
    rng = random.Random(seed)
    return [
        [START, *[ASK, ANSWER] * rng.randint(1, 3), *[CHECK] * rng.randint(0, 1), WRITE, CLOSE] for _ in range(count)
    ]


def logbert_with(*settings: str, seed: int = 0) -> LogBERT:
    return LogBERT(load_config(LogBERTSettings, overrides=[*SMALL, *settings]), seed)


def fitted(*settings: str, seed: int) -> LogBERT:
    detector = logbert_with(*QUICKLY, "score=surprisal", f"training.epochs={EPOCHS}", *settings, seed=seed)
    detector.fit(TrainingSet.of_tables(sessions(normal(1000, 0)), sessions(normal(300, 1))))
    return detector


learnt = pytest.mark.learnt


@pytest.fixture(scope="module")
def logbert() -> LogBERT:
    return converged(lambda seed: fitted(seed=seed), CONVERGED)


def scores(detector: Detector, *rows: list[int]) -> list[float]:
    return detector.score(sessions(list(rows)))["score"].to_pylist()


def first_finding(detector: Detector, row: list[int]) -> dict:
    return detector.explain(sessions([row])).to_pylist()[0]


ORDINARY = [START, ASK, ANSWER, ASK, ANSWER, CHECK, WRITE, CLOSE]


@learnt
def test_a_missing_step_is_found_and_named(logbert):
    row = [START, ASK, ANSWER, ASK, CHECK, WRITE, CLOSE]
    assert scores(logbert, row)[0] > logbert.validation_scores.max()
    finding = first_finding(logbert, row)
    assert (finding["position"], row[finding["position"]]) == (4, CHECK)
    # Seldom a question is missing as well, and the networks of the lowest losses (0.26) hold both for as likely: 0.38.
    assert {item["template_id"]: item["probability"] for item in finding["expected"]}.get(ANSWER, 0) > 0.2


@learnt
def test_a_missing_tail_is_found_after_the_last_event(logbert):
    row = [START, ASK, ANSWER, ASK, ANSWER, CHECK]
    assert scores(logbert, row)[0] > logbert.validation_scores.max()
    finding = first_finding(logbert, row)
    assert finding["reason"].startswith("something is missing, most likely after this event")
    assert finding["position"] == len(row) - 1
    assert finding["template_id"] == finding["expected"][0]["template_id"]
    assert finding["template_id"] in (WRITE, CLOSE)


@learnt
def test_without_the_question_only_events_at_wrong_places_are_named():
    """With masks only, a wrong event is found as before, and no finding says that one is missing.

    Whether the events around a gap look unlikely is no property of masks: such a session differs from each normal one
    in several events, so the network was never asked what it is asked there, and each seed answers something else
    (scores of 0.02 to 5.3 where CLOSE is missing). On HDFS the question's worth is measured (`experiments/LOG.md`).
    """
    masks = fitted("holes=0", "training.epochs=8", seed=SHIFT)
    assert masks.weight == 1.0
    wrong, tail = [START, ASK, START, CHECK, WRITE, CLOSE], [START, ASK, ANSWER, ASK, ANSWER, CHECK]
    assert scores(masks, wrong)[0] > masks.validation_scores.max() + 1
    findings = masks.explain(sessions([wrong, tail, [START, ASK], [ASK, CLOSE]])).to_pylist()
    assert 2 in {finding["position"] for finding in findings if finding["session_id"] == "s0"}
    assert not any(finding["reason"].startswith("something is missing") for finding in findings)


@learnt
def test_an_unknown_event_and_a_known_one_at_a_wrong_place(logbert):
    row = [START, ASK, ANSWER, 77, WRITE, CLOSE]
    events = logbert.score(sessions([row]))["event_scores"].to_pylist()[0]
    assert events[3] == UNSEEN
    assert (first_finding(logbert, row)["position"], first_finding(logbert, row)["reason"]) == (
        3,
        "never seen in training",
    )
    wrong = [START, ASK, ANSWER, ASK, CLOSE, CHECK, WRITE, CLOSE]
    assert scores(logbert, wrong)[0] > logbert.validation_scores.max()
    findings = [item for item in logbert.explain(sessions([wrong])).to_pylist() if item["position"] == 4]
    assert findings
    assert findings[0]["expected"][0]["template_id"] == ANSWER


@learnt
def test_a_normal_session_has_no_findings(logbert):
    assert logbert.explain(sessions([ORDINARY, []])).num_rows == 0
    assert scores(logbert, []) == [0.0]


def test_scores_are_those_of_the_network_computed_by_hand(logbert):
    """At most seven mask patterns, each event in one of them; and the question what is missing in the session."""
    network, row = logbert.network(), normal(1, 5)[0] + [ASK, ANSWER, CLOSE]
    events = logbert.vocabulary.tokens(np.array(row, np.int32))
    size = len(logbert.vocabulary)
    framed = np.array([size, *events, size + 1], np.int32)
    expected = np.zeros(len(row))
    for pattern in range(min(7, len(row))):
        shown = framed.copy()
        shown[1 + pattern : 1 + len(row) : 7] = MASK
        with torch.no_grad():
            output = network(torch.from_numpy(shown)[None], torch.zeros(1, len(shown), dtype=torch.int32))[0]
        for place in range(pattern, len(row), 7):
            expected[place] = min(-float(output[place + 1, events[place] - 2]), UNSEEN)
    with torch.no_grad():
        whole = network(torch.from_numpy(framed)[None], torch.full((1, len(framed)), MISSING))[0].numpy()
    gap = int(whole[1:, 0].argmin())
    place = min(gap, len(row) - 1)
    expected[place] = max(expected[place], min(-whole[0, 0] * logbert.weight, UNSEEN - whole[0, 0]))
    surprisals = logbert.score(sessions([row]))["event_scores"].to_pylist()[0]
    np.testing.assert_allclose(surprisals, expected, atol=1e-4)


def test_onnx_is_torch(logbert):
    network, rng = logbert.network(), np.random.default_rng(0)
    lengths = rng.integers(2, 60, 40)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    tokens = rng.integers(2, len(logbert.vocabulary) + 3, offsets[-1]).astype(np.int32)
    asks = rng.integers(0, 2, offsets[-1]).astype(np.int32)
    for index, output in logbert._scorer.ragged({"tokens": tokens, "asks": asks}, offsets):
        for row, given in zip(index, output, strict=True):
            part = slice(offsets[row], offsets[row + 1])
            with torch.no_grad():
                wanted = network(torch.from_numpy(tokens[part])[None], torch.from_numpy(asks[part])[None])[0]
            np.testing.assert_allclose(given[: lengths[row]], wanted.numpy(), atol=1e-5)


def test_the_score_of_a_session_does_not_depend_on_the_other_sessions(logbert, monkeypatch):
    rows = [*normal(100, 9), [START] * 30, [ASK, 77, CLOSE], [], [START, *[ASK, ANSWER] * 600, CLOSE]]
    together = scores(logbert, *rows)
    assert [scores(logbert, row)[0] for row in rows[-12:]] == together[-12:]
    monkeypatch.setattr(windows, "CHUNK", 50)
    assert scores(logbert, *rows) == together


def test_long_sessions_are_scored_in_spans(logbert):
    long = [START, *[ASK, ANSWER] * 2000, WRITE, CLOSE]
    unusual = [*long[:2500], 99, *long[2500:]]
    events = logbert.score(sessions([unusual]))["event_scores"].to_pylist()[0]
    assert len(events) == len(unusual)
    assert events[2500] == UNSEEN
    assert np.isfinite(events).all()


def test_memory_does_not_grow_with_a_session_of_20_000_events(logbert, tmp_path):
    logbert.save(tmp_path)
    code = f"""
        from pathlib import Path
        import pyarrow as pa
        from logradar.core.memory import peak_mb
        from logradar.core.tables import SESSIONS
        from logradar.detectors.base import Detector
        detector = Detector.load(Path({str(tmp_path)!r}))
        def score(count):
            row = [3, *[5, 6] * (count // 2)]
            given = {{"session_id": "a", "record_ids": row, "template_ids": row, "gaps": [0.0] * len(row)}}
            detector.score(pa.Table.from_pylist([given], schema=SESSIONS))
            return round(peak_mb())
        print(score(2_000), score(20_000))
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=True)
    few, many = map(int, done.stdout.split())
    assert many < few + 300, f"{few} MB for 2,000 events, {many} MB for 20,000"


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(tmp_path):
    made = []
    for turn, seed in enumerate((3, 3, 4)):
        detector = logbert_with("training.epochs=2", "training.epoch_steps=10", seed=seed)
        detector.fit(TrainingSet.of_tables(sessions(normal(200, 0)), sessions(normal(50, 1))))
        detector.save(tmp_path / str(turn))
        made.append({path.name: path.read_bytes() for path in (tmp_path / str(turn)).iterdir()})
    assert made[0] == made[1]
    assert made[0]["weights.safetensors"] != made[2]["weights.safetensors"]


@pytest.mark.parametrize("stream", ["never", pytest.param("always", marks=pytest.mark.slow)])
def test_an_interrupted_training_resumes_to_the_same_bytes(tmp_path, monkeypatch, stream):
    settings = ["training.epochs=3", "training.epoch_steps=20", f"training.stream={stream}", "training.buffer=5"]
    settings += ["training.checkpoint_steps=7", "training.patience=0", "hypersphere=0.1"]
    learn, watch = sessions(normal(300, 0)), sessions(normal(50, 1))
    whole = logbert_with(*settings)
    whole.fit(TrainingSet.of_tables(learn, watch, tmp_path / "whole"))

    steps = 0

    def cut(self, *_, **__):
        nonlocal steps
        steps += 1
        if steps == 36:
            raise DataError("cut off")
        return kept(self, *_, **__)

    kept = monitor.Monitor.on_step_end
    monkeypatch.setattr(monitor.Monitor, "on_step_end", cut)
    with pytest.raises(DataError, match="cut off"):
        logbert_with(*settings).fit(TrainingSet.of_tables(learn, watch, tmp_path / "cut"))
    monkeypatch.setattr(monitor.Monitor, "on_step_end", kept)
    again = logbert_with(*settings, "training.resume=true")
    again.fit(TrainingSet.of_tables(learn, watch, tmp_path / "cut"))
    assert again._weights == whole._weights
    assert [epoch["eval_loss"] for epoch in again.history] == [epoch["eval_loss"] for epoch in whole.history]


@pytest.mark.slow
@learnt
def test_training_from_disk_learns(tmp_path, capsys):
    """The loss is far below that of guessing among six events, log(6)."""
    detector = logbert_with(
        *QUICKLY,
        "training.epochs=6",
        "training.stream=always",
        "training.buffer=5",
        "positions=16",
        "vocabulary=20",
        seed=SHIFT,
    )
    detector.fit(TrainingSet.of_tables(sessions(normal(1000, 0)), sessions(normal(300, 1)), tmp_path))
    assert "streamed from disk, 5 at a time" in capsys.readouterr().err
    assert best_loss(detector) < math.log(6) / 2
    assert scores(detector, [START, ASK, ANSWER])[0] > scores(detector, ORDINARY)[0] + 1
    assert not list(tmp_path.rglob("rows.parquet"))


@learnt
def test_the_hypersphere_brings_normal_sessions_together():
    """After a hundred steps to 0.6 of the spread without it, which differs by 0.02 from seed to seed."""
    spread = {}
    for weight in (0, 1):
        detector = logbert_with("updates=0", "training.epochs=2", f"hypersphere={weight}", seed=SHIFT)
        detector.fit(TrainingSet.of_tables(sessions(normal(300, 0)), sessions(normal(50, 1))))
        pieces = detector._pieces(detector._tokens(Sequences.from_lists(normal(200, 3)).distinct()))
        batch = detector._rows(pieces).batch(np.arange(len(pieces)))
        tokens = torch.from_numpy(batch["tokens"])
        first = torch.zeros(len(pieces), 1, dtype=torch.int64)
        with torch.no_grad():
            spread[weight] = float(detector.network()(tokens, first, first)[1].mean())
    assert spread[1] < 0.75 * spread[0]


@learnt
def test_the_rank_counts_more_likely_events(logbert):
    ranked = LogBERT(logbert.settings.model_copy(update={"score": "rank"}))
    ranked.vocabulary, ranked._scorer = logbert.vocabulary, logbert._scorer
    assert scores(ranked, ORDINARY)[0] <= 2
    assert scores(ranked, [START, 99, CLOSE])[0] == len(logbert.vocabulary) - 2 + 1
    assert scores(ranked, [START, UNKNOWN])[0] == len(logbert.vocabulary) - 2 + 1


def test_no_validation_sessions_and_wrong_settings():
    detector = logbert_with("training.epochs=1")
    detector.fit(TrainingSet.of_tables(sessions(normal(30, 0)), sessions([])))
    assert detector.weight >= 1.0
    with pytest.raises(ConfigError, match=r"hidden \(64\) must be a multiple of heads \(7\)"):
        load_config(LogBERTSettings, overrides=["heads=7"])


def test_each_objective_has_its_loss_in_the_history():
    """The validation loss is that of masked and of missing events together; the sphere is an objective of training."""
    few = ("training.epochs=1", "training.epoch_steps=2", "training.device=cpu")
    tables = sessions(normal(100, 0)), sessions(normal(60, 1))
    both, masked, sphere = logbert_with(*few), logbert_with(*few, "holes=0"), logbert_with(*few, "hypersphere=0.1")
    for detector in (both, masked, sphere):
        detector.fit(TrainingSet.of_tables(*tables))
    (row,) = both.history
    parts = [row["eval_loss_masked"], row["eval_loss_missing"]]
    assert min(parts) < row["eval_loss"] < max(parts)
    assert row["loss_masked"] > 0 and row["loss_missing"] > 0 and "loss_hypersphere" not in row
    (row,) = masked.history
    assert row["eval_loss"] == pytest.approx(row["eval_loss_masked"], rel=1e-6) and "eval_loss_missing" not in row
    (row,) = sphere.history
    assert row["loss_hypersphere"] > 0 and "eval_loss_hypersphere" not in row
