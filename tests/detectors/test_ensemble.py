"""The ensemble: one scale, members that drop out, services, what is usual, and real logs."""

from __future__ import annotations

import gzip
import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from session_rows import sessions

from logradar.alerting.threshold import ThresholdSettings, fit_threshold
from logradar.core.errors import ConfigError, DataError
from logradar.core.sequences import Sequences
from logradar.core.training_set import TrainingSet
from logradar.detectors.base import Detector
from logradar.detectors.ensemble import Ensemble, EnsembleSettings
from logradar.detectors.length import Length
from logradar.detectors.ngram import Ngram
from logradar.evaluation.metrics import measure, natural_weights


def grammar(count: int, seed: int, wild: float = 0.0) -> list[list[int]]:
    """Open, some questions, close; a share ``wild`` of them with events in any order."""
    rng = random.Random(seed)
    rows = []
    for _ in range(count):
        row = [3, *([4, 5] * rng.choice([1, 1, 2, 3])), 6]
        if rng.random() < wild:
            row = [3, *rng.choices([4, 5, 7, 8], k=rng.randrange(2, 9)), 6]
        rows.append(row)
    return rows


def scored(detector: Detector, rows: list[list[int]]) -> np.ndarray:
    return detector.score(sessions(rows))["score"].to_numpy()


def limit(detector: Detector) -> float:
    """The default threshold."""
    return fit_threshold(detector.validation_scores, ThresholdSettings()).value


def of(*members: str, seed: int = 1, **settings: object) -> Ensemble:
    return Ensemble(EnsembleSettings(members=members, **settings), seed)


def test_what_is_usual_scores_0_and_the_threshold_is_never_less():
    ensemble = Ensemble(seed=1)
    ensemble.fit(TrainingSet.of_tables(sessions(grammar(800, 0, 0.01)), sessions(grammar(200, 1, 0.01))))
    assert limit(ensemble) == 0 > ensemble.validation_scores.min()
    assert (scored(ensemble, grammar(500, 2)) <= 0).all()
    assert (scored(ensemble, [[3, 4, 5], [3, 4, 5, 9, 6], [6, 5, 4, 3]]) > 0).all()


def test_a_few_novelties_in_training_do_not_make_every_novelty_an_alert():
    """With ten validation sessions the quantile says nothing; sessions left out in turn do."""
    learn, watch, new = grammar(90, 0, 0.15), grammar(10, 1), grammar(2000, 2, 0.15)
    alone, ensemble = Ngram(), Ensemble(seed=1)
    for detector in (alone, ensemble):
        detector.fit(TrainingSet.of_tables(sessions(learn), sessions(watch)))
    assert (scored(alone, new) > limit(alone)).mean() > 0.02
    assert (scored(ensemble, new) > limit(ensemble)).mean() < 0.01
    assert scored(ensemble, [[3, 3, 3, 3, 3, 9, 9, 9, 9, 9, 9, 9, 9, 9]])[0] > limit(ensemble)


def test_the_same_member_twice_is_one():
    settings = EnsembleSettings(members=("ngram", "ngram", "length"))
    ensemble = Ensemble(settings, 1)
    ensemble.fit(TrainingSet.of_tables(sessions(grammar(300, 0)), sessions(grammar(100, 1))))
    assert list(ensemble.members) == ["ngram", "length"]


def test_one_episode_in_a_short_validation_silences_nothing():
    """Five sessions of a new phase, one after the other, in fifty that validate."""
    watch = grammar(50, 1)
    watch[20:25] = [[30 + number, *range(40, 48), 30 + number] for number in range(5)]
    ensemble = Ensemble(seed=1)
    ensemble.fit(TrainingSet.of_tables(sessions(grammar(150, 0)), sessions(watch)))
    assert limit(ensemble) == 0
    assert (scored(ensemble, [[3, 4, 5, 9, 6], [3, 4, 5, 9, 9, 6]]) > 0).all()
    assert (scored(ensemble, grammar(500, 2)) <= 0).all()


