"""What ``loglstm`` and ``logtcn`` share: they read a session once and predict each next event and the end."""

from __future__ import annotations

import math
import random
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.detectors.learning import SHIFT, converged
from tests.detectors.session_rows import sessions

from logradar.core.config import load_config
from logradar.core.distinct import count_distinct
from logradar.core.errors import ConfigError
from logradar.core.sequences import Sequences
from logradar.core.tables import UNKNOWN
from logradar.core.training_set import TrainingSet
from logradar.detectors.base import Detector, detectors
from logradar.detectors.neural import windows
from logradar.detectors.neural.surprisal import UNSEEN

TINY = ("embedding=16", "training.device=cpu")
SIZES = {
    "loglstm": ("hidden=32", "training.schedule=constant", "training.epochs=9"),
    "logtcn": ("channels=16", "layers=5", "training.learning_rate=0.02", "training.epochs=6"),
}
READ, WRITE, ASK, ANSWER, CHECK, READ_DONE, WRITE_DONE = 3, 4, 10, 11, 40, 50, 51
# The lowest possible loss on sessions of `normal`, in nats per prediction: two beginnings, eight numbers of pairs and a
# check in a fifth of the sessions, in 12.2 predictions on average. Without the beginning, one more costs log(2).
ENTROPY = (math.log(2) + math.log(8) - 0.2 * math.log(0.2) - 0.8 * math.log(0.8)) / 12.2
FORGOTTEN = math.log(2) / 12.2


def session(first: int = READ, pairs: int = 7, checks: int = 0, last: int | None = None) -> list[int]:
    """The first event decides the last one, whatever is between them."""
    end = {READ: READ_DONE, WRITE: WRITE_DONE}[first] if last is None else last
    return [first, *[ASK, ANSWER] * pairs, *[CHECK] * checks, end]


def normal(count: int, seed: int) -> list[list[int]]:
    """Reads and writes with equal probability, 1 to 8 pairs of ask and answer, a check in a fifth of the sessions."""
    rng = random.Random(seed)
    return [session(rng.choice([READ, WRITE]), rng.randint(1, 8), int(rng.random() < 0.2)) for _ in range(count)]


PLAIN = ("updates=0", "score=surprisal")  # the network alone


def fitted(name: str, *settings: str, seed: int = 0, folder=None, count: int = 600) -> Detector:
    kind = detectors.load(name)
    given = [*PLAIN, *TINY, *SIZES.get(name, ()), *settings]
    detector = kind(load_config(kind.Settings, overrides=given), seed)
    detector.fit(TrainingSet.of_tables(sessions(normal(count, 0)), sessions(normal(150, 1)), folder))
    return detector


learnt = pytest.mark.learnt


@pytest.fixture(scope="module", params=["loglstm", pytest.param("logtcn", marks=pytest.mark.slow)])
def detector(request) -> Detector:
    """A network that has learnt the first event: without it, the loss is higher by four times the margin given here."""
    return converged(lambda seed: fitted(request.param, seed=seed), ENTROPY + FORGOTTEN / 4)


def scores(detector: Detector, *rows: list[int]) -> list[float]:
    return detector.score(sessions(list(rows)))["score"].to_pylist()


def events(detector: Detector, row: list[int]) -> list[float]:
    return detector.score(sessions([row]))["event_scores"].to_pylist()[0]


@learnt
def test_probabilities_are_those_of_the_grammar(detector):
    """Half of the sessions begin with a read, an eighth ends after each number of pairs, a fifth has a check."""
    probabilities = np.exp(-np.array(events(detector, session(READ, 1))))
    np.testing.assert_allclose(probabilities, [0.5, 1, 1, 0.8 / 8], atol=0.07)
    with_check = np.exp(-np.array(events(detector, session(WRITE, 2, 1))))
    np.testing.assert_allclose(with_check, [0.5, 1, 1, 7 / 8, 1, 0.2 / 7, 1], atol=0.07)
    assert detector.history[-1]["eval_loss"] < detector.history[0]["eval_loss"]


