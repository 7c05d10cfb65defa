"""Detection delay: the event after which the alarm is sure, and the time until an incident is figures."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from logradar.core.tables import SCORES, SESSIONS
from logradar.evaluation.delay import alarm_places, delays, earliest, onsets
from logradar.evaluation.fault_episodes import fault_episodes


def scores_of(rows: list[list[float]], total) -> pa.Table:
    return pa.table(
        {
            "session_id": [f"s{i}" for i in range(len(rows))],
            "score": [float(total(row)) if row else 0.0 for row in rows],
            "event_scores": pa.array(rows, SCORES.field("event_scores").type),
        },
        schema=SCORES,
    )


def sessions_of(lengths: list[int], gap: float = 10.0) -> pa.Table:
    first = 0
    rows = []
    for number, length in enumerate(lengths):
        rows.append(
            {
                "session_id": f"s{number}",
                "record_ids": list(range(first, first + length)),
                "template_ids": [3] * length,
                "gaps": [0.0] + [gap] * (length - 1) if length else [],
            }
        )
        first += length
    return pa.Table.from_pylist(rows, schema=SESSIONS)


ROWS = [[0, 3, 1, 1], [1, 1, 1, 0], [0, 0, 0, 0], [5, 0, 0, 0]]


def test_the_running_score_follows_the_rule_that_gives_the_score():
    assert alarm_places(scores_of(ROWS, max), 2.0).tolist() == [1, -1, -1, 0]
    assert alarm_places(scores_of(ROWS, sum), 2.0).tolist() == [1, 2, -1, 0]
    soft = scores_of(ROWS, lambda row: np.log1p(np.expm1(row).sum()))
    assert alarm_places(soft, 2.0).tolist() == [1, -1, -1, 0]
    assert alarm_places(soft, 1.7).tolist() == [1, 2, -1, 0]  # log(1 + 3 (e - 1)) is 1.82, log(1 + 2 (e - 1)) 1.49
    assert alarm_places(scores_of(ROWS, lambda row: max(row) * 7 + 0.5), 2.0).tolist() == [3, 3, -1, 3]


def test_infinite_scores_and_no_sessions():
    rows = [[0, np.inf, 0], [1, 0, 0]]
    assert alarm_places(scores_of(rows, max), 2.0).tolist() == [1, -1]
    assert alarm_places(scores_of(rows, sum), 2.0).tolist() == [1, -1]
    assert alarm_places(scores_of([], max), 2.0).tolist() == []


def test_an_ensemble_raises_its_alarm_as_early_as_its_first_member():
    members = [np.array([3, -1, -1]), np.array([1, 2, -1])]
    alarmed, last = np.array([True, True, False]), np.array([5, 5, 5])
    assert earliest(members, alarmed, last).tolist() == [1, 2, -1]
    no_alarm = [np.array([-1, -1, -1])]
    assert earliest(no_alarm, alarmed, last).tolist() == [5, 5, -1]


def test_delays_count_from_the_first_anomalous_event():
    sessions = sessions_of([4, 4, 4, 4])
    anomalous = np.zeros(16, bool)
    anomalous[[1, 2, 7]] = True  # in session 0 from event 1, in session 1 its event 3
    onset = onsets(sessions, anomalous)
    assert onset.tolist() == [1, 3, 0, 0]
    truth = np.array([True, True, True, False])
    figures = delays(np.array([3, 3, -1, 2]), onset, sessions, truth)
    assert figures["found"] == 2
    assert figures["events"] == {"median": 1.0, "mean": 1.0, "p90": 1.8, "max": 2.0}
    assert figures["seconds"]["max"] == 20.0
    assert figures["until_end"]["max"] == 20.0
    assert figures["at_end"] == 1.0
    early = delays(np.array([0, 0, 0, 0]), onset, sessions, truth)
    assert early["events"]["max"] == 0
    assert early["seconds"]["max"] == 0
    assert early["until_end"]["max"] == 30.0  # session 2 from its start


def test_delays_without_times_or_without_findings():
    sessions = sessions_of([3, 3], gap=0.0)
    figures = delays(np.array([2, -1]), onsets(sessions, None), sessions, np.array([True, True]))
    assert figures["seconds"] is None
    assert figures["events"]["max"] == 2
    none = delays(np.array([-1, -1]), onsets(sessions, None), sessions, np.array([True, True]))
    assert none == {"found": 0, "events": None, "seconds": None, "until_end": None, "at_end": None}


def test_a_fault_episode_is_detected_by_its_first_alert():
    base = np.datetime64("2026-03-01T00:00:00", "us")
    minutes = np.array([0, 5, 10, 300, 305, 2, 900])
    starts = base + minutes * np.timedelta64(60, "s")
    ends = starts + np.timedelta64(30, "s")
    kinds = np.array(["slow"] * 5 + ["lost", ""])
    labels = np.array([True] * 6 + [False])
    alarmed = np.array([False, True, True, False, False, True, True])
    episodes = fault_episodes(kinds, starts, ends, labels, alarmed)
    assert episodes == {
        "episodes": 3,
        "detected": 2,
        "seconds": {"median": (330 + 30) / 2, "max": 330.0},
        "sessions": {"median": 1.5, "max": 2},
    }
    assert fault_episodes(kinds, np.full(7, np.datetime64("NaT"), "M8[us]"), ends, labels, alarmed) is None
    quiet = fault_episodes(kinds, starts, ends, labels, np.zeros(7, bool))
    assert (quiet["detected"], quiet["seconds"]) == (0, None)
