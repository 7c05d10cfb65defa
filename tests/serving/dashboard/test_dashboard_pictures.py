"""Pictures that are drawn on the server: where services stand, where alerts are on a time line, bars."""

from itertools import combinations

import pytest

from logradar.serving.dashboard.log_clock import DAY
from logradar.serving.dashboard.rendering import facts, marked
from logradar.serving.dashboard.service_map import service_map
from logradar.serving.dashboard.strips import bars, sparkline, steps_of
from logradar.serving.dashboard.time_line import time_line
from logradar.serving.store.counts import Series
from logradar.serving.store.moments import MINUTE


def row(name, records=10, **more):
    return {"service": name, "records": records, "warnings": 0, "errors": 0, "alerts": 0, "open_incidents": 0,
            "last_seen": 100 * MINUTE, **more}  # fmt: skip


@pytest.mark.parametrize("count", [0, 1, 2, 5, 12, 13, 24, 40])
@pytest.mark.parametrize("size", [(1120, 430, 24), (328, 400, 12)])
def test_services_stand_inside_and_apart(count, size):
    rows = [row(f"service-{place}", 1 + place) for place in range(count)]
    pairs = [("service-0", f"service-{place}", place) for place in range(1, count)]
    found = service_map(rows, pairs, size, 101 * MINUTE)
    assert len(found.nodes) == min(count, size[2])
    for one in found.nodes:
        assert one.radius <= one.x <= size[0] - one.radius and one.radius <= one.y <= size[1] - one.radius - 16
    for one, other in combinations(found.nodes, 2):
        assert (one.x - other.x) ** 2 + (one.y - other.y) ** 2 > 40**2
    assert found == service_map(rows, pairs, size, 101 * MINUTE)


def test_a_service_is_as_bad_as_the_worst_that_is_known_of_it():
    rows = [row("a", open_incidents=2, alerts=1, errors=9), row("b", errors=9), row("c", last_seen=MINUTE), row("d")]
    rows.append(row("e", open_incidents=1))
    found = service_map(rows, [("a", "b", 3), ("a", "gone", 9)], (800, 400, 36), 101 * MINUTE)
    assert [one.state for one in found.nodes] == ["incident", "errors", "quiet", "well", "touched"]
    assert [one.words for one in found.edges] == ["a and b: 3"]


def alert(second, service="pay", severity="low"):
    return {"raised_at": f"2026-03-02T10:00:{second:02}+00:00", "service": service, "severity": severity}


def test_alerts_stand_on_a_line_of_their_service():
    found = time_line([alert(0), alert(30, "cart"), alert(59, severity="critical"), alert(59)], [], 9)
    assert [(one.name, one.count) for one in found.rows] == [("pay", 3), ("cart", 1)]
    assert found.rows[0].marks == [(8, "low"), (992, "critical")]
    assert found.more == 5
    assert time_line([], [], 0) is None
    assert time_line([alert(7)], [], 1).rows[0].marks == [(500, "low")]


def test_bars_show_what_is_there_however_little():
    series = Series(0, MINUTE, {"a": {"all": [1000, 0, 1], "warn": [0, 0, 1], "error": [3, 0, 0]}})
    found = bars(series)
    assert [(one.x, one.all, one.loud) for one in found.bars] == [(0, 100, 2), (2, 2, 2)]
    assert (found.most, found.total, found.steps, found.until) == (1000, 1001, 3, 3 * MINUTE)
    assert bars(Series(0, MINUTE, {})).bars == []


def test_a_sparkline_has_all_counts():
    minutes = [[place * MINUTE, 1] for place in range(1440)]
    steps = steps_of(minutes, 0, DAY, 48)
    assert steps == [30] * 48 and sum(steps_of([[DAY, 5]], 0, DAY, 48)) == 0
    assert sparkline([]) == "" and sparkline([0, 0]) == ""


def test_what_a_line_hides_is_written_out():
    assert str(marked("a\x1b[31m\u202e<b>", "")) == "a⟨ESC⟩[31m⟨U+202E⟩&lt;b&gt;"
    assert str(marked("x<B>x\x00", "<b>")) == "x<mark>&lt;B&gt;</mark>x⟨NUL⟩"
    assert str(facts("<b> · \x07")) == "<bdi>&lt;b&gt; · ⟨BEL⟩</bdi>"