@learnt
def test_a_missing_step_is_found_where_it_is_missing(detector):
    row = session()
    del row[6]  # an answer
    surprisals = events(detector, row)
    assert int(np.argmax(surprisals)) == 6
    assert scores(detector, row)[0] > 3 > max(scores(detector, session(), session(WRITE, 6)))
    first = detector.explain(sessions([row])).to_pylist()[0]
    assert (first["position"], first["template_id"]) == (6, ASK)
    assert first["expected"][0]["template_id"] == ANSWER


@learnt
def test_a_missing_tail_is_found_by_the_end(detector):
    row = session()[:-4]
    assert scores(detector, row)[0] > 3
    first = detector.explain(sessions([row])).to_pylist()[0]
    assert first["reason"].startswith("the session ends here, which is surprising: probability")
    assert (first["position"], first["template_id"]) == (11, ANSWER)


@learnt
def test_the_first_event_is_remembered_for_more_than_ten_events(detector):
    """The last event does not belong to the first one, which is 15 events before: no window of ten contains both."""
    right, wrong = session(READ, 7), session(READ, 7, last=WRITE_DONE)
    surprisals = events(detector, wrong)
    assert int(np.argmax(surprisals)) == len(wrong) - 1
    assert surprisals[-1] > events(detector, right)[-1] + 2


@pytest.mark.slow
@learnt
def test_a_window_of_ten_does_not_contain_the_first_event():
    deeplog = fitted("deeplog", "window=10", "hidden=16", "training.epochs=4", seed=SHIFT)
    right, wrong = session(READ, 7), session(READ, 7, last=WRITE_DONE)
    assert abs(scores(deeplog, right)[0] - scores(deeplog, wrong)[0]) < 0.7


@learnt
def test_templates_never_seen_are_the_most_surprising(detector):
    row = [READ, ASK, 77, UNKNOWN, ANSWER, READ_DONE]
    surprisals = events(detector, row)
    assert surprisals[2] == surprisals[3] == UNSEEN > max(surprisals[0], surprisals[1])
    findings = detector.explain(sessions([row])).to_pylist()
    assert {2, 3} <= {f["position"] for f in findings if f["reason"] == "never seen in training"}


def test_scores_are_surprisals_of_the_network(detector):
    """ONNX against torch, for each event and the end."""
    row, network = session(WRITE, 8, 1), detector.network()
    tokens = torch.tensor([[0, *detector.vocabulary.tokens(np.array(row, np.int32)).tolist()]], dtype=torch.int32)
    with torch.no_grad():
        output = network(tokens)[0].numpy()
    expected = [-output[place, int(tokens[0, place + 1]) - 2] for place in range(len(row))]
    expected[-1] = max(expected[-1], -output[len(row), 0])
    np.testing.assert_allclose(events(detector, row), np.minimum(expected, UNSEEN), atol=1e-5)


def test_the_score_of_a_session_does_not_depend_on_the_other_sessions(detector, monkeypatch):
    rows = [*normal(200, 9), [READ] * 30, [ASK, 77], [], [WRITE]]
    together = scores(detector, *rows)
    assert [scores(detector, row)[0] for row in rows[-12:]] == together[-12:]
    monkeypatch.setattr(windows, "CHUNK", 60)
    assert scores(detector, *rows) == together


@learnt
def test_the_rank_counts_all_classes(detector):
    detector = scoring_by(detector, "rank")
    assert scores(detector, [READ, 77])[0] == 1 + 7 + 1
    assert events(detector, session())[3] == 1


def scoring_by(detector: Detector, score: str) -> Detector:
    other = type(detector)(detector.settings.model_copy(update={"score": score}), detector.seed)
    other.vocabulary, other._weights, other._scorer = detector.vocabulary, detector._weights, detector._scorer
    return other


