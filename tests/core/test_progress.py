"""Progress: silent for short work, plain lines where there is no terminal, never on stdout."""

from __future__ import annotations

import pytest

from logradar.core import progress
from logradar.core.progress import Progress


@pytest.fixture
def clock(monkeypatch):
    """A clock that the test sets."""
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    return now


def test_short_work_shows_nothing(clock, capsys):
    with Progress("reading", total=10, unit="lines") as bar:
        clock[0] = 1.0
        bar.advance(10)
    assert capsys.readouterr() == ("", "")


def test_long_work_shows_rate_and_time_left(clock, capsys):
    with Progress("reading", total=40, unit="lines") as bar:
        clock[0] = 20.0
        bar.advance(10, "app.log")
    out, err = capsys.readouterr()
    assert out == ""
    assert "reading: 10 of 40 lines (25%), 0.50 lines/s, 1:00 left, app.log" in err


@pytest.mark.parametrize(
    ("unit", "figures"),
    [
        ("B", "1.5 G of 2.0 GB (75%), 150.0 MB/s"),
        ("lines", "1.5 G of 2.0 G lines (75%), 150.0 M lines/s"),
        ("", "1.5 G of 2.0 G (75%), 150.0 M/s"),
    ],
)
def test_figures_have_their_unit(clock, unit, figures):
    with Progress("reading", total=2e9, unit=unit) as bar:
        clock[0] = 10.0
        bar.advance(1.5e9)
        assert bar.line() == f"reading: {figures}, 0:03 left"


def test_quiet_turns_progress_off(clock, capsys):
    progress.quiet()
    try:
        with Progress("reading") as bar:
            clock[0] = 99.0
            bar.advance()
        progress.say("hello")
    finally:
        progress.quiet(False)
    assert capsys.readouterr() == ("", "")


def test_the_last_line_is_printed_once(clock, capsys):
    with Progress("reading", total=10) as bar:
        clock[0] = 20.0
        bar.advance(10)
    assert capsys.readouterr().err.count("\n") == 1


def test_work_of_an_earlier_run_does_not_count_for_the_rate(clock):
    with Progress("training", total=100) as bar:
        bar.done = bar.done_before = 80.0
        clock[0] = 10.0
        bar.advance(10)
        assert bar.line() == "training: 90 of 100 (90%), 1/s, 0:10 left"
