"""The store: shards of bounded size, and runs that go on where an earlier one stopped."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from logradar.model.settings import RunSettings, run_settings
from logradar.pipeline.prepare import prepare
from logradar.sources.opening import opening as doors
from logradar.sources.opening.opening import InputSettings
from logradar.sources.radar.generate import DayShape, write_days
from logradar.storage import shards_writer as rooms
from logradar.storage.records import DAYS, collect, collect_days, opening
from logradar.storage.shards_writer import NOTES, READING, RECORDS, Store

SHAPE = DayShape(length=64, distinct=1 << 20)


@pytest.fixture
def days(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(doors, "UNIT", 0)
    write_days(tmp_path / "days", 3, 400_000, seed=5, shape=SHAPE)
    return tmp_path / "days"


def manifest(folder: Path) -> dict:
    return json.loads((folder / "prepared.json").read_text())


def test_the_manifest_lists_all_that_was_read_and_written(days: Path, tmp_path: Path) -> None:
    figures = prepare(str(days), tmp_path / "p", RunSettings())
    facts = manifest(tmp_path / "p")
    for file in facts["inputs"]:
        assert hashlib.sha256(Path(file["name"]).read_bytes()).hexdigest() == file["sha256"]
    assert sum(shard["rows"] for shard in facts["shards"]) == figures["sessions"]
    for shard in facts["shards"]:
        path = tmp_path / "p" / shard["name"]
        assert pq.read_table(path).num_rows == shard["rows"]
        assert hashlib.sha256(path.read_bytes()).hexdigest() == shard["sha256"]
    assert len(facts["shards"]) == len(list((tmp_path / "p" / DAYS).iterdir()))


def test_shards_are_bounded_and_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rooms, "SHARD", 80_000)
    tables = [pa.table({"a": np.arange(start, start + 1_000)}) for start in range(0, 50_000, 1_000)]
    store = Store(tmp_path, RECORDS, {}, workers=3)
    note = store.write(0, [], iter(tables), lambda table: table.num_rows)
    assert [shard.rows for shard in note.shards] == [10_000] * 5
    store.finish(0, note)
    assert pq.ParquetDataset(store.shards).read()["a"].to_pylist() == list(range(50_000))


def test_what_fails_while_it_is_read_or_written_is_told(tmp_path: Path) -> None:
    def broken() -> Iterator[pa.Table]:
        yield pa.table({"a": [1]})
        raise ValueError("the disk fails")

    store = Store(tmp_path, RECORDS, {})
    with pytest.raises(ValueError, match="the disk fails"):
        store.write(0, [], broken(), len)
    with pytest.raises(pa.ArrowInvalid):
        store.write(0, [], [pa.table({"a": [1]}), pa.table({"b": [1]})], len)
    assert store.earlier(0, []) is None


def test_what_is_finished_is_not_read_again(days: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    prepare(str(days), tmp_path / "p", RunSettings())
    before = manifest(tmp_path / "p")
    stamps = {path: path.stat().st_mtime_ns for path in (tmp_path / "p" / DAYS).iterdir()}
    write_days(days, 1, 300_000, seed=9, shape=SHAPE, first=date(2024, 5, 4))
    prepare(str(days), tmp_path / "p", RunSettings())
    assert "3 of 4 pieces of the input were read by an earlier run" in capsys.readouterr().err
    assert all(path.stat().st_mtime_ns == stamp for path, stamp in stamps.items())
    after = manifest(tmp_path / "p")
    assert after["shards"][: len(before["shards"])] == before["shards"] and after["sessions"] > before["sessions"]
    prepare(str(days), tmp_path / "fresh", RunSettings())
    assert manifest(tmp_path / "fresh")["sha256"] == after["sha256"]


def test_a_file_that_changed_is_read_again(days: Path, tmp_path: Path) -> None:
    prepare(str(days), tmp_path / "p", RunSettings())
    middle = sorted(days.iterdir())[1]
    text = middle.read_bytes()
    middle.write_bytes(text[: len(text) // 2])
    figures = prepare(str(days), tmp_path / "p", RunSettings())
    prepare(str(days), tmp_path / "fresh", RunSettings())
    assert manifest(tmp_path / "p")["sha256"] == manifest(tmp_path / "fresh")["sha256"]
    assert figures["quarantined"] == 1
    told = [json.loads(line) for line in (tmp_path / "p" / "quarantine.jsonl").read_text().splitlines()]
    assert [Path(case["source"]).name for case in told] == [middle.name]


def test_another_way_of_reading_begins_anew(days: Path, tmp_path: Path) -> None:
    prepare(str(days), tmp_path / "p", RunSettings())
    prepare(str(days), tmp_path / "p", run_settings(None, ["events=mined"]))
    assert not list((tmp_path / "p" / DAYS).glob("*"))
    assert list((tmp_path / "p" / "records").glob("*.parquet"))


def test_a_damaged_shard_is_written_again(days: Path, tmp_path: Path) -> None:
    prepare(str(days), tmp_path / "p", RunSettings())
    whole = manifest(tmp_path / "p")
    shard = tmp_path / "p" / whole["shards"][0]["name"]
    shard.write_bytes(shard.read_bytes()[:100])
    prepare(str(days), tmp_path / "p", RunSettings())
    assert manifest(tmp_path / "p")["sha256"] == whole["sha256"]


def test_a_run_that_dies_between_units_goes_on(days: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Killed(Exception):
        pass

    finish = Store.finish

    def dies(self: Store, number: int, note: rooms.Note) -> None:
        if number == 1:
            raise Killed
        finish(self, number, note)

    monkeypatch.setattr(Store, "finish", dies)
    with pytest.raises(Killed):
        prepare(str(days), tmp_path / "p", RunSettings())
    assert not (tmp_path / "p" / "prepared.json").exists()
    monkeypatch.setattr(Store, "finish", finish)
    prepare(str(days), tmp_path / "p", RunSettings())
    prepare(str(days), tmp_path / "q", RunSettings())
    assert manifest(tmp_path / "p")["sha256"] == manifest(tmp_path / "q")["sha256"]
    assert not list((tmp_path / "p").rglob("*.part"))


def test_log_records_are_numbered_on_behind_what_was_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doors, "UNIT", 0)
    logs = tmp_path / "logs"
    logs.mkdir()
    for number in range(3):
        lines = [f"2024-05-0{number + 1} 10:00:{second:02} INFO part: step {second} done" for second in range(50)]
        (logs / f"app-{number}.log").write_text("\n".join(lines) + "\n")
    home = tmp_path / "home"
    with opening(str(logs), InputSettings(), home) as (opened, folder):
        collect(opened, folder)
    (home / NOTES / "00002.json").unlink()
    with opening(str(logs), InputSettings(), home) as (opened, folder):
        corpus = collect(opened, folder)
    assert corpus.store.kept == 2
    ids = pa.concat_tables(corpus.scan(["record_id"]))["record_id"].to_pylist()
    assert ids == list(range(150))
    assert corpus.lines([0, 77, 149, -1, 150])["line"].to_pylist() == [1, 28, 50]


def test_a_prepared_folder_inside_the_logs_is_no_log(days: Path) -> None:
    prepare(str(days), days / "prepared", RunSettings())
    first = manifest(days / "prepared")
    prepare(str(days), days / "prepared", RunSettings())
    assert manifest(days / "prepared")["sha256"] == first["sha256"]
    assert len(manifest(days / "prepared")["inputs"]) == 3


def test_counts_of_day_files_without_events(tmp_path: Path) -> None:
    text = json.dumps([{"session_id": 1, "event_sequence": []}, {"session_id": 2, "event_sequence": [4, 4]}])
    (tmp_path / "preprocessed_logs_2024-05-01.json").write_text(text)
    with opening(str(tmp_path), InputSettings(), tmp_path / "home") as (opened, home):
        store, lines, _ = collect_days(opened, home)
    assert (store.rows, store.events, dict(lines.counts)) == (2, 2, {4: 2})
    assert (tmp_path / "home" / READING).is_file()
