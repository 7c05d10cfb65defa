"""Detector ``deeplog``: what it learns, reports and saves, in addition to the contract of all detectors."""

from __future__ import annotations

import gzip
import random
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.detectors.learning import SHIFT, best_loss, converged
from tests.detectors.session_rows import sessions

from logradar.core.config import load_config
from logradar.core.distinct import count_distinct
from logradar.core.errors import ConfigError
from logradar.core.sequences import Sequences
from logradar.core.tables import UNKNOWN
from logradar.core.training_set import TrainingSet
from logradar.detectors.base import Detector
from logradar.detectors.deeplog import DeepLog, DeepLogSettings
from logradar.detectors.neural import windows
from logradar.detectors.neural.surprisal import UNSEEN
from logradar.training import device

SMALL = ("hidden=24", "layers=1", "embedding=8", "window=4", "training.device=cpu")
SMALL += ("training.learning_rate=0.01", "training.epochs=5")  # the default rate takes four times as many epochs
CONVERGED = 0.166  # nats per prediction; 0.165 is reached; at 0.167 an end after CHECK may seem 97 % likely
START, ASK, ANSWER, CHECK, END = 3, 5, 6, 40, 41


def normal(count: int, seed: int) -> list[list[int]]:
    """Start, ask and answer once (three of four times) or twice, end; CHECK before the end in one of ten."""
    rng = random.Random(seed)
    return [
        [START, *[ASK, ANSWER] * (1 + (rng.random() < 0.25)), *[CHECK] * (rng.random() < 0.1), END]
        for _ in range(count)
    ]


def fitted_with(*settings: str, seed: int = 0) -> DeepLog:
    detector = DeepLog(
        load_config(DeepLogSettings, overrides=["updates=0", "score=surprisal", *SMALL, *settings]), seed
    )
    detector.fit(TrainingSet.of_tables(sessions(normal(2000, 0)), sessions(normal(300, 1))))
    return detector


learnt = pytest.mark.learnt


@pytest.fixture(scope="module")
def deeplog() -> DeepLog:
    return converged(lambda seed: fitted_with(seed=seed), CONVERGED)


@pytest.fixture(scope="module")
def endless() -> DeepLog:
    return fitted_with("ends=false", seed=SHIFT)


def scores(detector: Detector, *rows: list[int]) -> list[float]:
    return detector.score(sessions(list(rows)))["score"].to_pylist()


def events(detector: Detector, row: list[int]) -> list[float]:
    return detector.score(sessions([row]))["event_scores"].to_pylist()[0]


@learnt
def test_probabilities_are_those_of_the_grammar(deeplog):
    """It learns from few distinct windows, and their counts give the right probabilities."""
    probabilities = np.exp(-np.array(events(deeplog, [START, ASK, ANSWER, CHECK, END])))
    np.testing.assert_allclose(probabilities, [1, 1, 1, 0.75 * 0.1, 1], atol=0.03)
    again = np.exp(-np.array(events(deeplog, [START, ASK, ANSWER, ASK, ANSWER, END])))
    np.testing.assert_allclose(again, [1, 1, 1, 0.25, 1, 0.9], atol=0.03)


def test_history_and_validation_scores(deeplog):
    assert [epoch["epoch"] for epoch in deeplog.history] == list(range(1, len(deeplog.history) + 1))
    assert deeplog.history[-1]["eval_loss"] < deeplog.history[0]["eval_loss"]
    np.testing.assert_array_equal(
        deeplog.validation_scores, deeplog.score(sessions(normal(300, 1)))["score"].to_numpy()
    )


@learnt
def test_a_missing_tail_is_found_by_the_end(deeplog, endless):
    short, complete = [START, ASK], [START, ASK, ANSWER, END]
    assert scores(deeplog, short)[0] > 4 > scores(deeplog, complete)[0]
    assert scores(endless, short)[0] == pytest.approx(scores(endless, complete)[0], abs=0.5)
    finding = deeplog.explain(sessions([short])).to_pylist()[0]
    assert finding["reason"].startswith("the session ends here, which is surprising: probability")
    assert (finding["position"], finding["template_id"]) == (1, ANSWER)
    assert finding["expected"][0]["template_id"] == ANSWER
    assert finding["expected"][0]["probability"] > 0.9


@learnt
def test_the_event_that_surprised_is_named_with_what_was_expected(deeplog):
    row = [START, ASK, ANSWER, START, END]
    first = deeplog.explain(sessions([row])).to_pylist()[0]
    assert (first["session_id"], first["position"], first["template_id"]) == ("s0", 3, START)
    assert "rank" in first["reason"]
    assert not any(str(number) in first["reason"].partition(":")[0] for number in row)
    assert [item["template_id"] for item in first["expected"]] == [END, ASK, CHECK]
    assert first["weight"] == pytest.approx(max(events(deeplog, row)))
    assert first["weight"] <= scores(deeplog, row)[0] < first["weight"] + 1


@learnt
def test_a_normal_session_has_no_findings(deeplog):
    assert deeplog.explain(sessions([[START, ASK, ANSWER, END], []])).num_rows == 0


