"""The inference API of neural detectors: shapes, padding, and next-event ranks computed by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from tests.detectors.learning import SHIFT
from tests.detectors.session_rows import sessions
from tests.detectors.test_contract import NAMES, ODD, normal

from logradar.core.errors import DataError
from logradar.core.session_set import SessionTable
from logradar.core.training_set import TrainingSet
from logradar.detectors.base import detectors
from logradar.detectors.deeplog import DeepLog, DeepLogSettings
from logradar.detectors.neural.body import NeuralDetector
from logradar.detectors.neural.vocabulary import Vocabulary

A, B, C = 10, 20, 30  # template ids; their tokens are 3, 4, 5, their classes 1, 2, 3, and class 0 is the end
AFTER = {  # what stands before -> probabilities of end, A, B, C
    0: [0.02, 0.9, 0.05, 0.03],
    3: [0.1, 0.2, 0.6, 0.1],
    4: [0.3, 0.05, 0.05, 0.6],
    5: [0.8, 0.1, 0.06, 0.04],
    1: [0.25, 0.3, 0.24, 0.21],
}


class SeenRows:
    """A network that looks one event back and gives these probabilities."""

    def __call__(self, inputs):
        yield np.log(np.array([AFTER[last] for last in inputs["history"][:, -1].tolist()], np.float32))


@pytest.fixture
def by_hand():
    detector = DeepLog(DeepLogSettings(window=1))
    detector.vocabulary = Vocabulary(np.array([A, B, C], np.int32))
    detector._scorer = SeenRows()
    return detector


def test_ranks_belong_to_the_event_at_their_place(by_hand):
    """A B C end: each is the likeliest after the one before. Compared with a shift of one, none would be."""
    predictions = by_hand.predicted(SessionTable(sessions([[A, B, C]])))
    assert predictions.ranks.tolist() == [1, 1, 1, 1]
    assert predictions.losses.tolist() == pytest.approx([-math.log(p) for p in (0.9, 0.6, 0.6, 0.8)], rel=1e-5)
    assert predictions.weights.tolist() == [1, 1, 1, 1]
    assert predictions.known.all()


def test_the_end_of_a_session_is_a_prediction(by_hand):
    """A B, and it ends: after B the end (0.3) is the second after C (0.6)."""
    predictions = by_hand.predicted(SessionTable(sessions([[A, B]])))
    assert predictions.ranks.tolist() == [1, 1, 2]
    without = DeepLog(DeepLogSettings(window=1, ends=False))
    without.vocabulary, without._scorer = by_hand.vocabulary, by_hand._scorer
    assert without.predicted(SessionTable(sessions([[A, B]]))).ranks.tolist() == [1, 1]


def test_an_unknown_template_is_a_miss_and_what_follows_is_predicted_after_it(by_hand):
    predictions = by_hand.predicted(SessionTable(sessions([[A, 99, B]])))
    assert predictions.known.tolist() == [True, False, True, True]
    assert predictions.ranks[[0, 2, 3]].tolist() == [1, 3, 2]  # after the unknown B is third; after B the end is second
    assert by_hand.calculate_anomaly_score([[A, 99, B]], top_k=20).tolist() == [0.25]


def test_repeated_sessions_are_weighted(by_hand):
    predictions = by_hand.predicted(SessionTable(sessions([[A], [B], [A], [A]])))
    assert sorted(
        zip(predictions.rows.tolist(), predictions.ranks.tolist(), predictions.weights.tolist(), strict=True)
    ) == [
        *((0, 1, 3), (0, 3, 3)),  # A first; after it the end (0.1) is third, beside C: ties count for it
        *((1, 2, 1), (1, 2, 1)),
    ]


def test_the_share_missed_by_top_k(by_hand):
    """C A end: ranks 3, 2, 3 (C is third at the start, A second after C, the end third after A)."""
    ids, mask = [[C, A, 0], [A, B, C]], [[1, 1, 0], [1, 1, 1]]
    assert by_hand.calculate_anomaly_score(ids, 1, mask).tolist() == [1.0, 0.0]
    assert by_hand.calculate_anomaly_score(ids, 2, mask).tolist() == pytest.approx([2 / 3, 0.0])
    assert by_hand.calculate_anomaly_score(ids, 3, mask).tolist() == [0.0, 0.0]
    with pytest.raises(DataError, match="top_k is 0"):
        by_hand.calculate_anomaly_score(ids, 0)


def test_a_top_k_that_holds_every_answer_is_announced(by_hand, capsys):
    """Three templates and the end: the top 4 are all, so only events that training did not have count."""
    assert by_hand.choices == 4
    assert by_hand.calculate_anomaly_score([[C, A, 0]], 3).tolist() == [0.0]
    assert capsys.readouterr().err == ""
    assert by_hand.calculate_anomaly_score([[C, A, 0]], 4).tolist() == [0.0]
    assert "top_k is 4, but deeplog chooses among 4 answers" in capsys.readouterr().err
    assert by_hand.calculate_anomaly_score([[C, A, 99]]).tolist() == [0.25]  # the default, 10
    assert "every event that training had is among the top 10" in capsys.readouterr().err


def test_event_ids_of_day_files_are_given_by_name(by_hand, capsys):
    """Event id e is template e + 3; what pads is the mask's, or the zeros at the end."""
    plain = by_hand.predict_anomaly_score([[A, B, C], [A, 0, 0]])
    events = [[A - 3, B - 3, C - 3], [A - 3, 0, 0]]
    for mask in (None, [[1, 1, 1], [1, 0, 0]]):
        assert by_hand.predict_anomaly_score(token_ids=events, attention_mask=mask).tolist() == plain.tolist()
        asked = by_hand.calculate_anomaly_score(token_ids=events, top_k=1, attention_mask=mask)
        assert asked.tolist() == by_hand.calculate_anomaly_score([[A, B, C], [A, 0, 0]], 1).tolist()
    assert capsys.readouterr().err == ""
    by_hand.vocabulary = Vocabulary(np.array([3, B, C], np.int32))  # now event id 0 is one of them
    first = by_hand.predict_anomaly_score([[3, B]])
    assert by_hand.predict_anomaly_score(token_ids=[[0, B - 3, 0]]).tolist() == first.tolist()
    closed = by_hand.predict_anomaly_score([[3, B, 3]])
    mask = [[1, 1, 1]]
    assert by_hand.predict_anomaly_score(token_ids=[[0, B - 3, 0]], attention_mask=mask).tolist() == closed.tolist()
    unknown = by_hand.predict_anomaly_score([[1, B, C]])
    assert by_hand.predict_anomaly_score(token_ids=[[-4, B - 3, C - 3]]).tolist() == unknown.tolist()


