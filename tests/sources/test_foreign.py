"""One foreign JSON file in a folder of day files is named and left out; it does not decide how days are read."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from logradar.model.settings import run_settings
from logradar.pipeline.train import train
from logradar.pipeline.validate import validate
from logradar.sources.opening.opening import InputSettings, open_input
from logradar.sources.radar.generate import DayShape
from logradar.sources.radar.generate import write_days as generate

REASON = "JSON file that is no day file, unlike the others"
LINE = json.dumps({"files": 3, "sessions": 4000}) + "\n"


@pytest.fixture
def days(tmp_path: Path) -> Path:
    generate(tmp_path / "days", 3, 60_000, shape=DayShape(length=40))
    return tmp_path / "days"


@pytest.mark.parametrize(
    "text", [LINE, LINE * 30, '[{"a": 1}]', '{\n "threshold": 3,\n "list": [\n  {"b": 2}\n ]\n}\n'], ids=len
)
@pytest.mark.parametrize("source", [None, "radar_json"])
def test_it_is_named_and_the_event_ids_of_the_days_are_used(days, tmp_path, capsys, text, source):
    (days / "stats.json").write_text(text)
    settings = run_settings(None, ["detector=new_template", "beside=[]"], {"input.source": source} if source else {})
    trained = train(str(days), tmp_path / "b", settings)
    said = capsys.readouterr().err
    assert "Left out, because it is no day file, unlike the other JSON files: 'stats.json'." in said
    assert "read line by line" not in said
    assert trained.fitted.settings.events == "given" and trained.figures["source"] == "radar_json"
    assert trained.figures["quarantined"] == 1


def test_it_is_a_fault_of_the_inventory(days):
    clean = validate(str(days), run_settings())
    (days / "stats.json").write_text(LINE)
    facts = validate(str(days), run_settings())
    same = ("sessions", "records", "source", "templates", "files")
    assert {name: facts[name] for name in same} == {name: clean[name] for name in same}
    assert REASON in json.dumps(facts)


def test_it_takes_no_place_among_the_newest_files(days):
    (days / "stats.json").write_text(LINE)  # its last modification is later than all days
    with open_input(days, InputSettings(limit_files=2)) as opened:
        assert [file.name for file in opened.files] == sorted(path.name for path in days.glob("pre*"))[-2:]


def test_packed_days_and_several_foreign_files(days):
    for path in sorted(days.glob("*.json")):
        path.with_name(path.name + ".gz").write_bytes(gzip.compress(path.read_bytes()))
        path.unlink()
    for name in ("a.json", "b.json"):
        (days / name).write_text(LINE)
    with open_input(days) as opened:
        assert opened.has_sessions and len(opened.files) == 3
        assert any("they are no day files, unlike the other JSON files: 'a.json', 'b.json'" in n for n in opened.notes)


def test_a_day_among_json_logs_decides_nothing(days):
    """Where most JSON files are logs, they are what the user meant."""
    for name in ("a.json", "b.json", "c.json", "d.json"):
        (days / name).write_text(LINE * 30)
    with open_input(days) as opened:
        assert len(opened.files) == 7 and not opened.has_sessions
        assert any("mixed with other logs" in note for note in opened.notes)


@pytest.mark.parametrize("damage", ["", "[", "\n", '[{"session_id":1,"event_sequence":[1,2'])
def test_days_that_are_empty_or_cut_are_not_foreign(days, damage):
    (days / "preprocessed_logs_2030-01-01.json").write_text(damage)
    with open_input(days) as opened:
        assert REASON not in opened.quarantine.reasons


def test_given_alone_it_is_read_as_a_log(tmp_path):
    path = tmp_path / "stats.json"
    path.write_text(LINE * 30)
    with open_input(path) as opened:
        assert opened.source == "lines"
