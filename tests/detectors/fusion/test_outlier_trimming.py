"""Normal sessions that are least like the others: anomalies that nobody has labelled, with all their twins."""

from __future__ import annotations

import gzip

import numpy as np
import pytest

from logradar.core.sequences import Sequences
from logradar.detectors.base import detectors
from logradar.detectors.fusion.cross_conformal import left_out
from logradar.detectors.fusion.outlier_trimming import most_unusual

SIMPLE = ("new_template", "length", "count_vector", "ngram")


def simple():
    return [detectors.load(name)() for name in SIMPLE]


def mixed(seed: int = 0) -> tuple[Sequences, np.ndarray]:
    """A thousand sessions of a protocol, 2 % of them with one wrong end that repeats itself, 1 % of them broken."""
    rng = np.random.default_rng(seed)
    rows = [[3, *[4] * int(rng.integers(1, 5)), 5, 6] for _ in range(970)]
    odd = [[3, 4, 9, 9]] * 20 + [[3, 6, *[7] * (number % 3 + 1), 5] for number in range(10)]
    truth = np.repeat([False, True], [970, 30])
    order = rng.permutation(1000)
    every = rows + odd
    return Sequences.from_lists([every[i] for i in order]), truth[order]


def test_twins_do_not_hide_each_other():
    rows, truth = mixed()
    found = most_unusual(rows, 0.03, simple())
    assert found.sum() == truth.sum() == (found & truth).sum()


def test_leaving_out_one_session_at_a_time_would_not_find_twins():
    rows, _ = mixed()
    distinct = rows.distinct()
    twins = int(np.argmax([row.tolist() == [3, 4, 9, 9] for row in distinct]))
    for detector in simple():
        assert left_out(detector, distinct)[twins] <= 0
    kinds = distinct.fingerprints()
    assert max(left_out(detector, distinct, kinds)[twins] for detector in simple()) > 0


@pytest.mark.parametrize("share", [0.001, 0.01, 0.025, 0.2])
def test_never_more_than_the_share_and_equal_sequences_go_together(share):
    rows, _ = mixed()
    found = most_unusual(rows, share, simple())
    assert found.sum() <= share * len(rows)
    distinct = rows.distinct()
    for row in range(len(distinct)):
        assert len(set(found[distinct.inverse == row].tolist())) == 1


def test_the_order_of_sessions_is_nothing():
    rows, _ = mixed()
    order = np.random.default_rng(1).permutation(len(rows))
    assert (most_unusual(rows, 0.03, simple())[order] == most_unusual(rows.take(order), 0.03, simple())).all()


def test_jobs_that_have_nothing_in_common_are_not_the_most_unusual():
    """Each of ten jobs has templates of its own; a few sessions of the largest go wrong in one place."""
    jobs = [[10 * job + step for step in range(3, 9)] for job in range(10)]
    rows = [jobs[0]] * 600 + [job for job in jobs[1:] for _ in range(40)]
    rows += [[3, 4, 5, 5, 7, 8]] * 3 + [[3, 4, 5, 6, 8, 7]] * 3 + [[3, 4, 6, 7, 8]] * 4
    truth = np.arange(len(rows)) >= 960
    assert (most_unusual(Sequences.from_lists(rows), 0.0105, simple()) == truth).all()


@pytest.mark.parametrize("rows", [[], [[3]], [[3, 4]] * 50, [[]] * 10, [[], [3], [4, 4], [1]] * 5])
def test_little_to_look_at(rows):
    found = most_unusual(Sequences.from_lists(rows), 0.2, simple())
    assert found.shape == (len(rows),) and found.sum() <= 0.2 * len(rows)


def read(path) -> Sequences:
    with gzip.open(path, "rt") as lines:
        return Sequences.from_lists([[int(word) + 3 for word in line.split()] for line in lines])


def test_most_of_the_anomalies_mixed_into_deeplogs_training_are_found(data_dir):
    """5 % of 5,111 sessions; a third of them are of two kinds that make up 0.9 % each."""
    normal, odd = (read(data_dir / f"hdfs/hdfs_{name}.txt.gz") for name in ("train", "test_abnormal"))
    drawn = odd.take(np.random.default_rng(0).choice(len(odd), 256, replace=False))
    found = most_unusual(normal.concat(drawn), 256 / (len(normal) + 256), simple())
    assert found[len(normal) :].mean() > 0.85
    assert found[: len(normal)].mean() < 0.01
