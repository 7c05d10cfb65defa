"""Lines that describe an event id: some of its own, spread over what is read."""

from __future__ import annotations

import pyarrow as pa

from logradar.sources.radar.lines import KEPT, EventLines


def table(sessions: list[list[tuple[int, str]]]) -> pa.Table:
    events = pa.array([[event for event, _ in session] for session in sessions], pa.list_(pa.int32()))
    lines = pa.array([[line for _, line in session] for session in sessions], pa.list_(pa.string()))
    return pa.table({"event_sequence": events, "original_logs": lines})


def test_lines_are_spread_over_the_sessions_and_not_the_first_ones():
    night = [[(7, "serving Health.ping")] for _ in range(50)]
    day = [[(7, f"serving Search.find of {number}"), (8, "rare") if number == 3 else (9, "x")] for number in range(50)]
    found = EventLines()
    found.add(table(night + day))
    assert found.counts == {7: 100, 8: 1, 9: 49}
    assert len(found.lines[7]) == KEPT
    assert {line.split()[1] for line in found.lines[7]} == {"Health.ping", "Search.find"}
    assert found.lines[8] == ["rare"]
    assert found.lines[9] == ["x"] * KEPT


def test_few_lines_are_all_kept_in_order_and_filled_up_by_later_sessions():
    found = EventLines()
    found.add(table([[(7, f"a{number}") for number in range(KEPT - 1)]]))
    assert found.lines[7] == [f"a{number}" for number in range(KEPT - 1)]
    found.add(table([[(7, "b"), (7, "c")]]))
    assert found.lines[7][KEPT - 1 :] == ["b"]
    assert found.counts[7] == KEPT + 1