def test_ids_of_the_other_kind_are_not_scored_in_silence(by_hand, capsys):
    for door in (by_hand.predict_anomaly_score, by_hand.calculate_anomaly_score):
        for wrong in ([[A - 3, 2, B - 3]], [[-5, A]]):
            with pytest.raises(DataError, match=r"no template id.*Give event ids of day files as token_ids="):
                door(wrong)
        with pytest.raises(DataError, match="input_ids holds 0"):
            door([[0, A]], attention_mask=[[1, 1]])
        capsys.readouterr()
        door([[A - 3, B - 3, C - 3]])
        assert "did not have 3 of these 3 events. Event ids of day files are template ids less 3" in (
            capsys.readouterr().err
        )
        door(token_ids=[[A, B, C]])
        assert "token_ids= is for bundles of day files" in capsys.readouterr().err
        for given in ({}, {"input_ids": [[A]], "token_ids": [[A]]}):
            with pytest.raises(DataError, match="not both"):
                door(**given)
        with pytest.raises(DataError, match="token_ids must be integers"):
            door(token_ids=[[1.5]])


def test_padding_goes_by_the_mask_wherever_it_stands(by_hand):
    import torch

    plain = by_hand.predict_anomaly_score([[A, B, C]])
    for ids, mask in (
        ([[A, B, C, 0, 0]], None),
        ([[0, A, B, C, 0]], [[0, 1, 1, 1, 0]]),
        ([[A, 77, B, C]], [[True, False, True, True]]),
        (torch.tensor([[A, B, C, 5]]), torch.tensor([[1, 1, 1, 0]])),
        (np.array([[A, B, C]], np.int64), np.ones((1, 3), np.int8)),
    ):
        assert by_hand.predict_anomaly_score(ids, mask).tolist() == plain.tolist()
    assert by_hand.predict_anomaly_score(np.empty((0, 4), int)).shape == (0,)
    assert by_hand.calculate_anomaly_score([[0, 0]]).tolist() == [0.0]
    assert by_hand.predict_anomaly_score([[0, 0]]).shape == (1,)


