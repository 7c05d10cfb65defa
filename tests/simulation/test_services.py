"""All services of the shop have sessions and faults, and a trace has the same service in both formats."""

from __future__ import annotations

import csv
import json
from collections import Counter
from pathlib import Path

import pytest
from shop_days import LINE

from logradar.simulation.day_files import simulate_days
from logradar.simulation.settings import DaySettings
from logradar.simulation.simulate import simulate
from logradar.sources.simulated import FILES

GIVEN = {"lines_per_day": 100_000, "seed": 3, "tokens": 0}


@pytest.fixture(scope="module")
def days(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("days")
    simulate_days(folder, settings=DaySettings(**GIVEN))
    return folder


def sessions_of(folder: Path) -> list[tuple[str, str, str]]:
    """Trace, service and fault of every session."""
    with (folder / "session_labels.csv").open() as file:
        faults = {row["session_key"]: row["fault"] for row in csv.DictReader(file)}
    found = []
    for path in folder.glob("preprocessed_logs_*.json"):
        day = path.stem.rpartition("_")[2]
        for session in json.loads(path.read_text()):
            first = LINE.match(session["original_logs"][0])
            assert first
            found.append((first[4], session["service_name"], faults[f"{day}/{session['session_id']}"]))
    return found


def test_every_service_has_its_part_of_sessions_and_of_faults(days: Path):
    found = sessions_of(days)
    sessions = Counter(service for _, service, _ in found)
    faults = Counter(service for _, service, fault in found if fault)
    assert set(sessions) == set(FILES)
    assert max(sessions.values()) < 0.7 * sessions.total()
    assert min(sessions.values()) > 0.1 * sessions.total()
    assert max(faults.values()) < 0.6 * faults.total()
    assert min(faults.values()) > 0.15 * faults.total()
    kinds = {service: {fault for _, own, fault in found if own == service and fault} for service in FILES}
    assert all(len(kinds[service]) >= 5 for service in FILES)


def test_a_trace_has_the_same_service_in_day_files_and_in_raw_logs(days: Path, tmp_path: Path):
    simulate(tmp_path / "lines", lines_per_day=GIVEN["lines_per_day"], seed=GIVEN["seed"])
    texts = {service: (tmp_path / "lines" / name).read_text().splitlines() for service, name in FILES.items()}
    read = ((LINE.match(text), service) for service, lines in texts.items() for text in lines)
    records = [(found[1], found[4], service) for found, service in read if found]
    records.sort(key=lambda record: record[0])
    counts: dict[str, Counter[str]] = {}
    for _, trace, service in records:
        counts.setdefault(trace, Counter())[service] += 1
    in_days = {trace: service for trace, service, _ in sessions_of(days)}
    assert set(in_days) == set(counts)
    # Where two services wrote equally much, the first one counts; equal time stamps leave that open.
    assert all(counts[trace][service] == max(counts[trace].values()) for trace, service in in_days.items())
    differ = [trace for trace in counts if counts[trace].most_common(1)[0][0] != in_days[trace]]
    assert len(differ) <= 0.001 * len(counts)
