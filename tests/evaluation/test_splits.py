from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest

from logradar.core.config import load_config
from logradar.core.errors import ConfigError, DataError
from logradar.core.tables import SESSIONS
from logradar.evaluation.splits import Parts, SplitSettings, chronological

BEGAN = datetime(2024, 1, 1, tzinfo=UTC)
HALVES = SplitSettings(valid=0.0, test=0.5)


def sessions(
    hours: list[float | None], records: list[list[int]] | None = None, ids: list[str] | None = None
) -> pa.Table:
    rows = [
        {
            "session_id": ids[i] if ids else f"s{i}",
            "start": None if hour is None else BEGAN + timedelta(hours=hour),
            "record_ids": records[i] if records else [i],
            "template_ids": [3],
            "gaps": [0.0],
        }
        for i, hour in enumerate(hours)
    ]
    return pa.Table.from_pylist(rows, schema=SESSIONS)


def order(parts: Parts) -> list[int]:
    return np.concatenate([parts.train, parts.valid, parts.test]).tolist()


def test_earliest_train_latest_test_whatever_the_row_order() -> None:
    parts = chronological(sessions([9, 8, 7, 6, 5, 4, 3, 2, 1, 0]), SplitSettings(test=0.5))
    assert parts.train.tolist() == [9, 8, 7, 6]
    assert parts.valid.tolist() == [5]
    assert parts.test.tolist() == [4, 3, 2, 1, 0]


def test_equal_times_go_by_first_record() -> None:
    parts = chronological(sessions([1, 1, 1, 0], [[30], [10], [20], [40]]), HALVES)
    assert order(parts) == [3, 1, 2, 0]


def test_unknown_starts_keep_their_place_in_record_order() -> None:
    # By record: 0 (unknown), 1 (5 h), 2 (unknown: as 5 h), 3 (2 h), 4 (unknown: as 2 h); the first takes 5 h too.
    parts = chronological(sessions([None, 5, None, 2, None]), HALVES)
    assert order(parts) == [3, 4, 0, 1, 2]


def test_without_any_start_the_order_is_that_of_the_records() -> None:
    parts = chronological(sessions([None] * 4, [[3], [1], [2], [0]]), HALVES)
    assert order(parts) == [3, 1, 2, 0]


def test_arrays_instead_of_a_table() -> None:
    starts = np.array(["2024-01-02", "NaT", "2024-01-01"], "M8[us]")
    assert order(chronological((starts, [0, 1, 2]), HALVES)) == [2, 0, 1]
    assert order(chronological(([3.0, 1.0, 2.0], [0, 1, 2]), HALVES)) == [1, 2, 0]
    with pytest.raises(DataError, match="3 start times for 2"):
        chronological(([3.0, 1.0, 2.0], [0, 1]), HALVES)


def test_a_table_of_several_chunks_is_one_table() -> None:
    whole = sessions([4, 3, 2, 1], ids=["a", "b", "c", "d"])
    chunks = pa.concat_tables([whole.slice(0, 1), whole.slice(1)])
    assert order(chronological(chunks, HALVES)) == order(chronological(whole, HALVES)) == [3, 2, 1, 0]


@pytest.mark.parametrize("count", [3, 4, 7, 10, 99, 1000])
@pytest.mark.parametrize("shares", [(0.4, 0.1, 0.5), (0.98, 0.01, 0.01), (0.01, 0.01, 0.98)])
def test_every_session_in_one_part_and_no_part_empty(count: int, shares: tuple[float, float, float]) -> None:
    settings = SplitSettings(test=shares[2], valid=shares[1] / (1 - shares[2]))
    parts = chronological(([float(i) for i in range(count)], range(count)), settings)
    assert order(parts) == list(range(count))
    assert min(len(parts.train), len(parts.valid), len(parts.test)) >= 1
    assert abs(len(parts.train) - shares[0] * count) <= 2


def test_a_part_without_a_share_stays_empty() -> None:
    parts = chronological(([1.0], [0]), SplitSettings(valid=0))
    assert (parts.train.tolist(), parts.valid.tolist(), parts.test.tolist()) == ([0], [], [])


@pytest.mark.parametrize("count", [0, 1, 2])
def test_too_few_sessions_is_a_sentence(count: int) -> None:
    with pytest.raises(DataError, match=f"^{count} session.* too few to be split into 3 parts"):
        chronological(sessions([0.0] * count), HALVES.model_copy(update={"valid": 0.2}))


def test_shuffle_is_explicit_and_repeatable() -> None:
    table = sessions([float(i) for i in range(50)])
    one, two, three = (
        chronological(table, SplitSettings(test=0.5, shuffle=True, seed=seed)).test.tolist() for seed in (1, 1, 2)
    )
    assert one == two != three
    assert sorted(one) != one


def test_a_log_record_on_both_sides_is_an_error() -> None:
    overlapping = sessions([0, 1, 2, 3], [[0, 1], [1, 2], [2, 3], [3, 4]])
    with pytest.raises(DataError, match="1 log records are in sessions of two parts"):
        chronological(overlapping, HALVES)
    assert len(chronological(overlapping, SplitSettings(valid=0)).train) == 4


def test_a_session_id_on_both_sides_is_an_error() -> None:
    with pytest.raises(DataError, match="1 session ids stand in two parts"):
        chronological(sessions([0, 1, 1, 3], ids=["b", "a", "a", "c"]), HALVES)
    again = chronological(
        sessions([0, 1, 2, 3], ids=["a", "b", "a", "c"]), HALVES
    )  # the key came again: another session
    assert len(again.train) == 2


def test_overlapping_parts_are_an_error() -> None:
    with pytest.raises(DataError, match="1 sessions are in more than one part"):
        Parts(np.array([0, 1]), np.array([], np.int64), np.array([1, 2]))


def test_shares_of_parts_make_up_one() -> None:
    assert sum(SplitSettings(test=0.3, valid=0.1).shares) == pytest.approx(1)
    with pytest.raises(ConfigError, match=r"'test' is 1\.1"):
        load_config(SplitSettings, None, ["test=1.1"])


def test_the_split_in_figures() -> None:
    table = sessions([3, 2, 1, 0])
    assert chronological(table, HALVES).facts(table) == {
        "train": 2,
        "valid": 0,
        "test": 2,
        "train_from": "2024-01-01T00:00:00+00:00",
        "train_until": "2024-01-01T01:00:00+00:00",
        "test_from": "2024-01-01T02:00:00+00:00",
        "test_until": "2024-01-01T03:00:00+00:00",
    }
    timeless = sessions([None, None])
    assert chronological(timeless, HALVES).facts(timeless)["test_from"] is None
