"""Simulated wrong values and delays: they change no sequence, and are unlike anything normal."""

from __future__ import annotations

import re
from datetime import datetime
from itertools import pairwise

import pytest
from shop_days import LINE, Day, Seen

from logradar.simulation.simulate import simulate
from logradar.sources.simulated import FILES

SAME = ("wrong_delay", "wrong_value")


@pytest.fixture(scope="module")
def valued(tmp_path_factory: pytest.TempPathFactory) -> Day:
    folder = tmp_path_factory.mktemp("valued")
    simulate(folder, lines_per_day=150_000, faults=SAME, seed=8, episodes_per_day=12)
    return Day(folder)


@pytest.mark.parametrize("fault", SAME)
def test_wrong_values_and_delays_change_no_sequence(valued: Day, seen: Seen, fault: str) -> None:
    sessions = valued.of(fault)
    assert len(sessions) >= 50
    assert sum(sequence not in seen.sequences for sequence in sessions) / len(sessions) < 0.02
    assert len(set(sessions)) > 5


@pytest.mark.slow
def test_wrong_values_are_unlike_any_other(valued: Day, normal: Day) -> None:
    def found(day: Day, pattern: str) -> dict[str, set[str]]:
        by_trace: dict[str, set[str]] = {}
        for name in FILES.values():
            for text in (day.folder / name).read_text().splitlines():
                line = LINE.match(text)
                if line and (value := re.match(pattern, line[5])):
                    by_trace.setdefault(line[4], set()).add(value[1])
        return by_trace

    met = set()
    for what, pattern in (
        ("amount", r"payment of (-?\d+) cents"),
        ("pieces", r"stock of product \d+: (-?\d+) pieces"),
        ("carrier", r"handed order \d+ to carrier (\w+)"),
    ):
        normal_values = set().union(*found(normal, pattern).values())
        for trace, values in found(valued, pattern).items():
            wrong = (
                values - normal_values
                if what == "carrier"
                else {v for v in values if int(v) > 2 * max(map(int, normal_values))}
            )
            if wrong:
                met.add(what)
                assert valued.faults[trace] == "wrong_value"
    assert met == {"amount", "pieces", "carrier"}


@pytest.mark.slow
def test_wrong_delays_are_longer_than_any_other(valued: Day, normal: Day) -> None:
    def longest(day: Day) -> dict[str, float]:
        times: dict[str, list[datetime]] = {}
        for name in FILES.values():
            for text in (day.folder / name).read_text().splitlines():
                if line := LINE.match(text):
                    times.setdefault(line[4], []).append(datetime.strptime(line[1], "%Y-%m-%d %H:%M:%S,%f"))
        gaps = {trace: [b - a for a, b in pairwise(sorted(found))] for trace, found in times.items()}
        return {trace: max(found).total_seconds() for trace, found in gaps.items() if found}

    longest_normal = max(longest(normal).values())
    struck = {trace for trace, seconds in longest(valued).items() if seconds > 1.4 * longest_normal}
    assert struck == {trace for trace, fault in valued.faults.items() if fault == "wrong_delay"}