@learnt
def test_templates_never_seen_are_the_most_surprising(deeplog):
    row = [START, ASK, 77, ANSWER, UNKNOWN, END]
    surprisals = events(deeplog, row)
    assert surprisals[2] == surprisals[4] == UNSEEN > max(surprisals[0], surprisals[1], surprisals[3])
    findings = deeplog.explain(sessions([row])).to_pylist()
    assert {(finding["position"], finding["reason"]) for finding in findings} >= {
        (2, "never seen in training"),
        (4, "never seen in training"),
    }
    assert findings[0]["expected"]


@learnt
def test_the_rank_follows_the_rule_of_the_paper(deeplog):
    detector = DeepLog(deeplog.settings.model_copy(update={"score": "rank"}))
    detector.vocabulary, detector._weights, detector._scorer = deeplog.vocabulary, deeplog._weights, deeplog._scorer
    classes = 1 + 5  # the end, and five templates
    assert scores(detector, [START, ASK, ANSWER, END])[0] == 1
    assert events(detector, [START, ASK, ANSWER, CHECK, END])[3] in (2, 3)
    assert scores(detector, [START, 77])[0] == classes + 1
    with torch.no_grad():
        output = detector.network()(torch.tensor([[0, 0, 3, 4]], dtype=torch.int32))[0].numpy()
    place = detector.vocabulary.ids.tolist().index(START) + 1
    assert events(detector, [START, ASK, START])[2] >= 1 + (output > output[place]).sum()


def test_scores_are_surprisals_of_the_network(deeplog):
    """Against torch, window by window."""
    row, network = [START, ASK, ASK, ANSWER, CHECK, END], deeplog.network()
    tokens = [0] * 4 + deeplog.vocabulary.tokens(np.array(row, np.int32)).tolist() + [0]
    surprisals = []
    for place in range(4, len(tokens)):
        with torch.no_grad():
            output = network(torch.tensor([tokens[place - 4 : place]], dtype=torch.int32))[0]
        surprisals.append(-float(output[max(tokens[place] - 2, 0)]))
    expected = [*surprisals[:-2], max(surprisals[-2:])]
    np.testing.assert_allclose(events(deeplog, row), np.minimum(expected, UNSEEN), atol=1e-5)
    assert network.embed.weight[UNKNOWN].abs().sum() == 0


def test_the_score_of_a_session_does_not_depend_on_the_other_sessions(deeplog, monkeypatch):
    rows = [*normal(300, 9), [START] * 30, [ASK, 77, END], []]
    together = scores(deeplog, *rows)
    assert [scores(deeplog, row)[0] for row in rows[-20:]] == together[-20:]
    monkeypatch.setattr(windows, "CHUNK", 50)
    assert scores(deeplog, *rows) == together


def test_chunks_give_the_same_rows(deeplog):
    tokens = deeplog._tokens(Sequences.from_lists(normal(200, 3)))
    whole = deeplog._rows(deeplog._pieces(tokens).distinct())
    parts = deeplog._rows(count_distinct(deeplog._pieces(part) for _, part in tokens.parts(50)).loaded())
    assert whole.fingerprint() == parts.fingerprint()
    assert whole.weight == 200 + len(tokens.values)


def test_validation_may_have_events_that_training_lacks():
    few = ("training.epochs=1", "training.epoch_steps=2")
    detector = DeepLog(load_config(DeepLogSettings, overrides=[*SMALL, *few]))
    detector.fit(TrainingSet.of_tables(sessions(normal(50, 0)), sessions([[START, 99, END], [UNKNOWN]])))
    np.testing.assert_allclose(detector.validation_scores, UNSEEN, rtol=0.01)
    # 99 is known by now, for validation sessions are learnt too: two that were never seen score log(2) more than one.
    assert scores(detector, [98, 97])[0] > detector.validation_scores.max() + 0.5


