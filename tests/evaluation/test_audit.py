from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest

from logradar.core.errors import DataError
from logradar.core.sequences import Sequences
from logradar.core.tables import SESSIONS, UNKNOWN
from logradar.evaluation import audit as module
from logradar.evaluation.audit import Side, audit, distinguishable, identities, overlapping, seen_in

BEGAN = datetime(2024, 1, 1, tzinfo=UTC)


def sessions(rows: list[list[int]], first: int = 0, timed: bool = True, ids: list[str] | None = None) -> pa.Table:
    return pa.Table.from_pylist(
        [
            {
                "session_id": ids[i] if ids else f"s{first + i}",
                "start": BEGAN + timedelta(hours=first + i) if timed else None,
                "record_ids": [first + i],
                "template_ids": row,
                "gaps": [0.0] * len(row),
            }
            for i, row in enumerate(rows)
        ],
        schema=SESSIONS,
    )


def of(table: pa.Table) -> Sequences:
    return Sequences.from_arrow(table["template_ids"])


def test_a_leaking_and_contradicting_test_is_told_in_figures_and_words() -> None:
    train = sessions([[3, 4], [5]])
    test = sessions([[3, 4], [UNKNOWN, UNKNOWN], [5], [5], [6]], first=1, ids=["s1", "a", "b", "c", "d"])
    found = audit(of(test), [True, False, False, True, True], train=Side.of(train), side=Side.of(test))
    assert found["sessions"] == {"train": 2, "test": 5}
    assert (found["anomalies"], found["prevalence"]) == (3, 0.6)
    assert found["duplicates"] == {"sessions": 1, "distinct": 4, "share": 0.2}
    assert found["seen_sequences"]["anomalous"] == {"sessions": 2, "of": 3, "share": 2 / 3}
    assert found["seen_sequences"]["normal"] == {"sessions": 1, "of": 2, "share": 0.5}
    assert found["seen_sequences"]["all"]["sessions"] == 3
    assert found["seen_sessions"] == 1
    assert found["contradictions"] == {"sequences": 1, "anomalies": 1, "normal": 1}
    assert found["unknown_templates"] == {"sessions": 1, "events": 2, "share_of_events": 2 / 7}
    assert found["time"] == {
        "train_from": "2024-01-01T00:00:00+00:00",
        "train_until": "2024-01-01T01:00:00+00:00",
        "test_from": "2024-01-01T01:00:00+00:00",
        "test_until": "2024-01-01T05:00:00+00:00",
        "overlap": False,
    }
    words = " ".join(found["notes"])
    assert found["notes"][0].startswith("1 of 5 test sessions took part in training themselves")
    assert (found["twins"]["anomalies"], found["twins"]["in_test"], found["twins"]["in_training"]) == (2, 1, 2)
    assert "1 of 2 normal test sessions have a sequence that also occurs in training" in words
    assert "never seen in training: 1 (2 events)" in words
    assert "few anomalies (3)" in words
    json.dumps(found, allow_nan=False)


def test_a_clean_test_says_so() -> None:
    train, test = sessions([[3]] * 50), sessions([[4, number] for number in range(5, 105)], first=50)
    labels = np.arange(100) < 40
    found = audit(of(test), labels, train=Side.of(train), side=Side.of(test))
    assert found["notes"] == ["None of the 40 test anomalies has a sequence that also occurs in training."]


@pytest.mark.parametrize(
    ("first", "count", "overlap"),
    [
        (5, 2, False),  # hours 5 and 6: all older than training
        (9, 2, False),  # ends when training begins
        (9, 3, True),  # reaches into training
        (10, 1, False),  # one session at the very start of training
        (11, 1, True),  # inside
        (12, 4, True),  # begins inside, ends later
        (13, 2, False),  # begins when training ends
        (20, 2, False),  # all later
        (5, 20, True),  # around it
    ],
)
def test_only_a_test_in_the_time_of_training_overlaps(first: int, count: int, overlap: bool) -> None:
    """Training lies in hours 10 to 13; the audit says what `overlapping` decides, which stops a run."""
    train, test = sessions([[3], [4], [3], [4]], first=10), sessions([[5]] * count, first=first)
    sides = Side.of(train), Side.of(test)
    found = audit(of(test), [False] * count, train=sides[0], side=sides[1])
    assert found["time"]["overlap"] is overlapping(*sides) is overlap
    assert any("lies in the time of training" in note for note in found["notes"]) is overlap
    assert "No test session is labelled anomalous" in found["notes"][-1]


def test_without_training_or_labels_what_cannot_be_known_is_none() -> None:
    found = audit(of(sessions([[3], [3]])))
    assert found["seen_sequences"] is found["seen_sessions"] is found["contradictions"] is found["anomalies"] is None
    assert "leaks could not be looked for" in found["notes"][-1]
    unlabelled = audit(of(sessions([[3], [4]])), train=Side.of(sessions([[3]])))
    assert unlabelled["seen_sequences"] == {
        "all": {"sessions": 1, "of": 2, "share": 0.5},
        "normal": None,
        "anomalous": None,
    }
    assert "1 of 2 test sessions have a sequence" in unlabelled["notes"][0]


