"""The promise of `logradar.detectors.base.Detector`, kept by every detector that is found."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from tests.detectors.session_rows import sessions

from logradar.core.bundle import KINDS
from logradar.core.errors import DataError, LogRadarError
from logradar.core.sequences import Sequences
from logradar.core.session_set import SessionTable
from logradar.core.session_view import INPUTS
from logradar.core.shards import Shards
from logradar.core.tables import FINDINGS, SCORES, check
from logradar.core.training_set import TrainingSet
from logradar.detectors.base import Detector, Incremental, detectors

NAMES = detectors.names()
# Some networks with the same training loop as others: they are slow tests
ALIKE = ("causal_lm", "distilbert_classifier", "loglstm", "logtcn")
TRACED = ("deeplog", "distilbert", "logbert")  # a training of which takes seconds
FEWER = [pytest.param(name, marks=pytest.mark.slow) if name in ALIKE else name for name in NAMES]
FEWEST = [pytest.param(name, marks=[pytest.mark.slow] * (name in (*ALIKE, "distilbert", "logbert"))) for name in NAMES]


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


def with_marked(training: TrainingSet) -> TrainingSet:
    """The same with some sessions that are labelled anomalous, for a detector that learns from them."""
    marked = [ODD, [3, 7, 7, 7], [4, 4, 4, 4, 4, 4, 99], [3, 5, 5, 4, 4, 3]]
    return replace(training, marked=SessionTable(sessions(marked)))


@pytest.fixture(scope="module", params=FEWEST)
def fitted(request: pytest.FixtureRequest) -> Detector:
    detector = quick(request.param)
    detector.fit(with_marked(TrainingSet.of_tables(sessions(normal(400, 0)), sessions(normal(100, 1)))))
    return detector


def test_its_inputs_are_columns_of_sessions(fitted):
    assert {"template_ids"} <= fitted.inputs <= INPUTS


def test_schema_order_and_alignment(fitted):
    rows = [*normal(20, 2), [], ODD]
    table = sessions(rows)
    scores = check(fitted.score(table), SCORES)
    assert scores["session_id"].to_pylist() == table["session_id"].to_pylist()
    assert [len(events) for events in scores["event_scores"].to_pylist()] == [len(row) for row in rows]
    assert np.isfinite(scores["score"].to_numpy()).all()
    assert np.isfinite(scores["event_scores"].combine_chunks().values.to_numpy()).all()


def saved(detector: Detector, folder: Path) -> dict[str, bytes]:
    """All that `save` writes, by file name."""
    detector.save(folder)
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_session_has_the_same_score_in_every_batch(fitted):
    """To the byte: alone, among others, in any order, several times over."""
    rng = random.Random(11)
    rows = [*normal(25, 3), ODD, [], [3], [3, 4, 5] * 40, [1, 99], *([rng.randrange(3, 9)] * n for n in range(2, 12))]
    together = fitted.score(sessions(rows))
    expected = {number: (together["score"][number], together["event_scores"][number]) for number in range(len(rows))}
    alone = [[number] for number in range(len(rows))]
    companies = [rng.sample(range(len(rows)), size) for size in (2, 3, 7, 20, len(rows))]
    repeated = [rng.choices(range(len(rows)), k=60), [25] * 5, [25, 0, 25, 25]]
    for batch in (*alone, *companies, *repeated):
        scores = fitted.score(sessions([rows[number] for number in batch]))
        for number, score, events in zip(batch, scores["score"], scores["event_scores"], strict=True):
            assert np.float64(score.as_py()).tobytes() == np.float64(expected[number][0].as_py()).tobytes(), rows[
                number
            ]
            assert events == expected[number][1], rows[number]


def test_scoring_changes_nothing_of_the_detector(fitted, tmp_path):
    before = saved(fitted, tmp_path / "before")
    validation, history = fitted.validation_scores.copy(), list(fitted.history)
    table = sessions([*normal(30, 8), ODD, [], [3, 99]])
    scores, findings = fitted.score(table), fitted.explain(table)
    assert saved(fitted, tmp_path / "after") == before
    assert fitted.validation_scores.tobytes() == validation.tobytes() and fitted.history == history
    assert fitted.score(table).equals(scores) and fitted.explain(table).equals(findings)


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


def quick(name: str) -> Detector:
    """A new detector; a network is trained for a moment only."""
    kind = detectors.load(name)
    moment = {"training": {"epochs": 3, "epoch_steps": 20}, "updates": 2}
    return kind(kind.Settings(**{key: moment[key] for key in moment if key in kind.Settings.model_fields}), seed=5)


def on_disk(rows: list[list[int]], folder: Path) -> Shards:
    """The same sessions in two Parquet files of small row groups."""
    folder.mkdir()
    table = sessions(rows)
    for number, part in enumerate((table.slice(0, len(rows) // 3), table.slice(len(rows) // 3))):
        pq.write_table(part, folder / f"{number}.parquet", row_group_size=50)
    return Shards.of(sorted(folder.iterdir()))


def varied() -> tuple[list[list[int]], list[list[int]]]:
    """Sessions to learn, many of them distinct, and sessions to watch, some of which training lacks."""
    rng = random.Random(3)
    learn = [[3, *rng.choices([4, 5, 6], k=rng.randrange(6)), 7] for _ in range(400)]
    return learn, [*learn[:60], [3, 9, 7], [3, 9, 7]]


@pytest.fixture(scope="module", params=FEWEST)
def in_memory(request: pytest.FixtureRequest) -> Detector:
    detector = quick(request.param)
    detector.fit(with_marked(TrainingSet.of_tables(*map(sessions, varied()))))
    return detector


def test_a_refit_from_shards_gives_the_same_bytes_as_a_table(in_memory, tmp_path):
    """Of the same seed: neither chance nor where the sessions lie decides what is learnt."""
    learn, watch = varied()
    again = quick(in_memory.name)
    again.fit(with_marked(TrainingSet(on_disk(learn, tmp_path / "a"), on_disk(watch, tmp_path / "b"))))
    table = sessions([*normal(20, 7), ODD])
    one, other = (detector.score(table)["score"].to_numpy() for detector in (in_memory, again))
    assert one.tobytes() == other.tobytes()
    assert in_memory.validation_scores.tobytes() == again.validation_scores.tobytes()


def test_what_does_not_fit_in_memory_is_learnt_from_disk(in_memory, tmp_path, capsys):
    """Simple detectors learn exactly the same; networks see the same rows in another order."""
    learn, watch = varied()
    table, spilled = sessions([*learn[:50], ODD]), quick(in_memory.name)
    learnt, watched = on_disk(learn, tmp_path / "a"), SessionTable(sessions(watch))
    with with_marked(TrainingSet(learnt, watched, tmp_path / "run", memory=1000)) as training:
        spilled.fit(training)
    assert "do not fit in memory" in capsys.readouterr().err
    assert not list(tmp_path.rglob("distinct-*"))
    one, other = (detector.score(table)["score"].to_numpy() for detector in (in_memory, spilled))
    if all(isinstance(detector, Incremental) for detector in (spilled.members or {"": spilled}).values()):
        assert one.tobytes() == other.tobytes()
        assert in_memory.validation_scores.tobytes() == spilled.validation_scores.tobytes()
    else:
        assert other[-1] > other[:-1].max()
        assert len(spilled.validation_scores) == len(watch)


@pytest.mark.parametrize("name", [name for name in NAMES if issubclass(detectors.load(name), Incremental)])
def test_learning_more_is_learning_all_at_once(name, tmp_path):
    rng = random.Random(4)
    parts = [[rng.choices(range(3, 20), k=rng.randrange(6)) for _ in range(60)] for _ in range(4)]
    table = sessions([rng.choices(range(3, 24), k=rng.randrange(7)) for _ in range(100)])
    whole, bit_by_bit = detectors.load(name)(), detectors.load(name)()
    whole.fit(TrainingSet.of_tables(sessions([row for part in parts for row in part]), sessions([])))
    bit_by_bit.fit(TrainingSet.of_tables(sessions(parts[0]), sessions([])))
    for part in parts[1:]:
        bit_by_bit._learn_more(Sequences.from_lists(part).distinct())
    for detector, folder in ((whole, "whole"), (bit_by_bit, "bits")):
        detector.save(tmp_path / folder)
    for detector in (bit_by_bit, Detector.load(tmp_path / "bits"), Detector.load(tmp_path / "whole")):
        assert detector.score(table).equals(whole.score(table))
        assert detector.explain(table).equals(whole.explain(table))


@pytest.mark.parametrize("name", NAMES)
def test_nothing_to_learn_from_is_a_sentence(name):
    with pytest.raises(DataError, match="no session to learn from"):
        detectors.load(name)().fit(TrainingSet.of_tables(sessions([]), sessions([])))


SMALLEST = [
    pytest.param(
        name,
        train,
        marks=[pytest.mark.slow] * (name in (*ALIKE, "distilbert", "logbert") or (name in TRACED and train != [[]])),
    )
    for train in ([[3]], [[3, 3, 3]] * 5, [[]])
    for name in NAMES
]


@pytest.mark.parametrize(("name", "train"), SMALLEST)
def test_the_smallest_training_data_works(name, train):
    detector = quick(name)
    detector.fit(with_marked(TrainingSet.of_tables(sessions(train), sessions([]))))
    scores = detector.score(sessions([train[0], [3, 9, 9, 9, 3, 8, 8]]))["score"].to_numpy()
    assert np.isfinite(scores).all()
    assert len(detector.validation_scores) == 0