def test_scoring_needs_no_torch(deeplog, tmp_path):
    deeplog.save(tmp_path)
    code = f"""
        import sys
        for heavy in ("torch", "transformers", "accelerate", "onnx", "safetensors"):
            sys.modules[heavy] = None
        sys.path.insert(0, {str(Path(__file__).parent)!r})
        from logradar.detectors.base import Detector
        import pyarrow as pa
        from logradar.core.tables import SESSIONS
        row = {{"session_id": "a", "record_ids": [0, 1], "template_ids": [3, 5], "gaps": [0.0, 1.0]}}
        table = pa.Table.from_pylist([row], schema=SESSIONS)
        from pathlib import Path
        detector = Detector.load(Path({str(tmp_path)!r}))
        print(detector.score(table)["score"][0].as_py(), detector.explain(table).num_rows)
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=True)
    score, findings = done.stdout.split()
    assert float(score) == scores(deeplog, [3, 5])[0]
    assert int(findings) == 1


def test_training_without_torch_is_an_error_message(monkeypatch):
    monkeypatch.setattr(device.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"Neural detectors need torch.*pip install 'logradar\[deep\]'"):
        fitted_with()


def test_checkpoints_and_resume_go_through_the_settings(tmp_path):
    settings = [*SMALL, "training.epochs=3", "training.epoch_steps=5"]
    trained = []
    for extra in ([], ["training.resume=true"]):
        detector = DeepLog(load_config(DeepLogSettings, overrides=[*settings, *extra]), seed=3)
        detector.fit(TrainingSet.of_tables(sessions(normal(300, 0)), sessions(normal(50, 1)), tmp_path))
        trained.append(detector)
    assert (tmp_path / "training_history.json").is_file()
    assert trained[0].history == trained[1].history
    assert scores(trained[0], [START, ASK, END]) == scores(trained[1], [START, ASK, END])


def test_an_override_keeps_the_other_settings_of_its_training():
    settings = load_config(DeepLogSettings, overrides=["training.epochs=3"])
    assert settings.training == DeepLogSettings().training.model_copy(update={"epochs": 3})


def test_all_wrong_settings_are_reported_at_once():
    with pytest.raises(ConfigError, match=r"'training\.epoch' is not known, did you mean 'epochs'\?; 'window' is 0"):
        load_config(DeepLogSettings, overrides=["window=0", "training.epoch=3"])


@learnt
@pytest.mark.parametrize("batch", [64, pytest.param(256, marks=pytest.mark.slow)])
def test_windows_from_disk_reach_the_loss_of_windows_in_memory(tmp_path, capsys, batch):
    losses = {}
    for stream in ("never", "always"):
        settings = [
            "updates=0",
            *SMALL,
            f"training.stream={stream}",
            f"training.batch_size={batch}",
            "training.buffer=10",
        ]
        detector = DeepLog(load_config(DeepLogSettings, overrides=settings), seed=SHIFT)
        detector.fit(TrainingSet.of_tables(sessions(normal(2000, 0)), sessions(normal(300, 1)), tmp_path / stream))
        losses[stream] = best_loss(detector)
        assert ("streamed from disk, 10 at a time" in capsys.readouterr().err) == (stream == "always")
        assert scores(detector, [START, ASK])[0] > 4
    assert losses["always"] == pytest.approx(losses["never"], rel=0.02)
    assert not list(tmp_path.rglob("rows.parquet"))


@pytest.mark.slow
def test_windows_from_disk_give_the_same_bytes_each_time(tmp_path):
    made = []
    for turn in ("one", "two"):
        settings = [
            *SMALL,
            "training.stream=always",
            "training.buffer=10",
            "training.epochs=3",
            "training.epoch_steps=20",
        ]
        detector = DeepLog(load_config(DeepLogSettings, overrides=settings), seed=2)
        detector.fit(TrainingSet.of_tables(sessions(normal(500, 0)), sessions(normal(100, 1)), tmp_path / turn))
        detector.save(tmp_path / f"bundle-{turn}")
        made.append({path.name: path.read_bytes() for path in (tmp_path / f"bundle-{turn}").iterdir()})
    assert made[0].keys() >= {"weights.safetensors", "network.onnx"}
    assert made[0] == made[1]


@pytest.mark.slow
def test_hdfs_is_learnt_as_well_from_disk_as_in_memory(data_dir, tmp_path):
    with gzip.open(data_dir / "hdfs" / "hdfs_train.txt.gz", "rt") as file:
        rows = [[int(event) + 2 for event in line.split()] for line in file]
    losses = []
    for stream in ("never", "always"):
        settings = [f"training.stream={stream}", "training.buffer=1000", "training.epochs=15", "training.device=cpu"]
        detector = DeepLog(load_config(DeepLogSettings, overrides=settings))
        detector.fit(TrainingSet.of_tables(sessions(rows[:4100]), sessions(rows[4100:]), tmp_path / stream))
        losses.append(min(epoch["eval_loss"] for epoch in detector.history))
    assert losses[1] == pytest.approx(losses[0], rel=0.03)


def test_a_bounded_vocabulary_counts_rarer_events_as_unknown(tmp_path):
    """CHECK is the rarest of five events: with room for four it is unknown, and said to be so."""
    bounded = fitted_with("vocabulary=4", "training.epochs=1", "training.epoch_steps=1")
    assert bounded.vocabulary.ids.tolist() == [START, ASK, ANSWER, END]
    sessions_ = sessions([[START, ASK, ANSWER, CHECK, END], [START, ASK, ANSWER, END]])
    with_check, without = bounded.score(sessions_)["score"].to_pylist()
    assert with_check >= UNSEEN > without
    bounded.save(tmp_path / "d")
    for detector in (bounded, Detector.load(tmp_path / "d")):
        reasons = detector.explain(sessions_)["reason"].to_pylist()
        assert any(reason.startswith("not one of the events that the network knows") for reason in reasons)
        assert not any("never seen" in reason for reason in reasons)
    all_of_them = fitted_with("vocabulary=10000", "training.epochs=1", "training.epoch_steps=1")
    whole = fitted_with("training.epochs=1", "training.epoch_steps=1")
    assert all_of_them._weights == whole._weights  # an upper bound, not a size
