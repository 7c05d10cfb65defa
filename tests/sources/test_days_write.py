"""Day files come out as they went in; generated ones have the size and the shape that was asked for."""

from __future__ import annotations

import json
from datetime import date

import pytest
from day_samples import document, expected, rows, scan, session, sessions
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from logradar.core.errors import TableError
from logradar.sources.radar.generate import FIRST_ID, DayShape, write_day, write_days
from logradar.sources.radar.generate import sessions as generated
from logradar.sources.radar.reading import read_day
from logradar.sources.radar.write import DayWriter, day_path

AGAIN = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


@AGAIN
@given(st.lists(sessions(), max_size=6), st.booleans())
def test_a_round_trip_gives_equal_objects(tmp_path_factory, made, pretty):
    path = day_path(tmp_path_factory.mktemp("days"), date(2024, 5, 1))
    table, faults = scan(document(made))
    with DayWriter(path, pretty=pretty) as writer:
        writer.write(table)
    assert json.loads(path.read_bytes()) == made
    assert writer.sessions == len(made)
    again, also = scan(path.read_bytes())
    assert rows(again) == rows(table)
    assert also.counts() == faults.counts()


def test_keys_that_were_not_there_are_not_invented(tmp_path):
    made = [
        session(1, has_error=..., service_name=..., original_logs=...),
        session(2, token_ids=..., attention_mask=..., has_warn=...),
        session(3, []),
    ]
    table, _ = scan(document(made))
    with DayWriter(tmp_path / "day.json") as writer:
        writer.write(table.slice(0, 1))
        writer.write(table.slice(1, 2))
    assert json.loads((tmp_path / "day.json").read_bytes()) == made


@pytest.mark.parametrize("pretty", [False, True])
def test_padding_can_be_chosen(tmp_path, pretty):
    table, _ = scan(document([session(1, [5, 6, 7], 4), session(2, [5, 6, 7], 9)]))
    with DayWriter(tmp_path / "day.json", length=2, pretty=pretty) as writer:
        writer.write(table)
    one, two = json.loads((tmp_path / "day.json").read_bytes())
    assert one["token_ids"] == two["token_ids"] == [5, 6]
    assert one["attention_mask"] == [1, 1]
    assert two["event_sequence"] == [5, 6, 7]


@pytest.mark.parametrize("pretty", [False, True])
def test_no_sessions_make_an_empty_array(tmp_path, pretty):
    with DayWriter(tmp_path / "day.json", pretty=pretty) as writer:
        writer.write(scan(b"[]")[0])
    assert json.loads((tmp_path / "day.json").read_bytes()) == []


def test_a_file_that_was_not_finished_does_not_appear(tmp_path):
    with pytest.raises(TableError, match="session_id"), DayWriter(tmp_path / "day.json") as writer:
        writer.write(scan(document([session(1)]))[0])
        writer.write(scan(document([session(1)]))[0].drop_columns(["session_id"]))
    assert list(tmp_path.iterdir()) == []


def test_pretty_is_how_the_json_module_indents(tmp_path):
    made = [session(number, length=3) for number in range(3)]
    with DayWriter(tmp_path / "day.json", pretty=True) as writer:
        writer.write(scan(document(made))[0])
    written = json.loads((tmp_path / "day.json").read_bytes())
    assert (tmp_path / "day.json").read_text() == json.dumps(written, indent=2) + "\n"


@pytest.mark.parametrize("pretty", [False, True])
@pytest.mark.parametrize("size", [0, 100_000, 700_000])
def test_generated_days(tmp_path, size, pretty):
    path = tmp_path / "day.json"
    count = write_day(path, size, 7, DayShape(pretty=pretty, distinct=200_000, length=64))
    assert size <= path.stat().st_size < size + 60_000
    made = json.loads(path.read_bytes())
    assert [one["session_id"] for one in made] == list(range(FIRST_ID, FIRST_ID + count))
    table, faults = scan(path.read_bytes())
    assert not faults.reasons
    assert rows(table) == [expected(one) for one in made]
    if size == 700_000:  # blocks come again
        distinct = {json.dumps({**one, "session_id": 0}) for one in made}
        assert 0.2 < len(distinct) / count < 0.6


def test_the_same_seed_gives_the_same_days(tmp_path):
    shape = DayShape(distinct=50_000)
    one = write_days(tmp_path / "a", 2, 90_000, 3, shape, date(2024, 2, 28))
    two = write_days(tmp_path / "b", 2, 90_000, 3, shape, date(2024, 2, 28))
    assert [path.name for path in one] == [f"preprocessed_logs_2024-02-{day}.json" for day in (28, 29)]
    assert [path.read_bytes() for path in one] == [path.read_bytes() for path in two]
    assert one[0].read_bytes() != one[1].read_bytes()
    table = next(read_day(one[1]))
    assert all(line.startswith("2024-02-29 ") for line in table["original_logs"][0].as_py())


def test_generated_sessions_look_like_logs():
    draw = generated(1)
    made = [next(draw) for _ in range(3_000)]
    assert 0.01 < sum(one["has_error"] for one in made) / len(made) < 0.06
    assert all(one["has_warn"] >= one["has_error"] for one in made)
    lengths = sorted(len(one["event_sequence"]) for one in made)
    assert 18 < lengths[1_500] < 27 and lengths[-1] > 100
    assert len({event for one in made for event in one["event_sequence"]}) > 450
