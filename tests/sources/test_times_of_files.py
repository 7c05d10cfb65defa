"""Times of whole files: zones, clocks with 12 hours, the order of day and month, years that lines leave out."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from reading_lines import read, write

from logradar.sources.base import ReadLimits
from logradar.sources.opening.opening import InputSettings, open_input

HOUR = timedelta(hours=1)
MAY, MAY_8 = datetime(2024, 5, 3, 0, 15, 27), datetime(2024, 5, 8)


def written(path, lines, modified="2026-11-20T12:00:00+00:00"):
    """A file of these lines that was last modified then."""
    file = write(path, "\n".join(lines) + "\n")
    moment = datetime.fromisoformat(modified).timestamp()
    os.utime(file, (moment, moment))
    return file


def times(file, **more):
    return [time.replace(tzinfo=None) if time else None for time in read(file, **more)["timestamp"].to_list()]


def notes(file, **settings):
    with open_input(file, InputSettings(session_key="", **settings)) as opened:
        assert sum(batch.num_rows for batch in opened.batches(None))
        return opened.notes, opened.settings


@pytest.mark.parametrize(
    ("zone", "hours"),
    [("CEST", -2), ("CET", -1), ("EDT", 4), ("PST", 8), ("IST", -5.5), ("JST", -9), ("MSK", -3), ("Europe/Berlin", -2),
     ("America/New_York", 4), ("Asia/Kolkata", -5.5), ("+0530", -5.5), ("-03", 3), ("UTC", 0), ("AEST", -10)],
)  # fmt: skip
def test_zones_of_postgresql(tmp_path, zone, hours):
    lines = [f"2024-05-03 10:00:0{n}.123 {zone} [400{n}] app@shop LOG:  statement {n}" for n in range(5)]
    records = read(written(tmp_path / "pg.log", lines))
    assert records["timestamp"][0].replace(tzinfo=None) == datetime(2024, 5, 3, 10, 0, 0, 123_000) + hours * HOUR
    assert records["level"].to_list() == [9] * 5
    assert records["body"][4] == "statement 4"


def test_a_zone_of_the_tz_database_has_summer_and_winter(tmp_path):
    lines = [f"2024-{month}-03 10:00:00 Europe/Berlin INFO step" for month in ("01", "05", "12")]
    assert [time.hour for time in times(written(tmp_path / "a.log", lines))] == [9, 8, 9]


def test_doubtful_zones_are_said(tmp_path):
    lines = ["2024-05-03 10:00:00 {} [1] LOG:  x"]
    said, _ = notes(written(tmp_path / "a.log", [lines[0].format("IST")] * 9))
    assert any("IST is read as that of India" in note for note in said)
    said, _ = notes(written(tmp_path / "b.log", [lines[0].format("QQT")] * 9))
    assert "The time zone 'QQT' is not known; its times are taken as UTC." in said
    said, _ = notes(written(tmp_path / "c.log", [lines[0].format("CEST")] * 9))
    assert not any("zone" in note for note in said)


@pytest.mark.parametrize(
    "layout",
    ["%m/%d/%Y %I:%M:%S %p INFO {}", "%m/%d/%Y %I:%M:%S%p INFO {}", "%Y-%m-%d %I:%M:%S %p [INFO] {}",
     "[%d/%b/%Y %I:%M:%S %p] INFO: {}", "%b %d, %Y %I:%M:%S %p INFO {}", "%Y/%m/%d %I:%M:%S.123 %p INFO {}",
     "%Y-%m-%d %I:%M:%S\u202f%p INFO {}", "INFO %Y-%m-%d %I:%M:%S %p {}", "%d-%b-%y %I.%M.%S.123456 %p INFO {}",
     "[%d/%b/%Y:%I:%M:%S %p] INFO {}"],
)  # fmt: skip
@pytest.mark.parametrize("half", [str, str.lower, lambda text: text.replace("AM", "a.m.").replace("PM", "p.m.")])
def test_clocks_with_12_hours(tmp_path, layout, half):
    moments = [MAY + HOUR * n for n in range(48)]
    lines = [half(one.strftime(layout.split("{")[0]).replace("INFO", "{0}")).format("INFO") for one in moments]
    if half is str.lower and "%b" in layout:
        lines = [one.strftime(layout.split("{")[0]).replace("AM", "am").replace("PM", "pm") for one in moments]
    records = read(written(tmp_path / "a.log", [f"{line}step {n}" for n, line in enumerate(lines)]))
    found = [time.replace(tzinfo=None, microsecond=0) for time in records["timestamp"].to_list()]
    assert found == moments
    assert records["level"].to_list() == [9] * 48
    assert records["body"].to_list() == [f"step {n}" for n in range(48)]


@pytest.mark.parametrize(
    ("layout", "first", "days"),
    [("%d/%m/%Y", MAY_8, 9), ("%m/%d/%Y", MAY_8, 9), ("%d.%m.%Y", MAY_8, 3), ("%m-%d-%Y", datetime(2024, 5, 2), 14),
     ("%d-%m-%Y", MAY_8, 4), ("%d/%m/%y", MAY_8, 9), ("%m/%d/%y", MAY_8, 4), ("%y/%m/%d", MAY_8, 4),
     ("%d/%m/%Y", datetime(2024, 5, 1), 5), ("%m/%d/%Y", datetime(2024, 5, 1), 5), ("%d.%m.%y", MAY_8, 9)],
)  # fmt: skip
@pytest.mark.parametrize("block", [300, 8 << 20])
def test_day_and_month_are_one_order_for_the_file(tmp_path, layout, first, days, block):
    moments = [first + n * 2 * HOUR for n in range(12 * days)]
    lines = [f"{moment.strftime(layout)} {moment:%H:%M:%S} INFO billing - invoice run finished" for moment in moments]
    file = written(tmp_path / "a.log", lines)
    assert times(file, limits=ReadLimits(block=block)) == moments
    assert not any("Dates such as" in note for note in notes(file)[0])


def test_a_13th_far_below_the_first_lines_proves_the_order(tmp_path):
    moments = [datetime(2024, 5, 8) + timedelta(minutes=n) for n in range(7_300)]
    lines = [f"{moment:%d/%m/%Y %H:%M:%S} INFO run" for moment in moments]
    file = written(tmp_path / "a.log", lines)
    assert times(file) == moments
    said, settings = notes(file)
    assert settings.date_order == "day"
    assert not any("Dates such as" in note for note in said)


def test_an_order_that_stays_open_is_said_and_can_be_set(tmp_path):
    file = written(tmp_path / "a.log", [f"03/05/2024 10:00:0{n} INFO run" for n in range(5)])
    (said,) = [note for note in notes(file)[0] if "Dates such as" in note]
    assert "'03/05/2024 10:00:00' are read as month/day/year" in said
    assert "input.date_order=day" in said
    assert times(file)[0] == datetime(2024, 3, 5, 10)
    assert times(file, date_order="day")[0] == datetime(2024, 5, 3, 10)
    assert not any("Dates such as" in note for note in notes(file, date_order="day")[0])


def test_a_date_after_the_last_modification_is_read_in_the_other_order(tmp_path):
    lines = [f"03/05/2024 10:00:0{n} INFO run" for n in range(5)]
    assert times(written(tmp_path / "a.log", lines, "2024-05-03T12:00:00+00:00"))[0] == datetime(2024, 3, 5, 10)
    lines = [f"05/10/2024 10:00:0{n} INFO run" for n in range(5)]
    assert times(written(tmp_path / "b.log", lines, "2024-05-10T12:00:00+00:00"))[0] == datetime(2024, 5, 10, 10)
    lines = [f"08/05/2024 10:00:0{n} INFO run" for n in range(5)]
    assert times(written(tmp_path / "c.log", lines, "2024-05-08T12:00:00+00:00"))[0] == datetime(2024, 5, 8, 10)


def test_files_of_one_input_have_one_order(tmp_path):
    """Each file holds one day; the order shows only in the files together, or in one of them."""
    for day in range(8, 12):
        written(tmp_path / f"app-{day}.log", [f"{day:02}/05/2024 10:00:0{n} INFO run" for n in range(5)])
    said, settings = notes(tmp_path)
    assert settings.date_order == "day"
    assert not any("Dates such as" in note for note in said)
    one = tmp_path / "app-8.log"
    assert times(one, date_order=settings.date_order)[0] == datetime(2024, 5, 8, 10)
    assert any("Dates such as" in note for note in notes(one)[0])


def test_a_13th_prevails_over_the_order_that_was_set(tmp_path):
    file = written(tmp_path / "a.log", [f"{day:02}/05/2024 10:00:00 INFO run" for day in range(8, 20)])
    assert times(file, date_order="month")[0] == datetime(2024, 5, 8, 10)


def test_a_line_in_another_order_than_its_file_is_not_lost(tmp_path):
    lines = [f"{day:02}/05/2024 10:00:00 INFO run" for day in range(8, 20)] + ["05/30/2024 10:00:00 INFO odd"]
    assert times(written(tmp_path / "a.log", lines))[-1] == datetime(2024, 5, 30, 10)


def kernel(moment):
    return f"{moment:%b} {moment.day:>2} {moment:%H:%M:%S} pi kernel: usb device"


def run(first, count):
    return [first + timedelta(minutes=n) for n in range(count)]


@pytest.mark.parametrize("boot", [datetime(2026, 1, 1), datetime(2025, 12, 31, 16), datetime(2026, 3, 2)])
@pytest.mark.parametrize("block", [60, 8 << 20])
def test_a_clock_that_was_not_set_does_not_move_the_year(tmp_path, boot, block):
    before, after = run(datetime(2026, 10, 1, 8), 20), run(datetime(2026, 10, 1, 9), 30)
    again = run(datetime(2026, 10, 1, 10), 30)
    moments = [*before, *run(boot, 5), *after, *run(boot, 3), *again]
    file = written(tmp_path / "kern.log", map(kernel, moments), "2026-10-01T12:00:00+00:00")
    found = times(file, limits=ReadLimits(block=block))
    assert max(found) <= datetime(2026, 10, 1, 12)
    assert found == moments


@pytest.mark.parametrize(
    ("first", "days", "modified"),
    [
        (datetime(2025, 10, 3), 120, "2026-01-31T12:00:00+00:00"),
        (datetime(2025, 1, 3), 340, "2026-07-01T12:00:00+00:00"),
        (datetime(2025, 10, 3), 120, "2026-11-01T12:00:00+00:00"),
        (datetime(2024, 10, 3), 500, "2026-02-15T00:00:00+00:00"),
        (datetime(2024, 2, 28), 3, "2025-01-15T00:00:00+00:00"),
    ],
)
def test_years_that_are_left_out(tmp_path, first, days, modified):
    moments = [first + timedelta(days=n) for n in range(days)]
    assert times(written(tmp_path / "a.log", map(kernel, moments), modified)) == moments


def test_a_log_that_ends_with_a_clock_that_was_not_set(tmp_path):
    moments = [*run(datetime(2026, 10, 1, 8), 20), *run(datetime(2026, 1, 1), 3)]
    assert times(written(tmp_path / "a.log", map(kernel, moments), "2026-10-01T08:30:00+00:00")) == moments


@pytest.mark.parametrize(
    ("value", "micro"),
    [("1714730400", 0), ('"1714730400"', 0), ("1714730400.123456", 123_456), ('"1714730400.5"', 500_000),
     ("1714730400123", 123_000), ('"1714730400123"', 123_000), ("1714730400123.5", 123_500),
     ("1714730400123456", 123_456), ("1714730400123456789", 123_456), ('"1714730400123456789"', 123_456),
     ("1.7147304005e9", 500_000), ('{"$date": "2024-05-03T12:00:00.5+02:00"}', 500_000),
     ('{"$date": 1714730400123}', 123_000), ('{"$date": {"$numberLong": "1714730400123"}}', 123_000),
     ('{"epochSecond": 1714730400, "nanoOfSecond": 5000000}', 5_000), ('{"seconds": 1714730400, "nanos": 7000}', 7),
     ("[1714730400, 120000000]", 120_000), ('{"seconds": "1714730400"}', 0), ('"Fri, 03 May 2024 10:00:00 GMT"', 0),
     ('"2024-05-03T12:00:00.5+02:00[Europe/Berlin]"', 500_000), ('"5/3/2024, 10:00:00 AM"', 0)],
)  # fmt: skip
@pytest.mark.parametrize("name", ["time", "t", "Timestamp", "when_it_was"])
def test_times_in_json(tmp_path, value, micro, name):
    line = f'{{"{name}": {value}, "level": "warn", "msg": "stock low"}}'
    records = read(written(tmp_path / "a.log", [line] * 5))
    assert records["timestamp"].to_list() == [datetime(2024, 5, 3, 10, 0, 0, micro, UTC)] * 5
    assert records["body"].to_list() == ["stock low"] * 5


def test_the_cases_of_times(cases_dir, tmp_path):
    zoned = read(cases_dir / "05-postgres-cest/postgresql.log")
    assert str(zoned["timestamp"][0]) == "2024-05-03 08:00:00.123000+00:00"
    assert zoned["timestamp"].null_count() == 0
    hours = read(cases_dir / "07-am-pm-ignored/patch.log")
    assert [time.replace(tzinfo=None) for time in hours["timestamp"].to_list()] == [MAY + HOUR * n for n in range(48)]
    assert hours["level"].to_list() == [9] * 48
    days = read(cases_dir / "09-day-month-swapped/billing.log.xz")["timestamp"]
    assert days.is_sorted()
    assert (days.min().date().isoformat(), days.max().date().isoformat()) == ("2024-05-08", "2024-05-16")
    text = (cases_dir / "13-year-after-clock-reset/kern.log").read_text().splitlines()
    reset = pl.Series(times(written(tmp_path / "kern.log", text, "2026-10-01T12:00:00+00:00")))
    assert reset.max() < datetime(2026, 10, 1, 12)
    assert (reset[0].year, reset[-1].isoformat()) == (2026, "2026-10-01T10:29:00")