def test_chunks_give_the_same_rows(detector):
    tokens = detector._tokens(Sequences.from_lists([*normal(200, 3), [], [99]]))
    whole = detector._rows(detector._pieces(tokens).distinct())
    parts = detector._rows(count_distinct(detector._pieces(part) for _, part in tokens.parts(50)).loaded())
    assert whole.fingerprint() == parts.fingerprint()
    known = len(tokens.values) - 1  # all but 99
    assert whole.weight == known + len(tokens)
    batch = {name: torch.from_numpy(array) for name, array in whole.batch(np.arange(len(whole))).items()}
    assert detector._loss(detector.network(), batch)[1].sum() == whole.weight


def test_very_long_sessions_are_read_in_spans(detector):
    """20,000 events: a bounded number is read at once, and the unknown event is found at its place."""
    row = [READ, *[ASK, ANSWER] * 10_000, READ_DONE]
    row[15_001] = 77
    seen: list[int] = []
    run = detector._scorer._session.run

    class Watched:
        def __getattr__(self, name):
            return getattr(session_, name)

        def run(self, *given):
            seen.append(given[1]["tokens"].size)
            return run(*given)

    session_ = detector._scorer._session
    detector._scorer._session = Watched()
    try:
        surprisals = np.array(events(detector, row))
    finally:
        detector._scorer._session = session_
    assert max(seen) <= 1 << 15
    assert len(surprisals) == len(row)
    assert np.isfinite(surprisals).all()
    assert np.flatnonzero(surprisals == UNSEEN).tolist() == [15_001]


def test_spans_with_enough_context_give_the_same_scores(detector):
    """In spans of 24 events with 16 before them, the scores and explanations of normal events agree."""
    settings = detector.settings.model_copy(update={"longest": 24, "context": 16})
    other = type(detector)(settings, detector.seed)
    other.vocabulary, other._weights, other._scorer = detector.vocabulary, detector._weights, detector._scorer
    rows = normal(30, 4)
    assert scores(other, *rows) == scores(detector, *rows)  # none is longer
    row = session() + session(WRITE, 8) + session()
    assert len(events(other, row)) == len(row)
    pieces = other._pieces(other._tokens(Sequences.from_lists([row])))
    assert len(pieces) > 1
    assert pieces.lengths.max() <= 25
    assert other._rows(pieces).weight == len(row) + 1
    findings = other.explain(sessions([row])).to_pylist()
    scored = events(other, row)
    assert all(finding["weight"] == pytest.approx(scored[finding["position"]]) for finding in findings)
    assert all(f"{100 * np.exp(-f['weight']):.2g} %" in f["reason"] for f in findings if f["weight"] < 10)


def test_scoring_needs_no_torch(detector, tmp_path):
    detector.save(tmp_path)
    code = f"""
        import sys
        for heavy in ("torch", "transformers", "accelerate", "onnx", "safetensors"):
            sys.modules[heavy] = None
        from pathlib import Path
        import pyarrow as pa
        from logradar.core.tables import SESSIONS
        from logradar.detectors.base import Detector
        row = {{"session_id": "a", "record_ids": [0, 1], "template_ids": [3, 10], "gaps": [0.0, 1.0]}}
        print(Detector.load(Path({str(tmp_path)!r})).score(pa.Table.from_pylist([row], schema=SESSIONS))["score"][0])
    """
    command = [sys.executable, "-c", textwrap.dedent(code)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2])
    assert float(done.stdout) == scores(detector, [READ, ASK])[0]


@pytest.mark.slow
def test_validation_may_have_events_that_training_lacks():
    kind = detectors.load("loglstm")
    detector = kind(load_config(kind.Settings, overrides=[*TINY, "training.epochs=1", "training.epoch_steps=2"]))
    detector.fit(TrainingSet.of_tables(sessions(normal(20, 0)), sessions([[READ, 99, READ_DONE], [UNKNOWN]])))
    np.testing.assert_allclose(detector.validation_scores, UNSEEN, rtol=0.02)


def test_a_context_as_long_as_a_span_is_refused():
    with pytest.raises(ConfigError, match="context is 1024; it must be below longest"):
        load_config(detectors.load("loglstm").Settings, overrides=["context=1024"])
