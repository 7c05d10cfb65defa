"""Simulated day files: the shop's sessions, true labels, any size, equal bytes."""

from __future__ import annotations

import csv
import json
from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from logradar.core.config import validated
from logradar.core.errors import ConfigError, InputError
from logradar.core.quarantine import Quarantine
from logradar.simulation.blocks import LINE
from logradar.simulation.day_files import simulate_days
from logradar.simulation.journal import PACKAGE
from logradar.simulation.settings import DaySettings
from logradar.simulation.simulate import simulate
from logradar.simulation.sites import FIRST_EVENT, sites
from logradar.sources.opening.opening import InputSettings, open_input
from logradar.sources.radar.reading import read_day
from logradar.sources.simulated import FILES, read_mark

SMALL = {"lines_per_day": 6_000, "seed": 5, "days": 2, "episodes_per_day": 12}


def sessions(path: Path) -> list[dict]:
    return json.loads(path.read_bytes())


def labels(folder: Path) -> dict[str, str]:
    with (folder / "session_labels.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert all(row["label"] == str(int(bool(row["fault"]))) for row in rows)
    found = {row["session_key"]: row["fault"] for row in rows}
    assert len(found) == len(rows)
    return found


def trace(session: dict) -> str:
    return LINE.match(session["original_logs"][0].encode())[1].decode()


@pytest.fixture(scope="module")
def raw(tmp_path_factory) -> Path:
    return simulate(tmp_path_factory.mktemp("raw"), **SMALL).folder


@pytest.fixture(scope="module")
def days(tmp_path_factory) -> Path:
    return simulate_days(tmp_path_factory.mktemp("days"), settings=DaySettings(**SMALL)).folder


@pytest.fixture(scope="module")
def grown(tmp_path_factory) -> Path:
    return simulate_days(
        tmp_path_factory.mktemp("grown"), settings=DaySettings(**SMALL | {"days": 9, "size": "3MB"})
    ).folder


def test_the_sessions_are_those_of_the_raw_logs(raw, days):
    lines, events = {}, {}
    origins = {(row["source"], row["line"]): row for row in pq.read_table(raw / "origins.parquet").to_pylist()}
    place = {(Path(site.path).relative_to(PACKAGE).as_posix(), site.line): site for site in sites().values()}
    for name in FILES.values():
        for number, text in enumerate((raw / name).read_text().splitlines(), 1):
            if found := LINE.match(text.encode()):
                key = found[1].decode()
                lines.setdefault(key, []).append(text)
                row = origins[name, number]
                events.setdefault(key, []).append(place[row["path"], row["code_line"]].event)
    made = [session for day in sorted(days.glob("preprocessed*")) for session in sessions(day)]
    assert {trace(one): sorted(text.partition("\n")[0] for text in one["original_logs"]) for one in made} == {
        key: sorted(texts) for key, texts in lines.items()
    }
    assert {trace(one): sorted(one["event_sequence"]) for one in made} == {k: sorted(v) for k, v in events.items()}
    with (raw / "labels.csv").open(newline="") as file:
        theirs = {row["session_key"]: row["fault"] for row in csv.DictReader(file) if row["session_key"] in lines}
    keys = labels(days)
    ours = {
        trace(one): keys[f"{day}/{one['session_id']}"]
        for day in ("2026-03-02", "2026-03-03")
        for one in sessions(days / f"preprocessed_logs_{day}.json")
    }
    assert ours == theirs
    assert len(set(ours.values())) > 5


def test_a_session_is_what_its_lines_say(days):
    known = {site.event: site for site in sites().values()}
    for one in sessions(days / "preprocessed_logs_2026-03-03.json"):
        texts = one["original_logs"]
        assert [text[:23] for text in texts] == sorted(text[:23] for text in texts)
        assert {trace({"original_logs": [text]}) for text in texts} == {trace(one)}
        levels = [text.split(" ", 3)[2] for text in texts]
        assert levels == [known[event].level for event in one["event_sequence"]]
        assert (one["has_error"], one["has_warn"]) == ("ERROR" in levels, "WARNING" in levels)
        services = [text.split(" ", 4)[3].partition(".")[0] for text in texts]
        assert services.count(one["service_name"]) == max(map(services.count, services))
        assert one["token_ids"] == one["event_sequence"][:512] + [0] * (512 - len(texts))


def test_every_log_call_is_known_and_numbered(days):
    with (days / "events.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["event_id"]) for row in rows] == list(range(FIRST_EVENT, FIRST_EVENT + len(rows)))
    for row in rows:
        text = (PACKAGE / row["path"]).read_text().splitlines()
        assert any(f".{call}(" in text[int(row["code_line"]) - 1] for call in (row["level"].lower(), "exception"))
        assert row["message"]


@pytest.mark.slow
def test_grown_files_have_their_size_and_only_fresh_ids(grown):
    files = sorted(grown.glob("preprocessed*"))
    assert [file.name[18:28] for file in files] == [f"2026-03-{day:02}" for day in range(2, 11)]
    seen: Counter[str] = Counter()
    keys = labels(grown)
    for file in files:
        assert 3_000_000 <= file.stat().st_size < 3_020_000
        made = sessions(file)
        assert [one["session_id"] for one in made] == list(range(10**11, 10**11 + len(made)))
        assert all(f"{file.name[18:28]}/{one['session_id']}" in keys for one in made)
        seen.update(trace(one) for one in made)
        dates = Counter(text[:10] for one in made for text in one["original_logs"])
        assert dates[file.name[18:28]] > 0.99 * dates.total()
        bad = Quarantine()
        assert sum(table.num_rows for table in read_day(file, bad)) == len(made) and not bad.count
    assert set(seen.values()) == {1}
    assert len(keys) == seen.total()
    mark = read_mark(grown)
    assert mark["complete"] and mark["sessions"] == len(keys) > mark["distinct"]
    assert mark["faults"] == Counter(fault for fault in keys.values() if fault)


def test_what_comes_again_keeps_its_label(grown):
    def shape(one):
        return tuple(one["event_sequence"]), tuple(text[10:60].partition("[")[0] for text in one["original_logs"])

    truth: dict[object, set[str]] = {}
    for day in ("2026-03-02", "2026-03-09"):  # the second one is made of the first
        keys = labels(grown)
        for one in sessions(grown / f"preprocessed_logs_{day}.json"):
            truth.setdefault(shape(one), set()).add(keys[f"{day}/{one['session_id']}"])
    assert all(len(found) == 1 for found in truth.values())
    assert len(truth) < 0.4 * sum(1 for key in labels(grown) if key[:10] in ("2026-03-02", "2026-03-09"))


def test_the_labels_fit_what_the_source_reads(grown):
    settings = InputSettings(labels=grown / "session_labels.csv", limit_files=2)
    with open_input(grown, settings) as opened:
        found = [batch.select(["session_key", "label"]) for batch in opened.batches(None)]
    assert opened.source == "radar_json" and not opened.quarantine.count
    assert all(batch["label"].null_count == 0 for batch in found)
    assert sum(sum(batch["label"].to_pylist()) for batch in found) > 0
    with open_input(grown, InputSettings(limit_files=1)) as opened:
        assert not opened.kinds  # not found by itself


def test_the_same_settings_write_the_same_bytes(grown, tmp_path):
    again = simulate_days(tmp_path / "b", settings=DaySettings(**SMALL | {"days": 9, "size": "3MB"})).folder
    assert {file.name: file.read_bytes() for file in again.iterdir()} == {
        file.name: file.read_bytes() for file in grown.iterdir()
    }
    other = simulate_days(tmp_path / "c", settings=DaySettings(lines_per_day=2_000, seed=6, days=1)).folder
    assert (other / "preprocessed_logs_2026-03-02.json").read_bytes()[:9_000] != (
        grown / "preprocessed_logs_2026-03-02.json"
    ).read_bytes()[:9_000]


@pytest.mark.parametrize("size", [1, 40_000])
def test_small_and_pretty(tmp_path, size):
    settings = DaySettings(lines_per_day=1_000, size=size, pretty=True, tokens=8, faults="none")
    made = simulate_days(tmp_path, settings=settings)
    (file,) = made.files
    assert size <= file.stat().st_size < size + 60_000
    assert file.read_text() == json.dumps(sessions(file), indent=2, ensure_ascii=False) + "\n"
    assert made.sessions == len(sessions(file)) == len(labels(tmp_path)) >= 1
    assert made.anomalies == 0
    assert "anomalous; the labels are in 'session_labels.csv'" in made.sentence()


def test_a_clock_that_is_off_over_midnight_makes_no_other_files(tmp_path):
    settings = DaySettings(lines_per_day=5_000, faults=["clock_skew"], episodes_per_day=96, episode_minutes=60)
    made = simulate_days(tmp_path, settings=settings)
    assert [file.name for file in made.files] == ["preprocessed_logs_2026-03-02.json"]
    assert made.faults["clock_skew"] > 0


def test_written_again_nothing_old_is_left(tmp_path):
    simulate_days(tmp_path, settings=DaySettings(lines_per_day=1_000, days=3))
    simulate_days(tmp_path, settings=DaySettings(lines_per_day=1_000, days=1))
    assert len(list(tmp_path.glob("preprocessed*"))) == 1
    simulate(tmp_path, lines_per_day=1_000)
    assert not list(tmp_path.glob("preprocessed*")) and not (tmp_path / "session_labels.csv").exists()


def test_what_is_refused(tmp_path):
    (tmp_path / "preprocessed_logs_2024-05-01.json").write_text("[]")
    with pytest.raises(InputError, match=r"has preprocessed_logs_2024-05-01\.json, which no simulation wrote"):
        simulate_days(tmp_path)
    with pytest.raises(InputError, match=r"GB free, but 1000000000\.0 GB are needed"):
        simulate_days(tmp_path / "big", settings=DaySettings(days=1000, size="1000TB"))
    with pytest.raises(ConfigError, match="size"):
        validated(DaySettings, {"size": "much"})
