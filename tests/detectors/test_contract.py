"""The promise of `logradar.detectors.base.Detector`, kept by every detector that is found."""

from __future__ import annotations

import json
import random

import numpy as np
import pyarrow as pa
import pytest

from logradar.core.bundle import KINDS
from logradar.core.errors import DataError, LogRadarError
from logradar.core.tables import FINDINGS, SCORES, SESSIONS, check
from logradar.detectors.base import Detector, detectors

NAMES = detectors.names()


def sessions(rows: list[list[int]]) -> pa.Table:
    """SESSIONS of the given sequences, one second between events."""
    return pa.Table.from_pylist(
        [
            {
                "session_id": f"s{number}",
                "record_ids": list(range(len(row))),
                "template_ids": row,
                "gaps": [float(place > 0) for place in range(len(row))],
            }
            for number, row in enumerate(rows)
        ],
        schema=SESSIONS,
    )


def normal(count: int, seed: int) -> list[list[int]]:
    """Sessions of a small grammar: open, one or two of (ask, answer), sometimes a check, close."""
    rng = random.Random(seed)
    rows = []
    for _ in range(count):
        row = [3]
        for _ in range(rng.choice([1, 1, 2])):
            row += [4, 5]
        rows.append(row + [6] * (rng.random() < 0.3) + [7])
    return rows


ODD = [3, 7, 7, 5, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 99, 3]


@pytest.fixture(scope="module", params=NAMES)
def fitted(request: pytest.FixtureRequest) -> Detector:
    detector = detectors.load(request.param)(seed=1)
    detector.fit(sessions(normal(400, 0)), sessions(normal(100, 1)))
    return detector


def test_schema_order_and_alignment(fitted):
    rows = [*normal(20, 2), [], ODD]
    table = sessions(rows)
    scores = check(fitted.score(table), SCORES)
    assert scores["session_id"].to_pylist() == table["session_id"].to_pylist()
    assert [len(events) for events in scores["event_scores"].to_pylist()] == [len(row) for row in rows]
    assert np.isfinite(scores["score"].to_numpy()).all()
    assert np.isfinite(scores["event_scores"].combine_chunks().values.to_numpy()).all()


def test_equal_sequences_score_equally_wherever_they_stand(fitted):
    rows = normal(30, 3)
    first = fitted.score(sessions([*rows, ODD]))["score"].to_numpy()
    again = fitted.score(sessions([ODD, *rows]))["score"].to_numpy()
    np.testing.assert_allclose(first[-1], again[0], rtol=1e-5)
    np.testing.assert_allclose(first[:-1], again[1:], rtol=1e-4, atol=1e-6)


def test_an_odd_session_scores_above_normal_ones(fitted):
    scores = fitted.score(sessions([*normal(50, 4), ODD]))["score"].to_numpy()
    assert scores[-1] > scores[:-1].max()


def test_validation_scores_are_those_of_normal_sessions(fitted):
    assert len(fitted.validation_scores) == 100
    odd = fitted.score(sessions([ODD]))["score"].to_numpy()[0]
    assert odd > fitted.validation_scores.max()


def test_unseen_ids_survive(fitted):
    huge = sessions([[3, 4, 5, 2**30, 1, 7], [1], [2**31 - 1] * 4])
    assert np.isfinite(fitted.score(huge)["score"].to_numpy()).all()
    check(fitted.explain(huge), FINDINGS)


def test_the_odd_session_is_explained(fitted):
    findings = check(fitted.explain(sessions([normal(1, 5)[0], ODD])), FINDINGS).to_pylist()
    odd = [finding for finding in findings if finding["session_id"] == "s1"]
    assert odd
    assert all(finding["reason"] for finding in odd)
    assert all(f["position"] is None or 0 <= f["position"] < len(ODD) for f in odd)
    assert [f["weight"] for f in odd] == sorted((f["weight"] for f in odd), reverse=True)


def test_an_empty_table_works(fitted):
    assert fitted.score(sessions([])).num_rows == 0
    assert fitted.explain(sessions([])).num_rows == 0


def test_save_and_load_give_equal_scores(fitted, tmp_path):
    table = sessions([*normal(20, 6), ODD])
    fitted.save(tmp_path)
    assert {path.suffix for path in tmp_path.rglob("*") if path.is_file()} <= set(KINDS)
    loaded = Detector.load(tmp_path)
    assert type(loaded) is type(fitted)
    np.testing.assert_allclose(
        loaded.score(table)["score"].to_numpy(), fitted.score(table)["score"].to_numpy(), rtol=1e-5, atol=1e-5
    )
    assert loaded.explain(table)["reason"].to_pylist()[:3] == fitted.explain(table)["reason"].to_pylist()[:3]


def test_a_damaged_detector_is_refused_in_a_sentence(fitted, tmp_path):
    fitted.save(tmp_path)
    state = json.loads((tmp_path / "detector.json").read_text())
    (tmp_path / "detector.json").write_text(json.dumps({**state, "state": {}}))
    with pytest.raises(LogRadarError, match=r"train it again|cannot be read"):
        Detector.load(tmp_path)


@pytest.mark.parametrize("name", NAMES)
def test_a_refit_with_the_same_seed_gives_the_same_bytes(name):
    table = sessions([*normal(20, 7), ODD])
    scores = []
    for _ in range(2):
        detector = detectors.load(name)(seed=5)
        detector.fit(sessions(normal(150, 0)), sessions(normal(40, 1)))
        scores.append(detector.score(table)["score"].to_numpy().tobytes())
    assert scores[0] == scores[1]


@pytest.mark.parametrize("name", NAMES)
def test_nothing_to_learn_from_is_a_sentence(name):
    with pytest.raises(DataError, match="no session to learn from"):
        detectors.load(name)().fit(sessions([]), sessions([]))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("train", [[[3]], [[3, 3, 3]] * 5, [[]]])
def test_the_smallest_training_data_works(name, train):
    detector = detectors.load(name)(seed=1)
    detector.fit(sessions(train), sessions([]))
    scores = detector.score(sessions([train[0], [3, 9, 9, 9, 3, 8, 8]]))["score"].to_numpy()
    assert np.isfinite(scores).all()
    assert len(detector.validation_scores) == 0
