"""Reads columns of timestamps in any known layout as timestamp[us, UTC].

A layout is derived from one example and then applied to the whole column by Polars; a file may mix several layouts.
Times without a zone are taken as UTC. A missing year (RFC 3164) is the latest year for which the first time is not
after the last modification of the file; from then on every step from December to January begins the next year. A
missing date is handled the same way with days.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Literal

import numpy as np
import polars as pl

TIME: Final = pl.Datetime("us", "UTC")
PLAIN: Final = pl.Datetime("us")
LAYOUTS_PER_FILE: Final = 12
EXAMPLES: Final = 50

_DATES: Final = [
    (r"\d{4}-\d\d?-\d\d?", "%Y-%m-%d"),
    (r"\d{4}/\d\d?/\d\d?", "%Y/%m/%d"),
    (r"\d{4}\.\d\d?\.\d\d?", "%Y.%m.%d"),
    (r"\d{8}", "%Y%m%d"),
    (r"\d\d/\d\d/\d{4}", "%m/%d/%Y"),
    (r"\d\d\.\d\d\.\d{4}", "%d.%m.%Y"),
    (r"\d\d/\d\d/\d\d", "%y/%m/%d"),
    (r"\d{6}", "%y%m%d"),
    (r"\d\d?/[A-Z][a-z]{2}/\d{4}", "%d/%b/%Y"),
    (r"\d\d?-[A-Z][a-z]{2}-\d{4}", "%d-%b-%Y"),
    (r"\d\d? [A-Z][a-z]{2} \d{4}", "%d %b %Y"),
    (r"[A-Z][a-z]{2} +\d\d?, \d{4}", "%b %d, %Y"),
    (r"[A-Z][a-z]{2} +\d\d? \d{4}", "%b %d %Y"),
    (r"[A-Z][a-z]{2} +\d\d?", "%b %d"),
    (r"\d\d-\d\d", "%m-%d"),
    (r"\d\d\.\d\d", "%m.%d"),
    (r"\d\d/\d\d", "%m/%d"),
    (r"\d{4}", "%m%d"),
    (r"", ""),
]
_TIMES: Final = [
    (r"\d\d?:\d\d?:\d\d?", "%H:%M:%S"),
    (r"\d\d\.\d\d\.\d\d", "%H.%M.%S"),
    (r"\d{6}", "%H%M%S"),
    (r"\d\d:\d\d", "%H:%M"),
]
_SHAPES: Final = [
    (
        re.compile(
            rf"(?P<weekday>[A-Z][a-z]{{2}},? )?(?P<date>{date})(?P<between>(?:T| +|_|-|:|, )?)(?P<time>{time})"
            r"(?P<fraction>[.,:]\d{1,9})?(?P<half> ?[AP]M)?(?P<zone> ?(?:Z|[+-]\d\d(?::?\d\d)?| UTC| GMT|UTC|GMT))?"
            r"(?P<year> \d{4})?"
        ),
        date_format,
        time_format,
    )
    for date, date_format in _DATES
    for time, time_format in _TIMES
]
_EPOCHS: Final = [(r"\d{10}", 10**6), (r"\d{13}", 10**3), (r"\d{16}", 1), (r"\d{19}", -(10**3))]


@dataclass(frozen=True)
class Layout:
    """How to read one kind of timestamp: a strftime format, or the unit of an epoch number.

    ``lacks`` is what the text does not contain. ``unit`` is the number of microseconds of one step of the epoch
    number; for steps shorter than a microsecond it is minus the number of steps in a microsecond.
    """

    format: str = ""
    lacks: Literal["", "year", "date"] = ""
    unit: int = 0
    fraction: str = ""  # character before the fraction, where Polars can read it only after a dot

    def read(self, text: pl.Series) -> pl.Series:
        """Times of the texts with this layout, null for the others; a missing year is read as 2000."""
        if self.unit:
            return self._read_epoch(text)
        if self.fraction == ":":  # milliseconds as a number, not padded
            text = text.str.replace(r":([0-9])$", r".00$1").str.replace(r":([0-9]{2})$", r".0$1")
        elif self.fraction:
            text = text.str.replace(rf"{self.fraction}([0-9]+)( ?[A-Z+-][A-Z0-9:]*)?$", r".$1$2")
        filler = {"year": "2000 ", "date": "2000-01-01 ", "": ""}[self.lacks]
        if filler:
            text = pl.select(pl.lit(filler) + text).to_series()
        times = text.str.to_datetime(self.format, time_unit="us", strict=False)
        if times.dtype != PLAIN:
            times = times.dt.replace_time_zone(None)
        return times

    def _read_epoch(self, text: pl.Series) -> pl.Series:
        if self.fraction:
            number = (text.cast(pl.Float64, strict=False) * self.unit).round(0).cast(pl.Int64, strict=False)
        elif self.unit > 0:
            number = text.cast(pl.Int64, strict=False) * self.unit
        else:
            number = text.cast(pl.Int64, strict=False) // -self.unit
        near = (number >= 0) & (number < 4_102_444_800_000_000)  # up to the year 2100: a larger number has another unit
        return pl.select(pl.when(near).then(number)).to_series().cast(PLAIN)


def layout_of(text: str) -> Layout | None:
    """The layout of this example, or None if it is not a timestamp.

    >>> layout_of("2015-10-18 18:01:47,978")
    Layout(format='%Y-%m-%d %H:%M:%S,%3f', lacks='', unit=0, fraction='')
    """
    text = text.strip()
    for pattern, unit in _EPOCHS:
        if re.fullmatch(pattern, text):
            return Layout(unit=unit)
    if re.fullmatch(r"\d{1,10}\.\d{1,9}", text):
        return Layout(unit=10**6, fraction=".")
    for shape, date, time in _SHAPES:
        match = shape.fullmatch(text)
        if match:
            layout = _composed(match, date, time)
            if layout.read(pl.Series([text])).null_count() == 0:
                return layout
    return None


def _composed(match: re.Match[str], date: str, time: str) -> Layout:
    """The layout with the parts of a matched timestamp."""
    part = {name: value or "" for name, value in match.groupdict().items()}
    if date == "%m/%d/%Y" and int(part["date"][:2]) > 12:
        date = "%d/%m/%Y"
    if part["half"]:
        time = time.replace("%H", "%I") + ("%.f" if part["fraction"] else "")
    mark, digits = part["fraction"][:1], len(part["fraction"]) - 1
    fraction, dotted = "", ""
    if mark == "." and not part["half"]:
        fraction = "%.f"
    elif mark and digits in (3, 6, 9):
        fraction = f"{mark}%{digits}f"
    elif mark:
        fraction, dotted = "%.f", mark
    zone = part["zone"]
    if zone:
        zone = " " * zone.startswith(" ") + (zone.strip() if "T" in zone or "C" in zone else "%#z")
    lacks: Literal["", "year", "date"] = "" if date else "date"
    if date and "%Y" not in date and "%y" not in date and not part["year"]:
        lacks = "year"
    weekday = "%a" + part["weekday"][3:] if part["weekday"] else ""
    half = part["half"].replace("AM", "%p").replace("PM", "%p")
    between = " " if part["between"].isspace() else part["between"]
    whole = f"{weekday}{date}{between}{time}{fraction}{half}{zone}{' %Y' if part['year'] else ''}"
    return Layout({"year": "%Y ", "date": "%Y-%m-%d ", "": ""}[lacks] + whole, lacks, fraction=dotted)


class Clock:
    """Reads the timestamps of one file, block by block, in the order of its lines.

    ``latest`` is a time after all entries of the file (its last modification). It is used only if the text does not
    contain the year or the date.
    """

    def __init__(self, latest: datetime | None = None) -> None:
        self.latest = (latest or datetime.now(UTC)).astimezone(UTC).replace(tzinfo=None) + timedelta(days=1)
        self.layouts: list[Layout] = []
        self._day: np.datetime64 | None = None  # start of the current year (or day)
        self._before = 0  # month (or hour) of the previous line

    def read(self, text: pl.Series) -> pl.Series:
        """Times (microseconds, UTC) of the texts; null if the text is null or not a timestamp."""
        times = pl.Series(text.name, [None], PLAIN).new_from_index(0, len(text))
        lacking = {"year": np.zeros(len(text), np.bool_), "date": np.zeros(len(text), np.bool_)}
        tried = 0
        while True:
            for layout in self.layouts[tried:]:
                missing = times.is_null() & text.is_not_null()
                if not missing.any():
                    break
                whole = missing.all()
                read = layout.read(text if whole else text.filter(missing))
                times = read if whole else _fill(times, missing, read)
                if layout.lacks:
                    lacking[layout.lacks] |= (missing & times.is_not_null()).to_numpy()
            tried = len(self.layouts)
            unread = text.filter(times.is_null() & text.is_not_null())
            if tried >= LAYOUTS_PER_FILE or not self._learn(unread):
                break
        for what, rows in lacking.items():
            if rows.any():  # all layouts together, because the order of the lines decides
                where = pl.Series(rows)
                times = _fill(times, where, self._settled(times.filter(where), what == "year"))
        return times.alias(text.name).dt.replace_time_zone("UTC")

    def _learn(self, unread: pl.Series) -> bool:
        """Add the layouts of texts that no known layout reads; returns whether there is a new one."""
        layouts = {layout_of(example) for example in unread.unique(maintain_order=True).head(EXAMPLES).to_list()}
        new = [layout for layout in layouts if layout and layout not in self.layouts]
        self.layouts += sorted(new, key=lambda layout: (layout.lacks, layout.format))[:LAYOUTS_PER_FILE]
        return bool(new)

    def _settled(self, times: pl.Series, year: bool) -> pl.Series:
        """Times in 2000 moved to their year (or times on 1 January 2000 to their day)."""
        step = (times.dt.month() if year else times.dt.hour()).cast(pl.Int64)
        steps = step.to_numpy()
        if self._day is None:
            self._day, self._before = self._start(times[0], year), int(steps[0])
        jumps = np.diff(steps, prepend=self._before)
        back, ahead = (6, 11) if year else (12, 23)
        turns = np.cumsum((jumps <= -back).astype(np.int64) - (jumps >= ahead))
        self._before = int(steps[-1])
        if year:
            starts = (self._day.astype("datetime64[Y]") + turns).astype("datetime64[D]")
            leap = (starts.astype("datetime64[Y]") + 1).astype("datetime64[D]") - starts == np.timedelta64(366, "D")
            skipped = (~leap & (steps > 2)).astype("timedelta64[D]")  # 2000 has a 29 February
            shift = starts - np.datetime64("2000-01-01") - skipped
            self._day = starts[-1]
        else:
            days = self._day + turns
            shift = days - np.datetime64("2000-01-01")
            self._day = days[-1]
        return times + pl.Series(shift.astype("timedelta64[us]"))

    def _start(self, first: datetime, year: bool) -> np.datetime64:
        """The start of the year (or day) of the first time of the file."""
        if not year:
            day = self.latest.date() - timedelta(days=1)
            return np.datetime64(day, "D")
        candidate = self.latest.year
        while True:
            leap = candidate % 4 == 0 and (candidate % 100 != 0 or candidate % 400 == 0)
            if (leap or (first.month, first.day) != (2, 29)) and first.replace(year=candidate) <= self.latest:
                return np.datetime64(f"{candidate}-01-01", "D")
            candidate -= 1


def _fill(times: pl.Series, where: pl.Series, values: pl.Series) -> pl.Series:
    """``times`` with ``values`` at the positions where ``where`` is true."""
    index = where.cast(pl.Int64).cum_sum() - 1
    return pl.select(pl.when(where).then(values.gather(index.clip(0))).otherwise(times)).to_series()
