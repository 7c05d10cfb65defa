"""Clocks that go back: inside a session the order of the file stays, in whatever batches, from one file or several."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from logradar.core.tables import EVENTS
from logradar.parsing.event_clock import EventClock
from logradar.parsing.sessionizer import Sessionizer
from logradar.parsing.sessions import SessionSettings

START = datetime(2026, 10, 25, 2, 30, tzinfo=UTC)
HOUR = 3600.0


def log(
    seconds: float, every: float, lasts: int, steps: dict[float, float], name: str = "s"
) -> list[tuple[float, str, int]]:
    """Lines (time as written, session, number in it) of sessions that overlap; the clock goes back at ``steps``.

    ``steps`` maps true seconds to the seconds by which the clock goes back.
    """
    lines = sorted(
        (number * every + event * 2.5 * every, f"{name}{number}", event)
        for number in range(int(seconds / every))
        for event in range(lasts)
    )
    return [(at - sum(back for when, back in steps.items() if at >= when), key, event) for at, key, event in lines]


def events(lines: list[tuple[float, str, int]], first: int = 0) -> pa.Table:
    """EVENTS whose template ids say the place in the session."""
    return pa.Table.from_pylist(
        [
            {
                "record_id": first + number,
                "timestamp": START + timedelta(seconds=at),
                "template_id": 3 + event,
                "session_key": key,
            }
            for number, (at, key, event) in enumerate(lines)
        ],
        schema=EVENTS,
    )


def streamed(table: pa.Table, cuts: list[int]) -> dict[str, list[int]]:
    clock, sessionizer, parts = EventClock(), Sessionizer(SessionSettings()), []
    for begin, end in pairwise([0, *sorted(min(cut, len(table)) for cut in cuts), len(table)]):
        batch = table.slice(begin, end - begin)
        parts.append(sessionizer.push(batch, clock.read(None, batch["timestamp"])))
        clock = EventClock.restore(clock.table())
        sessionizer = Sessionizer.restore(SessionSettings(), sessionizer.tables())
    return by_key(pa.concat_tables([*parts, sessionizer.close()]))


def grouped(table: pa.Table, sources: list[str]) -> pa.Table:
    sessionizer = Sessionizer(SessionSettings())
    moments = EventClock().read(pa.array(sources).dictionary_encode(), table["timestamp"])
    return sessionizer.group(sessionizer.assign(table, moments))


def by_key(sessions: pa.Table) -> dict[str, list[int]]:
    return dict(zip(sessions["session_id"].to_pylist(), sessions["template_ids"].to_pylist(), strict=True))


@pytest.mark.parametrize(
    ("steps", "every"),
    [
        ({1800.0: HOUR}, 3.0),  # the end of summer time
        ({1800.0: HOUR / 2}, 3.0),  # Lord Howe Island
        ({900.0: 42.0}, 3.0),  # NTP
        ({900.0: 0.4}, 0.05),  # NTP, less than a second
        ({900.0: 5.0, 1500.0: 300.0}, 3.0),
    ],
)
@given(cuts=st.lists(st.integers(0, 4000), max_size=4))
@settings(max_examples=5, deadline=None, derandomize=True)
def test_the_order_of_the_file_stays(steps, every, cuts):
    seconds = 3600.0 if every > 1 else 1000.0
    table = events(log(seconds, every, 4, steps))
    expected = {key: [3, 4, 5, 6] for key in table["session_key"].to_pylist()}
    assert streamed(table, cuts) == expected
    assert by_key(grouped(table, ["a.log"] * len(table))) == expected


def test_gaps_are_those_of_the_true_time():
    sessions = grouped(events(log(3600.0, 3.0, 4, {1800.0: HOUR})), ["a"] * 4800)
    gaps = np.concatenate([np.array(gaps) for gaps in sessions["gaps"].to_pylist()])
    assert gaps.min() >= 0
    assert gaps.max() == 7.5


def test_several_files_are_merged_by_time():
    """Each file has every second event of all sessions; the clock of both goes back by an hour."""
    lines = log(3600.0, 3.0, 4, {1800.0: HOUR})
    parts = [[line for line in lines if line[2] % 2 == side] for side in (0, 1)]
    table = pa.concat_tables([events(parts[0]), events(parts[1], len(parts[0]))])
    sources = ["a.log"] * len(parts[0]) + ["b.log"] * len(parts[1])
    found = by_key(grouped(table, sources))
    assert sum(ids != [3, 4, 5, 6] for ids in found.values()) == 0


def test_a_step_of_one_file_does_not_move_the_sessions_after_it():
    """The clock of one file is corrected by NTP; sessions that begin later are merged as if nothing had been."""
    lines = log(3600.0, 3.0, 4, {})
    parts = [[line for line in lines if line[2] % 2 == side] for side in (0, 1)]
    parts[0] = [(at + 40.0 if at < 600 else at, key, event) for at, key, event in parts[0]]
    table = pa.concat_tables([events(parts[0]), events(parts[1], len(parts[0]))])
    found = by_key(grouped(table, ["a.log"] * len(parts[0]) + ["b.log"] * len(parts[1])))
    later = {key: ids for key, ids in found.items() if int(key[1:]) * 3 > 620}
    assert len(later) > 900
    assert all(ids == [3, 4, 5, 6] for ids in later.values())


@pytest.mark.parametrize("blocks", [1, 7, 60])
def test_a_file_that_is_not_in_order_is_sorted_by_time(blocks):
    """Lines in random order, or blocks of lines in random order: the times alone say what came first."""
    lines = log(20_000.0, 3.0, 4, {})
    pieces = [lines[begin : begin + blocks] for begin in range(0, len(lines), blocks)]
    random.Random(1).shuffle(pieces)
    table = events([line for piece in pieces for line in piece])
    found = by_key(grouped(table, ["a.log"] * len(table)))
    wrong = sum(ids != [3, 4, 5, 6] for ids in found.values())
    assert wrong <= 0.01 * len(found)


def test_one_record_that_is_late_or_early_changes_nothing_else():
    lines = log(3600.0, 3.0, 4, {})
    late = [*lines[:500], (lines[499][0] - 60, "late", 0), *lines[500:2000], (10**9, "far", 0), *lines[2000:]]
    found = by_key(grouped(events(late), ["a.log"] * len(late)))
    assert sum(ids != [3, 4, 5, 6] for key, ids in found.items() if key[0] == "s") == 0
