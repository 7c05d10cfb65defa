"""Which files of an input are read: the newest, or those of certain days."""

from __future__ import annotations

import hashlib
import json
import os
from datetime import UTC, date, datetime

import pytest
from reading_lines import write

from logradar.core.errors import InputError
from logradar.sources.opening.file_dates import date_in
from logradar.sources.opening.files import find, in_order
from logradar.sources.opening.opening import InputSettings, open_input
from logradar.sources.opening.selection import select

DAYS = [date(2024, 4, 29), date(2024, 4, 30), date(2024, 5, 1), date(2024, 5, 2)]


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "in").mkdir()
    for day in DAYS:
        write(tmp_path / "in" / f"preprocessed_logs_{day}.json", "x\n" * day.day)
    return tmp_path / "in"


def chosen(folder, *args, **kwargs):
    found, said = select(str(folder), find(str(folder)), *args, **kwargs)
    return [file.name for file in found.files], said


@pytest.mark.parametrize(
    ("name", "day"),
    [
        ("preprocessed_logs_2024-05-01.json", date(2024, 5, 1)),
        ("app.log.2024-05-01", date(2024, 5, 1)),
        ("app.log-20240501.gz", date(2024, 5, 1)),
        ("app-20240501123059.log", date(2024, 5, 1)),
        ("app_2024_05_01T10.log", date(2024, 5, 1)),
        ("2024.05.01-2.log", date(2024, 5, 1)),
        ("build-20241301-2024-02-29.log", date(2024, 2, 29)),
        ("app.log", None),
        ("app-2024-02-30.log", None),
        ("app-2024-0501.log", None),
        ("id-920240501.log", None),
        ("core.1714521600", None),
        ("node-18991231.log", None),
    ],
)
def test_dates_in_names(name, day):
    assert date_in(name) == day


def test_files_come_in_the_order_of_their_dates(tmp_path):
    names = ["z/app-2024-04-30.log", "a/app-2024-05-01.log", "b/app-2024-05-02.log", "c/app-20240502.log", "a/app.log"]
    assert in_order(tmp_path / name for name in reversed(names[1:])) == [tmp_path / name for name in names[1:]]
    assert in_order([tmp_path / "b.log", tmp_path / names[0]]) == [tmp_path / names[0], tmp_path / "b.log"]


def test_nothing_asked_for_is_everything(folder):
    assert chosen(folder) == ([f"preprocessed_logs_{day}.json" for day in DAYS], "")
    assert chosen(folder, 0)[0] == chosen(folder, None)[0]
    assert chosen(folder, 4) == (chosen(folder)[0], "")


def test_the_newest_by_the_date_in_the_name(folder):
    for age, file in enumerate(sorted(folder.iterdir())):  # the time of change says the contrary
        os.utime(file, (1e9 - age * 1e6,) * 2)
    names, said = chosen(folder, 2)
    assert names == ["preprocessed_logs_2024-05-01.json", "preprocessed_logs_2024-05-02.json"]
    assert said == "--limit-files 2 leaves out 2 files (0.0 MB); 2 files (0.0 MB) of 2024-05-01, 2024-05-02 remain."


def test_days_are_inclusive(folder):
    assert chosen(folder, since=DAYS[1], until=DAYS[2])[0] == [f"preprocessed_logs_{day}.json" for day in DAYS[1:3]]
    names, said = chosen(folder, 1, until=DAYS[1])
    assert names == ["preprocessed_logs_2024-04-30.json"]
    assert said.startswith("--limit-files 1 --until 2024-04-30 leaves out 3 files")
    assert said.endswith("1 file (0.0 MB) of 2024-04-30 remains.")


def test_files_without_a_date_go_by_their_last_change(tmp_path):
    for number, name in enumerate(["b.log", "a.log", "c.log"]):
        file = write(tmp_path / name, "x\n")
        seconds = datetime(2024, 5, 1 + number, 12, tzinfo=UTC).timestamp()
        os.utime(file, (seconds, seconds))
    write(tmp_path / "a.log.2024-05-02", "x\n")
    assert chosen(tmp_path, 2)[0] == ["a.log", "c.log"]  # a.log changed at noon of the day that has a file of its own
    names, said = chosen(tmp_path, until=date(2024, 5, 2))
    assert names == ["a.log.2024-05-02", "a.log", "b.log"]
    assert said.endswith("of 2024-05-01, 2024-05-02 remain (2 dated by their last modification).")


def test_rotated_files_of_one_moment_go_by_their_number(tmp_path):
    for name in ("app.log", "app.log.1", "app.log.2", "app.log.10"):
        os.utime(write(tmp_path / name, "x\n"), (1e9, 1e9))
    assert chosen(tmp_path, 2)[0] == ["app.log.1", "app.log"]


def test_an_empty_choice_names_the_days_there_are(folder):
    with pytest.raises(InputError, match=r"matches --since 2025-01-01; it has 4 files, of 2024-04-29, .*2024-05-02\."):
        chosen(folder, since=date(2025, 1, 1))
    for number in range(3, 10):
        write(folder / f"preprocessed_logs_2024-05-0{number}.json", "x\n")
    with pytest.raises(InputError, match="11 files, of 11 days from 2024-04-29 to 2024-05-09"):
        chosen(folder, until=date(2020, 1, 1))


def test_what_cannot_be_chosen_from(tmp_path, monkeypatch, folder):
    with pytest.raises(InputError, match=r"is later than --until .*; swap them"):
        chosen(folder, since=DAYS[2], until=DAYS[0])
    (tmp_path / "prep/records").mkdir(parents=True)
    write(tmp_path / "prep/records/part-00000.parquet", "x")
    shard = {"name": "records/part-00000.parquet", "bytes": 1, "sha256": hashlib.sha256(b"x").hexdigest()}
    write(tmp_path / "prep/prepared.json", json.dumps({"shards": [shard]}))
    with pytest.raises(InputError, match="is a prepared folder, --limit-files 3 selects log files"):
        chosen(tmp_path / "prep", 3)
    with (folder / f"preprocessed_logs_{DAYS[0]}.json").open() as pipe:
        monkeypatch.setattr("sys.stdin", pipe)
        with pytest.raises(InputError, match="Piped input is not a set of files"):
            chosen("-", 3)


def test_only_chosen_files_are_read_and_it_is_told(tmp_path):
    for day in (1, 2, 3):
        line = f"2024-05-0{day} 10:00:00,000 INFO shop.jobs [job=a{day}] done\n"
        write(tmp_path / f"app-2024-05-0{day}.log", line)
    settings = InputSettings(limit_files=1, until=date(2024, 5, 2))
    with open_input(tmp_path, settings) as opened:
        days = [when.day for batch in opened.batches(None) for when in batch["timestamp"].to_pylist()]
    assert [file.name for file in opened.files] == ["app-2024-05-02.log"]
    assert days == [2]
    assert opened.notes[0].startswith("--limit-files 1 --until 2024-05-02 leaves out 2 files")
    others = opened.settings.for_others()
    assert (others.limit_files, others.since, others.until, others.labels) == (None,) * 4
    assert others.source == "lines"