@pytest.mark.parametrize(
    ("ids", "mask", "sentence"),
    [
        ([1, 2], None, "input_ids must be integers of shape"),
        ([[1.5, 2.0]], None, "input_ids must be integers of shape"),
        ([[1, 2], [3]], None, "rows of equal length"),
        ([["a"]], None, "must be integers"),
        ([[1, 2]], [[1]], "they must be equal"),
        ([[2**40]], None, "32 bits"),
    ],
)
def test_other_shapes_are_an_error_message(by_hand, ids, mask, sentence):
    for door in (by_hand.predict_anomaly_score, by_hand.calculate_anomaly_score):
        with pytest.raises(DataError, match=sentence):
            door(ids, attention_mask=mask)


class Checked:
    """An ONNX session that compares all outputs with those of torch, batch by batch."""

    def __init__(self, session, network):
        self.session, self.network, self.worst, self.runs = session, network, 0.0, 0

    def run(self, names, batch):
        import torch

        wanted = self.session.run(names, batch)
        with torch.no_grad():
            expected = self.network(**{name: torch.from_numpy(array) for name, array in batch.items()})
        every = expected if isinstance(expected, tuple) else (expected,)
        for one, other in zip(self.session.run(None, batch), every, strict=True):
            assert one.shape == tuple(other.shape)
            self.worst = max(self.worst, float(np.abs(one - other.numpy()).max(initial=0.0)))
        self.runs += 1
        return wanted

    def __getattr__(self, name):
        return getattr(self.session, name)


NEURAL = [name for name in NAMES if issubclass(detectors.load(name), NeuralDetector)]


@pytest.fixture(scope="module", params=NEURAL)
def fitted(request):
    detector = detectors.load(request.param)(seed=SHIFT + 1)
    training = detector.settings.training.model_copy(update={"epochs": 2, "device": "cpu"})
    detector.settings = detector.settings.model_copy(update={"training": training, "updates": 0})
    detector.fit(TrainingSet.of_tables(sessions(normal(300, 0)), sessions(normal(60, 1))))
    return detector


def test_onnx_equals_torch(fitted):
    session = fitted._scorer._session
    fitted._scorer._session = checked = Checked(session, fitted.network())
    try:
        fitted.score(sessions([*normal(40, 2), ODD, [3], [99, 98]]))
    finally:
        fitted._scorer._session = session
    assert checked.runs
    assert checked.worst < 1e-5


@pytest.mark.learnt
def test_the_api_gives_the_score_of_the_session(fitted):
    rows = [*normal(10, 3), ODD]
    width = max(map(len, rows))
    ids = [row + [0] * (width - len(row)) for row in rows]
    mask = [[1] * len(row) + [0] * (width - len(row)) for row in rows]
    expected = fitted.score(sessions(rows))["score"].to_numpy()
    np.testing.assert_allclose(fitted.predict_anomaly_score(ids, mask), expected, rtol=1e-5)
    missed = fitted.calculate_anomaly_score(ids, 2, mask)
    assert ((missed >= 0) & (missed <= 1)).all()
    assert missed[-1] > missed[:-1].max()


def test_predictions_are_one_for_each_event_and_end(fitted):
    rows = normal(20, 4)
    predictions = fitted.predicted(SessionTable(sessions(rows)))
    events = sum(map(len, rows))
    assert events <= predictions.weights.sum() <= events + len(rows)
    assert (predictions.ranks >= 1).all()
    assert (predictions.losses >= 0).all()


@pytest.mark.learnt
def test_eight_bits_are_smaller_and_score_nearly_the_same(fitted):
    from logradar.detectors.neural.quantized import quantized

    small = quantized(fitted.onnx)
    assert len(small) < 0.7 * len(fitted.onnx)
    table = sessions([*normal(30, 5), ODD])
    before, after = (d.score(table)["score"].to_numpy() for d in (fitted, fitted.scoring_with(small)))
    assert not np.array_equal(before, after)
    np.testing.assert_allclose(after, before, rtol=0.1, atol=0.3)


def test_weights_from_elsewhere_replace_its_own(fitted):
    twin = fitted.with_weights(fitted._weights)
    table = sessions(normal(20, 6))
    np.testing.assert_allclose(
        twin.score(table)["score"].to_numpy(), fitted.score(table)["score"].to_numpy(), rtol=1e-5
    )