def test_an_empty_test() -> None:
    nothing = sessions([])
    found = audit(of(nothing), [], train=Side.of(nothing), side=Side.of(nothing))
    assert found["duplicates"] == {"sessions": 0, "distinct": 0, "share": None}
    assert found["prevalence"] is found["unknown_templates"]["share_of_events"] is found["time"]["overlap"] is None


def test_labels_must_fit() -> None:
    with pytest.raises(DataError, match="1 labels for 2 test sessions"):
        audit(of(sessions([[3], [4]])), [True])


def test_identity_is_the_id_and_the_start_not_the_place_or_the_chunk() -> None:
    table = sessions([[3], [4], [5]], ids=["ä", "", "longer-name"])
    whole = identities(table)
    assert len(set(whole.tolist())) == 3
    assert identities(table.slice(1)).tolist() == whole[1:].tolist()
    assert identities(pa.concat_tables([table.slice(0, 1), table.slice(1)])).tolist() == whole.tolist()
    assert identities(sessions([[9]], ids=["ä"])).tolist() == whole[:1].tolist()  # a session that grew is the same
    assert identities(sessions([[3]], first=7, ids=["ä"]))[0] != whole[0]


def test_sessions_without_a_start_are_told_apart_by_what_they_hold() -> None:
    one, two = (identities(sessions([[row]], timed=False, ids=["window-0"])) for row in (3, 4))
    assert one[0] != two[0]
    assert one[0] == identities(sessions([[3]], timed=False, ids=["window-0"]))[0]


def test_identities_stay_the_same_over_versions() -> None:
    # A bundle keeps them: a change here would make every older bundle blind.
    assert identities(sessions([[3, 4]], ids=["blk_1"])).tolist() == [4_245_152_988_859_753_638]


def test_seen_in() -> None:
    train, test = (Sequences.from_lists(rows).fingerprints() for rows in ([[3, 4], []], [[4, 3], [3, 4], []]))
    assert seen_in(train, test).tolist() == [False, True, True]


def test_of_a_cut_list_only_the_small_fingerprints_can_be_told(monkeypatch) -> None:
    train, test = np.array([1, 5, 9], np.uint64), np.array([0, 5, 9, 10], np.uint64)
    assert distinguishable(train, test).all()
    monkeypatch.setattr(module, "MOST_SEEN", 3)
    assert distinguishable(train, test).tolist() == [True, True, True, False]


def test_sequences_that_a_cut_list_cannot_tell_are_left_out_of_the_shares(monkeypatch) -> None:
    rows = sorted(([number] for number in range(3, 13)), key=lambda row: Sequences.from_lists([row]).fingerprints()[0])
    test = Sequences.from_lists(rows)  # ten sequences, the smallest fingerprint first
    kept = test.fingerprints()[[0, 2, 5]]  # the largest that is kept is the sixth of the test
    side, labels = Side(kept, kept), np.arange(10) % 2 == 1
    whole = audit(test, labels, train=side)["seen_sequences"]
    assert whole["all"] == {"sessions": 3, "of": 10, "share": 0.3}
    monkeypatch.setattr(module, "MOST_SEEN", 3)
    cut = audit(test, labels, train=side)["seen_sequences"]
    assert cut["all"] == {"sessions": 3, "of": 6, "share": 0.5}
    assert cut["normal"] == {"sessions": 2, "of": 3, "share": 2 / 3}
    assert cut["anomalous"] == {"sessions": 1, "of": 3, "share": 1 / 3}


def test_deeplog_test_data_repeats_and_contradicts_little(data_dir) -> None:
    import gzip

    def read(name: str) -> Sequences:
        lines = gzip.decompress((data_dir / "hdfs" / name).read_bytes()).decode().split("\n")
        return Sequences.from_lists([[int(event) + 2 for event in line.split()] for line in lines if line.strip()])

    train, normal, odd = (read(f"hdfs_{name}.txt.gz") for name in ("train", "test_normal_3366", "test_abnormal"))
    both = Sequences.of(
        np.concatenate([normal.values, odd.values]),
        np.concatenate([normal.offsets, odd.offsets[1:] + normal.offsets[-1]]),
    )
    labels = np.arange(len(both)) >= len(normal)
    side = Side(train.fingerprints(), np.zeros(len(train), np.uint64))
    found = audit(both, labels, train=side)
    assert found["sessions"] == {"train": 4855, "test": 3366 + 16838}
    assert found["seen_sequences"]["anomalous"]["sessions"] == 0
    assert found["duplicates"]["share"] > 0.5