class Broken(Length):
    """Fails where ``where`` says; those of scoring only when it is ``late``, and only on sessions with event 99."""

    where = ""
    late = False

    @property
    def name(self) -> str:
        return "length"

    def _learn(self, training):
        if self.where == "fit":
            raise RuntimeError("out of memory\non device 0")
        found = super()._learn(training)
        return np.full_like(found, np.nan) if self.where == "nan fit" else found

    def _fit(self, train, valid, folder):
        if self.where == "left out" and len(valid) == 0:
            raise MemoryError
        super()._fit(train, valid, folder)

    def _score(self, view):
        found, sequences = super()._score(view), view.sequences
        bad = sequences.sums(sequences.values == 99) > 0
        if self.late and self.where == "score" and bad.any():
            raise ValueError("no such kernel")
        return replace(found, rows=np.where(bad, np.nan, found.rows)) if self.late else found


def broken(where: str, *members: str) -> Ensemble:
    ensemble = of(*members)
    ensemble._members["length"] = type("Broken", (Broken,), {"where": where})()
    return ensemble


@pytest.mark.parametrize(
    ("where", "why"),
    [("fit", "out of memory on device 0"), ("nan fit", "not numbers"), ("left out", "MemoryError")],
)
def test_a_member_that_fails_in_training_drops_out_and_is_told(where, why, capsys, tmp_path):
    ensemble, without = broken(where, "length", "ngram"), of("ngram")
    for detector in (ensemble, without):
        detector.fit(TrainingSet.of_tables(sessions(grammar(300, 0)), sessions(grammar(100, 1))))
    assert list(ensemble.members) == ["ngram"] and why in ensemble.dropped["length"]
    assert f"Member 'length' of the ensemble drops out: {ensemble.dropped['length']}." in capsys.readouterr().err
    odd = [[3, 5, 4, 6], *grammar(20, 2)]
    np.testing.assert_allclose(scored(ensemble, odd), scored(without, odd))
    ensemble.save(tmp_path)
    again = Detector.load(tmp_path)
    reasons = again.explain(sessions(odd))["reason"].to_pylist()
    assert reasons[0].startswith("ngram: ") and reasons[-1].startswith("without length, which dropped out: ")


@pytest.mark.parametrize(("where", "why"), [("score", "no such kernel"), ("nan score", "its score is not a number")])
def test_a_member_without_a_score_of_one_session_counts_as_not_surprised_by_that_one(where, why, capsys, tmp_path):
    ensemble = broken(where, "length", "ngram")
    ensemble.fit(TrainingSet.of_tables(sessions(grammar(300, 0)), sessions(grammar(100, 1))))
    rows = [[3, 5, 4, 6], [3] * 99, [9], [], *grammar(20, 2)]
    before = scored(ensemble, rows)
    ensemble.save(tmp_path / "before")
    ensemble._members["length"].late = True
    bad = [3, 5, 99, 6] * 30
    together = scored(ensemble, [bad, *rows, bad, [9, 99]])
    assert together[1:-2].tobytes() == before.tobytes()  # the others score as if nothing had happened
    assert together[0] == together[-2] == scored(ensemble, [bad])[0] > 0  # ngram alone is surprised
    ensemble._members["length"].late = False
    assert scored(ensemble, [bad])[0] > together[0]
    ensemble._members["length"].late = True
    told = ensemble.explain(sessions([bad, [9, 9]])).to_pylist()
    assert [row["session_id"] for row in told if row["reason"] == f"without length, which has no score: {why}"] == [
        "s0"
    ]
    assert not any(row["reason"].startswith("length:") for row in told if row["session_id"] == "s0")
    assert ensemble.dropped == {}
    ensemble.save(tmp_path / "after")
    for file in (path for path in (tmp_path / "before").rglob("*") if path.is_file()):
        assert (tmp_path / "after" / file.relative_to(tmp_path / "before")).read_bytes() == file.read_bytes()
    assert capsys.readouterr().err.count(f"'length' of the ensemble has no score for some sessions: {why}.") <= 1


