"""The detector `values`: what is usual is learnt from lines, what is not is told with the usual beside it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from logradar.core.errors import TableError
from logradar.core.session_set import SessionTable
from logradar.core.session_view import TEMPLATE_IDS, SessionView
from logradar.core.shards import Shards
from logradar.core.tables import SESSIONS
from logradar.core.training_set import TrainingSet
from logradar.detectors.base import Detector
from logradar.detectors.count_vector import CountVector
from logradar.detectors.ensemble import Ensemble, EnsembleSettings
from logradar.detectors.values import Values, ValuesSettings

Make = Callable[[np.random.Generator, int], list[str]]


def sessions(count: int, seed: int, make: Make, gap: float = 0.1, first: int = 0) -> pa.Table:
    """SESSIONS of three events: one without parameters, one with those that ``make`` gives, and a last one."""
    rng = np.random.default_rng(seed)
    rows = [
        {
            "session_id": f"s{number}",
            "record_ids": [3 * number, 3 * number + 1, 3 * number + 2],
            "template_ids": [3, 4, 5],
            "gaps": [0.0, round(float(rng.lognormal(0, 0.3)) * gap, 3), round(float(rng.lognormal(0, 0.3)) * gap, 3)],
            "parameters": [[], make(rng, number), None],
        }
        for number in range(first, first + count)
    ]
    return pa.Table.from_pylist(rows, schema=SESSIONS)


def ordinary(rng: np.random.Generator, number: int) -> list[str]:
    """A number, a duration, a word of three, an id of its own, a counter, a constant."""
    word = ("EUR", "USD", "CHF")[int(rng.integers(3))]
    size = f"{int(rng.integers(3, 96))}"
    took = f"{rng.lognormal(3, 0.5):.1f}ms"
    return [size, took, word, f"blk_{rng.integers(1 << 60)}", str(700_000 + number), "60"]


def changed(place: int, text: str) -> Make:
    """Ordinary parameters but for one."""
    return lambda rng, number: [text if at == place else value for at, value in enumerate(ordinary(rng, number))]


@pytest.fixture(scope="module")
def fitted() -> Values:
    detector = Values(seed=1)
    detector.fit(TrainingSet.of_tables(sessions(2000, 0, ordinary), sessions(500, 1, ordinary, first=2000)))
    return detector


def reason(detector: Detector, table: pa.Table) -> str:
    return detector.explain(table)["reason"].to_pylist()[0]


@pytest.mark.parametrize(
    ("place", "text", "told"),
    [
        (0, "48210", "the 1st value is 48,210; usually 3 to 95"),
        (0, "-7", "the 1st value is -7; usually 3 to 95"),
        (0, "1e999", "the 1st value is"),
        (0, "none", "the 1st value is 'none', not a number; usually 3 to 95"),
        (1, "90s", "the 2nd value is 90 s; usually 0.00"),
        (2, "NOK", "the 3rd value is 'NOK', never seen there; usually "),
    ],
)
def test_a_wrong_value_is_found_and_told(fitted: Values, place: int, text: str, told: str) -> None:
    odd = sessions(1, 5, changed(place, text), first=3000)
    found = fitted.score(odd)
    assert found["score"][0].as_py() > fitted.validation_scores.max()
    assert int(np.argmax(found["event_scores"][0].as_py())) == 1
    first = fitted.explain(odd).to_pylist()[0]
    assert first["reason"].startswith(told) and first["position"] == 1 and first["template_id"] == 4


def test_a_delay_is_found_and_told(fitted: Values) -> None:
    odd = sessions(1, 5, ordinary, gap=60.0, first=3000)
    assert fitted.score(odd)["score"][0].as_py() > fitted.validation_scores.max()
    told = reason(fitted, odd)
    assert told.startswith("came ") and "s after the event before; usually below 0.2" in told


@pytest.mark.parametrize(("place", "text"), [(3, "blk_12"), (3, "anything"), (4, "999999999"), (4, "1"), (5, "61")])
def test_identifiers_counters_and_constants_are_ignored(fitted: Values, place: int, text: str) -> None:
    usual = fitted.score(sessions(1, 5, ordinary, first=3000))["score"][0].as_py()
    assert fitted.score(sessions(1, 5, changed(place, text), first=3000))["score"][0].as_py() == usual


def test_constants_are_looked_at_when_asked() -> None:
    detector = Values(ValuesSettings(constants=True), seed=1)
    detector.fit(TrainingSet.of_tables(sessions(1000, 0, ordinary), sessions(300, 1, ordinary, first=1000)))
    told = reason(detector, sessions(1, 5, changed(5, "61"), first=3000))
    assert told == "the 6th value is 61; usually 60"


def test_farther_out_is_higher_and_finite(fitted: Values) -> None:
    scores = [
        fitted.score(sessions(1, 5, changed(0, text), first=3000))["score"][0].as_py()
        for text in ("50", "120", "200", "1000", "1e6", "1e12", "1e300", "9" * 15)
    ]
    assert np.isfinite(scores).all()
    assert scores[:-1] == sorted(scores[:-1]) and len(set(scores[1:-1])) == len(scores) - 2


def test_normal_sessions_are_calm_and_the_threshold_holds(fitted: Values) -> None:
    threshold = float(np.quantile(fitted.validation_scores, 0.995, method="inverted_cdf"))
    scores = fitted.score(sessions(4000, 9, ordinary, first=4000))["score"].to_numpy()
    assert (scores > threshold).mean() < 0.02
    assert (fitted.validation_scores > 6).mean() < 0.01  # nats: a chance of 1 in 400, once for each session


def test_validation_is_learnt_too() -> None:
    def later(rng: np.random.Generator, number: int) -> list[str]:
        return ordinary(rng, number) if number % 100 else changed(2, "GBP")(rng, number)

    detector = Values(seed=1)
    detector.fit(TrainingSet.of_tables(sessions(1000, 0, ordinary), sessions(400, 1, later, first=1000)))
    assert detector.validation_scores[0] > 3  # new when it came
    assert detector.score(sessions(1, 5, changed(2, "GBP"), first=3000))["score"][0].as_py() < 3


def test_what_drifts_in_validation_is_not_trusted() -> None:
    detector = Values(seed=1)
    larger = changed(0, "500")
    detector.fit(TrainingSet.of_tables(sessions(1000, 0, ordinary), sessions(400, 1, larger, first=1000)))
    assert detector.score(sessions(1, 5, changed(0, "100000"), first=3000))["score"][0].as_py() < 3


@pytest.mark.parametrize("share", [0.01, 0.05])
def test_a_dirty_training_set_does_not_hide_it(share: float) -> None:
    def dirty(rng: np.random.Generator, number: int) -> list[str]:
        return changed(0, "48210")(rng, number) if rng.random() < share else ordinary(rng, number)

    detector = Values(seed=1)
    detector.fit(TrainingSet.of_tables(sessions(2000, 0, dirty), sessions(500, 1, ordinary, first=2000)))
    normal = detector.score(sessions(500, 7, ordinary, first=4000))["score"].to_numpy()
    odd = detector.score(sessions(1, 5, changed(0, "4821000"), first=3000))["score"][0].as_py()
    assert odd > np.quantile(normal, 0.99)


def test_order_and_counts_are_nothing_to_it(fitted: Values) -> None:
    table = sessions(200, 3, ordinary, first=5000)
    rows = table.to_pylist()
    for row in rows:
        row["template_ids"], row["parameters"] = row["template_ids"][::-1], row["parameters"][::-1]
    scores = fitted.score(pa.Table.from_pylist(rows, schema=SESSIONS))["score"].to_numpy()
    assert (scores > fitted.validation_scores.max()).mean() < 0.02


def test_pieces_and_places_make_no_difference(tmp_path) -> None:
    table = sessions(900, 0, ordinary)
    for number, start in enumerate((0, 137, 600)):
        part = table.slice(start, ((137, 600, 900)[number]) - start)
        pq.write_table(part, tmp_path / f"{number}.parquet", row_group_size=61)
    watch, odd = sessions(200, 1, ordinary, first=900), sessions(50, 2, changed(0, "200"), first=2000)
    found = []
    for train in (SessionTable(table), Shards.of(sorted(tmp_path.glob("*.parquet")))):
        detector = Values(seed=4)
        detector.fit(TrainingSet(train, SessionTable(watch)))
        found.append((detector.score(odd), detector.validation_scores.tobytes()))
    assert found[0][0].equals(found[1][0]) and found[0][1] == found[1][1]


def test_gaps_alone_are_enough(fitted: Values) -> None:
    column = SESSIONS.get_field_index("parameters")

    def bare(table: pa.Table) -> pa.Table:
        return table.set_column(column, SESSIONS.field(column), pa.nulls(len(table), SESSIONS.field(column).type))

    detector = Values(seed=1)
    detector.fit(TrainingSet.of_tables(bare(sessions(800, 0, ordinary)), bare(sessions(200, 1, ordinary))))
    late = bare(sessions(1, 2, ordinary, gap=50.0))
    assert detector.score(late)["score"][0].as_py() > detector.validation_scores.max()
    assert fitted.score(late)["score"][0].as_py() > fitted.validation_scores.max()


def test_without_times_there_is_no_model_of_gaps() -> None:
    timeless = sessions(500, 0, ordinary, gap=0.0)
    detector = Values(seed=1)
    detector.fit(TrainingSet.of_tables(timeless, sessions(100, 1, ordinary, gap=0.0, first=500)))
    assert len(detector._known.gaps.keys) == 0 < len(detector._known.numbers.keys)
    assert detector.score(sessions(1, 2, ordinary, gap=99.0, first=700))["score"][0].as_py() < 3


def test_in_an_ensemble_each_sees_what_it_needs() -> None:
    ensemble = Ensemble(EnsembleSettings(members=("count_vector", "values")), seed=1)
    assert ensemble.inputs == {"template_ids", "gaps", "parameters"}
    assert Ensemble().inputs == CountVector().inputs == TEMPLATE_IDS
    ensemble.fit(TrainingSet.of_tables(sessions(1000, 0, ordinary), sessions(300, 1, ordinary, first=1000)))
    odd = sessions(1, 5, changed(0, "48210"), first=3000)
    assert ensemble.score(odd)["score"][0].as_py() > ensemble.validation_scores.max()
    assert reason(ensemble, odd).startswith("values: the 1st value is 48,210")
    alone = CountVector(seed=1)
    alone.fit(TrainingSet.of_tables(sessions(1000, 0, ordinary), sessions(300, 1, ordinary, first=1000)))
    np.testing.assert_array_equal(ensemble.members["count_vector"].validation_scores, alone.validation_scores)


def test_what_is_not_aligned_is_refused(fitted: Values) -> None:
    rows = sessions(2, 0, ordinary).to_pylist()
    rows[1]["parameters"] = rows[1]["parameters"][:2]
    with pytest.raises(TableError, match="'parameters' and 'template_ids' differ"):
        fitted.score(pa.Table.from_pylist(rows, schema=SESSIONS))
    rows[1]["parameters"], rows[1]["gaps"] = None, [0.0]
    with pytest.raises(TableError, match="'gaps' and 'template_ids' differ"):
        fitted.score(pa.Table.from_pylist(rows, schema=SESSIONS))


def test_sessions_with_and_without_parameters_may_be_mixed() -> None:
    rows = sessions(4, 0, ordinary).to_pylist()
    rows[1]["parameters"] = rows[3]["parameters"] = None
    found = SessionView.whole(SessionTable(pa.Table.from_pylist(rows, schema=SESSIONS)), Values.inputs)
    expected = [value for row in rows for value in (row["parameters"] or [None] * 3)]
    assert found.parameters is not None and found.parameters.to_pylist() == expected
    part = found.part(1, 3)
    assert part.parameters is not None and part.parameters.to_pylist() == expected[3:9]
    assert part.gaps.tolist() == found.gaps[3:9].tolist() and part.sequences.values.tolist() == [3, 4, 5] * 2
