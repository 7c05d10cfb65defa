"""The detector `new_message`: a new message is as alarming as its words."""

from __future__ import annotations

import pyarrow as pa
import pytest

from logradar.core.session_set import SessionTable
from logradar.core.tables import SESSIONS, UNKNOWN
from logradar.core.training_set import TrainingSet
from logradar.detectors.base import Detector
from logradar.detectors.new_message import NewMessage
from logradar.detectors.text.nearest_text import NearestText

TEXTS = {3: "open file <*>", 4: "close file <*>", 5: "user <*> logged in"}


def sessions(*rows: list[tuple[int, str | None]]) -> pa.Table:
    """SESSIONS of events: template id, and the text of a new message."""
    return pa.Table.from_pylist(
        [
            {
                "session_id": f"s{number}",
                "record_ids": [],
                "template_ids": [id_ for id_, _ in row],
                "gaps": [0.0] * len(row),
                "texts": [text for _, text in row],
            }
            for number, row in enumerate(rows)
        ],
        schema=SESSIONS,
    )


def new(text: str | None) -> list[tuple[int, str | None]]:
    return [(3, None), (UNKNOWN, text), (4, None)]


@pytest.fixture(scope="module")
def fitted() -> NewMessage:
    detector = NewMessage()
    known = sessions([(3, None), (4, None)], [(5, None)])
    detector.fit(TrainingSet(SessionTable(known), SessionTable(known), templates=lambda: TEXTS))
    return detector


def scores(detector: Detector, *texts: str | None) -> list[float]:
    return detector.score(sessions(*map(new, texts)))["score"].to_pylist()


def test_what_is_alien_or_alarming_scores_above_what_is_like_known_messages(fitted):
    like, alien, alarming, both = scores(
        fitted, "close file at once", "replica set elected", "open file <*> failed", "kernel panic: disk is gone"
    )
    assert 0 < like < alien < alarming < both <= 1


def test_only_other_values_are_nothing_new(fitted):
    assert scores(fitted, "open file <PATH>") == [0.0]
    assert fitted.score(sessions([(3, None), (5, None), (4, None)]))["score"].to_pylist() == [0.0]


def test_a_message_that_cannot_be_read_is_reported(fitted):
    assert scores(fitted, None) == [1.0]
    assert fitted.score(sessions([(99, None)]))["score"].to_pylist() == [1.0]


def test_the_most_alarming_message_counts(fitted):
    row = [(UNKNOWN, "close file at once"), (UNKNOWN, "fatal: out of memory"), (UNKNOWN, "close file at once")]
    scored = fitted.score(sessions(row))
    assert scored["score"].to_pylist() == pytest.approx([max(scored["event_scores"][0].as_py())])
    found = fitted.explain(sessions(row)).to_pylist()
    assert [finding["position"] for finding in found] == [1, 0, 2]
    assert found[0]["reason"] == "never seen in training, unlike any known one, and says that something failed"
    assert "says nothing alarming" in found[1]["reason"]


def test_it_is_the_same_after_loading(fitted, tmp_path):
    texts = ["close file at once", "kernel panic", None, "x" * 100_000, "", "\0", "[MASK] <NUM>"]
    fitted.save(tmp_path)
    assert scores(Detector.load(tmp_path), *texts) == scores(fitted, *texts)


def test_a_message_of_validation_is_known_afterwards():
    detector = NewMessage()
    train, valid = sessions([(3, None), (4, None)]), sessions([(3, None), (5, None)], [(5, None)])
    detector.fit(TrainingSet(SessionTable(train), SessionTable(valid), templates=lambda: TEXTS))
    first, second = detector.validation_scores.tolist()
    assert 0 < first < 1 and second == 0


def test_a_text_has_the_same_distance_in_any_company():
    nearest = NearestText([f"job {name} is {state}" for name in ("copy", "load") for state in ("ready", "done")])
    texts = [f"job copy is word{number} and done" for number in range(600)]
    together = nearest.distances(texts)
    assert [nearest.distances([text])[0] for text in texts[::37]] == together[::37].tolist()