def test_when_all_fail_it_is_an_error():
    with pytest.raises(DataError, match="No member of the ensemble could be trained: length: out of memory"):
        broken("fit", "length").fit(TrainingSet.of_tables(sessions(grammar(30, 0)), sessions(grammar(10, 1))))
    ensemble = broken("score", "length")
    ensemble.fit(TrainingSet.of_tables(sessions(grammar(30, 0)), sessions(grammar(10, 1))))
    ensemble._members["length"].late = True
    with pytest.raises(DataError, match="could score 1 of the sessions: length: no such kernel"):
        scored(ensemble, [[3, 4], [3, 99]])
    assert np.isfinite(scored(ensemble, [[3, 4]])).all()


def test_settings_that_cannot_be():
    with pytest.raises(ConfigError, match="one or more members"):
        of()
    with pytest.raises(ConfigError, match="none of them an ensemble"):
        of("length", "ensemble")
    with pytest.raises(ConfigError, match="no detector named"):
        of("lenght")


def by_service(rows: dict[str, list[list[int]]], seed: int) -> pa.Table:
    """SESSIONS of several services, mixed in time."""
    named = [(name, row) for name, lists in rows.items() for row in lists]
    random.Random(seed).shuffle(named)
    table = sessions([row for _, row in named])
    column = pa.array([name for name, _ in named]).dictionary_encode()
    return table.set_column(table.schema.get_field_index("service"), table.schema.field("service"), column)


def test_a_noisy_service_does_not_deafen_the_others():
    learn = by_service({"loud": grammar(1500, 0, 0.05), "still": grammar(6000, 1)}, 1)
    watch = by_service({"loud": grammar(1500, 2, 0.05), "still": grammar(6000, 3)}, 2)
    spoilt = [[*row[:-1], 8, 6] for row in grammar(300, 4)]  # the loud service knows it, the still one does not
    found = {}
    for balanced in (False, True):
        ensemble = of("count_vector", "ngram", by_service=balanced, rate=0.9)
        ensemble.fit(TrainingSet.of_tables(learn, watch))
        for name, rows in (("loud", grammar(1500, 5, 0.05)), ("still", spoilt), ("usual", grammar(3000, 6))):
            table = by_service({"still" if name == "usual" else name: rows}, 3)
            found[name, balanced] = (ensemble.score(table)["score"].to_numpy() > limit(ensemble)).mean()
    assert found["loud", True] < found["loud", False]
    assert found["still", True] > found["still", False] + 0.3
    assert found["usual", True] == 0


def test_services_are_kept_in_a_bundle(tmp_path):
    ensemble = of("count_vector", "ngram")
    watch = by_service({"loud": grammar(1500, 2, 0.3), "still": grammar(8000, 3)}, 2)
    ensemble.fit(
        TrainingSet.of_tables(by_service({"loud": grammar(1500, 0, 0.3), "still": grammar(8000, 1)}, 1), watch)
    )
    assert ensemble._noise["loud"] > 0 > ensemble._noise["still"]
    ensemble.save(tmp_path)
    np.testing.assert_allclose(Detector.load(tmp_path).score(watch)["score"], ensemble.score(watch)["score"])


def hdfs(folder: Path, name: str) -> list[list[int]]:
    with gzip.open(folder / "hdfs" / f"{name}.txt.gz", "rt") as lines:
        return [[int(number) + 2 for number in line.split()] for line in lines]


def test_hdfs_as_deeplog_split_it(data_dir):
    """At natural prevalence: better than every member, none of which reaches 0.987."""
    train = hdfs(data_dir, "hdfs_train")
    normal, odd = hdfs(data_dir, "hdfs_test_normal_3366"), hdfs(data_dir, "hdfs_test_abnormal")
    ensemble = Ensemble(seed=1)
    ensemble.fit(
        TrainingSet.of_tables(sessions(train[: int(len(train) * 0.85)]), sessions(train[int(len(train) * 0.85) :]))
    )
    labels = np.repeat([False, True], [len(normal), len(odd)])
    distinct = Sequences.from_lists([*normal, *odd]).distinct()
    scores = scored(ensemble, [row.tolist() for row in distinct])[distinct.inverse]
    figures = measure(labels, scores, limit(ensemble), weights=natural_weights(labels, 553_366))
    assert figures["f1"] >= 0.985
    assert figures["pr_auc"] >= 0.995
