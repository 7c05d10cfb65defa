"""The source `radar_json`: sessions of day files as log records."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
from day_samples import document, session
from reading_lines import read, write

from logradar.core.errors import InputError
from logradar.core.quarantine import Quarantine
from logradar.sources.base import ReadLimits
from logradar.sources.lines import Lines
from logradar.sources.opening.opening import InputSettings, open_input
from logradar.sources.radar.generate import DayShape, write_days
from logradar.sources.radar_json import RadarJson

NAME = "preprocessed_logs_2024-05-01.json"


def records(path: Path, **hints) -> pl.DataFrame:
    return read(path, source=RadarJson, **hints)


def test_every_line_is_a_record_of_its_session(tmp_path):
    lines = [
        "2024-05-01 08:15:00,250 INFO  [gateway-1] request 7 accepted",
        "2024-05-01T08:15:01.5Z WARN retry",
        "ERROR no time here",
        "no level, not even in terrors or information",
    ]
    made = [
        session(17, [5, 6, 7, 8], service_name="gateway", original_logs=lines),
        session(4, [9], original_logs=["x"]),
    ]
    quarantine = Quarantine()
    frame = records(write(tmp_path / NAME, document(made)), quarantine=quarantine)
    assert frame["body"].to_list() == [*lines, "x"]
    assert frame["record_id"].to_list() == [0, 1, 2, 3, 4]
    assert frame["session_key"].to_list() == ["2024-05-01/17"] * 4 + ["2024-05-01/4"]
    assert frame["service"].to_list() == ["gateway"] * 4 + ["service-0"]
    assert frame["level"].to_list() == [9, 13, 17, None, None]
    assert frame["line"].to_list() == [1, 1, 1, 1, 2]
    first = datetime(2024, 5, 1, 8, 15, 0, 250_000, tzinfo=UTC)
    assert frame["timestamp"].to_list() == [first, first.replace(second=1, microsecond=500_000), None, None, None]
    assert frame["source"].unique().to_list() == [str(tmp_path / NAME)]
    assert frame["label"].null_count() == frame["component"].null_count() == 5
    assert quarantine.count == 0


def test_events_without_a_line_are_called_by_their_number(tmp_path):
    made = [
        session(1, [5, 6], original_logs=["one", "two"]),
        session(2, [5, 6, 7], original_logs=["one"]),
        session(3, [8, 9], original_logs=...),
        session(4, [], original_logs=[]),
        session(5, [4], original_logs=["a", "b"]),
        session(6, [4], original_logs=None),
    ]
    quarantine = Quarantine()
    frame = records(write(tmp_path / "app.json", document(made)), quarantine=quarantine)
    bodies = frame.group_by("session_key", maintain_order=True).agg("body").rows()
    assert bodies == [
        ("app/1", ["one", "two"]),
        ("app/2", ["one", "E6", "E7"]),
        ("app/3", ["E8", "E9"]),
        ("app/5", ["a", "b"]),
        ("app/6", ["E4"]),
    ]
    assert frame["line"].to_list() == [1, 1, 2, 2, 2, 3, 3, 5, 5, 6]
    assert frame["timestamp"].null_count() == len(frame)
    assert quarantine.reasons == {
        "session without original_logs": 2,
        "session with another number of original_logs than of events": 2,
        "session without events and lines": 1,
    }


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("sort", [False, True])
def test_day_files_are_recognised_by_their_content(tmp_path, indent, sort):
    made = [session(number, length=600, original_logs=["line " * 30] * 500) for number in range(5)]
    path = write(tmp_path / "anything.txt", b"\xef\xbb\xbf" + document(made, indent=indent, sort_keys=sort))
    with open_input(path) as opened:
        batches = list(opened.batches())
    assert opened.source == "radar_json"
    assert opened.notes == []
    assert sum(batch.num_rows for batch in batches) == 2_500
    assert RadarJson.recognises(path, path.read_text()[:3_000].splitlines()[:200]) > 0.9


@pytest.mark.parametrize(
    "text",
    [
        '[{"session_id": 1, "message": "event_sequence"}]',
        '{"level": "INFO", "session_id": 3}',
        "[1, 2]",
        "2024-05-01 INFO session_id event_sequence",
        "[main] INFO x - event_sequence",
        "",
    ],
)
def test_other_files_are_not_taken_for_day_files(tmp_path, text):
    path = write(tmp_path / "other.json", text)
    assert RadarJson.recognises(path, text.splitlines()) == 0.0
    assert RadarJson.recognises(tmp_path / "no-such-file", text.splitlines()) == 0.0


@pytest.mark.parametrize("text", ["[]", " [\n", '[{"id": 1, "event_sequence": [3], "session_id": 4}]'])
def test_what_nothing_else_can_be_is_a_day_file(tmp_path, text):
    path = write(tmp_path / "other.json", text)
    assert RadarJson.recognises(path, text.splitlines()) == 0.5
    assert Lines.recognises(path, text.splitlines()) == 0.0


def test_lines_do_not_claim_day_files(tmp_path):
    path = write(tmp_path / NAME, document([session(1)], indent=2))
    head = path.read_text().splitlines()
    assert RadarJson.recognises(path, head) > Lines.recognises(path, head)


def test_a_folder_of_days_in_batches_of_bounded_size(tmp_path):
    days = write_days(tmp_path / "days", 3, 300_000, 1, DayShape(distinct=100_000, length=32))
    made = [one for day in days for one in json.loads(day.read_bytes())]
    with open_input(tmp_path / "days", InputSettings(limits=ReadLimits(rows=500))) as opened:
        batches = list(opened.batches())
    assert max(batch.num_rows for batch in batches) <= 500
    frame = pl.concat([pl.from_arrow(batch.select(["record_id", "body", "session_key", "level"])) for batch in batches])
    assert frame["record_id"].to_list() == list(range(len(frame)))
    assert frame["body"].to_list() == [line for one in made for line in one["original_logs"]]
    assert frame["session_key"].n_unique() == len(made)
    assert {9, 13} <= set(frame["level"].unique()) <= {9, 13, 17}
    assert opened.quarantine.count == 0


def test_another_session_key_can_be_asked_for(tmp_path):
    made = [session(1, [5, 6], original_logs=["trace=a x", "y"]), session(2, [5], original_logs=["trace=b"])]
    frame = records(write(tmp_path / NAME, document(made)), session_key="trace=(.)")
    assert frame["session_key"].to_list() == ["a", None, "b"]


def test_damage_is_quarantined_and_the_rest_is_read(tmp_path):
    good = json.dumps(session(1))
    path = write(tmp_path / NAME, f"[{good}, {good[:80]}, {good}, {good[:60]}")
    quarantine = Quarantine(tmp_path / "bad.jsonl")
    frame = records(path, quarantine=quarantine)
    assert len(frame) == 6 and frame["line"].to_list() == [1, 1, 1, 2, 2, 2]
    cases = [json.loads(line) for line in (tmp_path / "bad.jsonl").read_text().splitlines()]
    assert [case["source"] for case in cases] == [str(path)] * 2
    assert [case["offset"] for case in cases] == [len(good) + 3, 2 * len(good) + 87]


def test_a_file_in_which_nothing_can_be_read_is_one_sentence(tmp_path):
    path = write(tmp_path / NAME, document([{"session_id": "a", "event_sequence": []}] * 3))
    with (
        pytest.raises(InputError, match=r"contains no log records.*wrong type: session_id") as error,
        open_input(path) as opened,
    ):
        list(opened.batches())
    assert "\n" not in str(error.value)
