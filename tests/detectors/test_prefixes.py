"""Scores of unfinished sessions: a lower bound of the score of the whole session, however it goes on."""

from __future__ import annotations

import random
from functools import cache

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.detectors.session_rows import sessions

from logradar.core.errors import DataError
from logradar.core.training_set import TrainingSet
from logradar.detectors.base import Detector, detectors
from logradar.detectors.ensemble import Ensemble, EnsembleSettings

EVENTS = st.lists(st.integers(1, 9) | st.sampled_from([4, 5]), max_size=14)
SERVICES = ("loud", "still", "new")


def grammar(count: int, seed: int) -> list[list[int]]:
    """Open, some questions with answers, close; a few with events in any order."""
    rng = random.Random(seed)
    rows = [[3, *([4, 5] * rng.choice([1, 1, 2, 3])), 6] for _ in range(count)]
    return rows + [[3, *rng.choices([4, 5, 7, 8], k=rng.randrange(2, 9)), 6] for _ in range(count // 30)]


def in_service(table: pa.Table, services: list[str]) -> pa.Table:
    column = table.schema.get_field_index("service")
    return table.set_column(column, table.schema.field(column), pa.array(services).dictionary_encode())


def learnt(detector: Detector) -> Detector:
    learn, watch = grammar(300, 0), grammar(90, 1)
    places = random.Random(5)
    tables = [in_service(sessions(rows), places.choices(SERVICES[:2], k=len(rows))) for rows in (learn, watch)]
    detector.fit(TrainingSet.of_tables(*tables))
    return detector


SAFE = [name for name in detectors.names() if detectors.load(name)().prefix_safe]
ENSEMBLES = {
    "default": EnsembleSettings(),
    "mixed": EnsembleSettings(members=("values", "count_vector", "ngram", "new_template")),
    "plain": EnsembleSettings(members=("new_template", "length")),  # all that is normal scores 0
}


@cache
def fitted(name: str) -> Detector:
    return learnt(Ensemble(ENSEMBLES[name], 1) if name in ENSEMBLES else detectors.load(name)(seed=1))


def test_the_detectors_that_judge_unfinished_sessions():
    assert SAFE == ["ensemble", "length", "new_message", "new_template", "ngram"]


def is_lower_bound(detector: Detector, row: list[int], service: str) -> None:
    """Each beginning of the session against the whole, which may end there, too."""
    beginnings = in_service(sessions([row[:stop] for stop in range(len(row) + 1)]), [service] * (len(row) + 1))
    early = detector.score_unfinished(beginnings)["score"].to_numpy()
    late = detector.score(beginnings)["score"].to_numpy()
    assert np.isfinite(early).all()
    for stop in range(len(row) + 1):
        assert (early[stop] <= late[stop:]).all(), (row, stop)
    assert (late >= detector.lowest_score).all()


@settings(max_examples=80, deadline=None)
@given(row=EVENTS, name=st.sampled_from(SAFE), service=st.sampled_from(SERVICES))
def test_a_beginning_never_scores_above_the_whole_session(row, name, service):
    is_lower_bound(fitted(name), row, service)


@settings(max_examples=80, deadline=None)
@given(
    row=EVENTS,
    service=st.sampled_from(SERVICES),
    noise=st.dictionaries(st.sampled_from(SERVICES), st.floats(-4, 4)),
    cut=st.sampled_from([0.0, 0.5, 2.2]),
    shares=st.lists(st.floats(1e-6, 1), min_size=4, max_size=4),
    which=st.sampled_from(sorted(ENSEMBLES)),
)
def test_an_ensemble_keeps_the_bound_with_any_weights_discounts_and_cut(row, service, noise, cut, shares, which):
    ensemble = fitted(which)
    other = Ensemble(ensemble.settings, 1)
    other._members, other._scales = ensemble._members, ensemble._scales
    shares = shares[: len(ensemble.members)]
    other._weights, other._noise, other._cut = np.array(shares) / np.sum(shares), noise, cut
    is_lower_bound(other, row, service)


def test_what_is_certain_already_is_reported_early():
    for name, row in (("new_template", [3, 9]), ("ngram", [4, 3, 3]), ("length", [4] * 40), ("ensemble", [3, 9, 9])):
        assert fitted(name).score_unfinished(sessions([row]))["score"].to_pylist()[0] > 0, name
    half = sessions([[3, 4], []])
    for name in SAFE:  # a session that may go on as all others do is no alert yet
        assert (fitted(name).score_unfinished(half)["score"].to_numpy() <= 0).all(), name
    assert fitted("ngram").score(half)["score"].to_numpy()[0] > 0  # though it would be one if it ended here
    assert fitted("length").score_unfinished(sessions([])).num_rows == 0


@pytest.mark.parametrize("name", sorted(set(detectors.names()) - set(SAFE)))
def test_the_others_refuse_in_a_sentence(name):
    with pytest.raises(DataError, match=f"'{name}' cannot judge a session before it ends"):
        detectors.load(name)().score_unfinished(sessions([[3, 4]]))
