"""Raw logs of any size: whole sessions again, later, with ids of their own and true labels."""

from __future__ import annotations

import csv
from collections import Counter, defaultdict

import pytest

from logradar.simulation.blocks import LINE
from logradar.simulation.raw_logs import simulate_lines
from logradar.simulation.settings import LineSettings
from logradar.simulation.simulate import simulate
from logradar.sources.opening.opening import InputSettings, open_input
from logradar.sources.simulated import FILES, read_mark

SETTINGS = LineSettings(lines_per_day=4_000, size="3MB", seed=3, start="2026-02-27")


@pytest.fixture(scope="module")
def grown(tmp_path_factory):
    return simulate_lines(tmp_path_factory.mktemp("grown"), settings=SETTINGS)


def keys_of(folder):
    """The lines of each trace, without dates and ids, and the days on which it begins."""
    found = defaultdict(list)
    for name in FILES.values():
        for text in (folder / name).read_bytes().splitlines():
            if line := LINE.match(text):
                found[line[1].decode()].append(text.replace(line[1], b""))
    return found


def test_the_first_time_is_the_simulation_itself(grown, tmp_path):
    plain = simulate(tmp_path, lines_per_day=4_000, seed=3, start="2026-02-27")
    for name in FILES.values():
        assert (grown.folder / name).read_bytes().startswith((tmp_path / name).read_bytes())
    assert (grown.folder / "session_labels.csv").read_bytes().startswith((tmp_path / "labels.csv").read_bytes())
    assert (grown.folder / "origins.parquet").read_bytes() == (tmp_path / "origins.parquet").read_bytes()
    size = sum((grown.folder / name).stat().st_size for name in FILES.values())
    assert 0.9 < size / 3e6 < 1.1
    times = read_mark(grown.folder)["times"]
    assert times > 3 and grown.sessions == plain.sessions * times
    lines = {name: (grown.folder / name).read_bytes().count(b"\n") for name in FILES.values()}
    assert lines == grown.lines == {name: count * times for name, count in plain.lines.items()}


def test_sessions_are_whole_and_labels_true(grown):
    with (grown.folder / "session_labels.csv").open(newline="") as file:
        labels = {row["session_key"]: row["fault"] for row in csv.DictReader(file)}
    assert len(labels) == grown.sessions
    assert Counter(fault for fault in labels.values() if fault) == grown.faults
    found = keys_of(grown.folder)
    assert set(found) <= set(labels)
    times = read_mark(grown.folder)["times"]
    kinds: dict[object, list[tuple[str, str]]] = defaultdict(list)
    for key, texts in found.items():
        kinds[tuple(text[10:] for text in texts)].append((labels[key], min(texts)[:10].decode()))
    assert all(len(same) % times == 0 for same in kinds.values())
    for same in kinds.values():
        assert len({fault for fault, _ in same}) == 1
        assert len({day for _, day in same}) >= times - 1
    days = sorted({day for same in kinds.values() for _, day in same})
    assert days[0] == "2026-02-27" and "2026-03-01" in days


def test_it_is_read_as_simulated_logs_and_labels_are_given(grown):
    with open_input(grown.folder) as opened:
        assert opened.source == "simulated"
        assert all(batch["label"].null_count == batch.num_rows for batch in opened.batches(None))
    with open_input(grown.folder, InputSettings(labels=grown.folder / "session_labels.csv")) as opened:
        anomalous = {
            key
            for batch in opened.batches(None)
            for key, label in zip(batch["session_key"].to_pylist(), batch["label"].to_pylist(), strict=True)
            if label
        }
    assert len(anomalous) == grown.anomalies


def test_equal_bytes_and_sizes_by_default(tmp_path):
    settings = LineSettings(size="700kB", days=2, seed=9)
    one, two = (simulate_lines(tmp_path / name, settings=settings).folder for name in "ab")
    assert {file.name: file.read_bytes() for file in one.iterdir()} == {f.name: f.read_bytes() for f in two.iterdir()}
    assert 0.8 < sum((one / name).stat().st_size for name in FILES.values()) / 7e5 < 1.25


def test_without_a_size_it_is_what_it_was(tmp_path):
    one = simulate_lines(tmp_path / "a", settings=LineSettings(lines_per_day=1_000, faults="none")).folder
    two = simulate(tmp_path / "b", lines_per_day=1_000, faults="none").folder
    assert {file.name: file.read_bytes() for file in one.iterdir()} == {f.name: f.read_bytes() for f in two.iterdir()}
