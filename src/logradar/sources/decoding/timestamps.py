"""Reads columns of timestamps in any known layout as timestamp[us, UTC].

A file may mix several layouts. Times without a zone are taken as UTC. A missing year (RFC 3164) is the one that is
nearest to the latest time before it and not after the last modification of the file, so that a clock that was not set
for some lines does not move the year. A missing date is the day of the last modification; from then on every step back
by half a day begins the next day.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl

from logradar.sources.decoding.layouts import PLAIN, Layout, Order, layouts_of

TIME: Final = pl.Datetime("us", "UTC")
LAYOUTS_PER_FILE: Final = 12
EXAMPLES: Final = 50
SLACK: Final = timedelta(days=1)  # times without a zone may be ahead of UTC
_DAY: Final = 86_400_000_000  # microseconds
_NEAR: Final = 45 * _DAY  # up to such a step a time goes on from the one before
_JUMP: Final = 150 * _DAY  # a step inside a year after which the year is chosen anew
_LEAP_DAY_ENDS: Final = 60 * _DAY  # 29 February 2000 ends so long after 1 January


@dataclass(frozen=True)
class Dates:
    """What the lines of a file say about its dates: what dates of numbers begin with, and the year of the first entry.

    None: not determined. `logradar.sources.opening.dating` does it. ``certain`` says whether the lines alone tell the
    order, ``example`` is the first text with a date of numbers.
    """

    order: Order | None = None
    year: int | None = None
    certain: bool = False
    example: str = ""


class Clock:
    """Reads the timestamps of one file, block by block, in the order of its lines.

    ``latest`` is a time after all entries of the file (its last modification; now, if it is None). It is used only if
    the text does not contain the year or the date. ``dates`` is what many lines say about the dates of the file.
    """

    def __init__(self, latest: datetime | None = None, dates: Dates = Dates()) -> None:
        self.modified = latest
        self.order, self.year = dates.order, dates.year
        self.layouts: list[Layout] = []
        self.passed = 0  # how often times went on past the last modification, and were taken to be of an earlier year
        self.refused = 0  # how often a new year began, but would have been after the last modification
        self._day: np.datetime64 | None = None  # start of the current day
        self._hour = 0  # of the previous line
        self._within = 0  # microseconds from the start of the year to the previous line
        self._furthest: int | None = None  # the latest time so far, microseconds since 1970

    def state(self) -> dict[str, Any]:
        """What is remembered of the lines so far, as JSON values."""
        return {
            "layouts": [vars(layout) for layout in self.layouts],
            "order": self.order,
            "year": self.year,
            "passed": self.passed,
            "refused": self.refused,
            "day": None if self._day is None else str(self._day),
            "hour": self._hour,
            "within": self._within,
            "furthest": self._furthest,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Take over what `state` gave. Raises `KeyError`, `TypeError` or `ValueError` where it is none."""
        self.layouts = [Layout(**{**one, "others": tuple(one["others"])}) for one in state["layouts"]]
        self.order, self.year = state["order"], state["year"]
        self.passed, self.refused = int(state["passed"]), int(state["refused"])
        self._day = None if state["day"] is None else np.datetime64(state["day"])
        self._hour, self._within, self._furthest = int(state["hour"]), int(state["within"]), state["furthest"]

    @property
    def latest(self) -> datetime:
        """No time without a year is after this one."""
        return (self.modified or datetime.now(UTC)).astimezone(UTC).replace(tzinfo=None) + SLACK

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
        settle = {"year": self._with_years, "date": self._with_days}
        for what, rows in lacking.items():
            if rows.any():  # all layouts together, because the order of the lines decides
                where = pl.Series(rows)
                times = _fill(times, where, settle[what](times.filter(where)))
        return times.alias(text.name).dt.replace_time_zone("UTC")

    def _learn(self, unread: pl.Series) -> bool:
        """Add the layouts of texts that no known layout reads; returns whether there is a new one."""
        layouts = set(layouts_of(unread.unique(maintain_order=True).head(EXAMPLES).to_list(), self.order))
        new = [layout for layout in layouts if layout and layout not in self.layouts]
        self.layouts += sorted(new, key=lambda layout: (layout.lacks, layout.format))[:LAYOUTS_PER_FILE]
        return bool(new)

    def _with_years(self, times: pl.Series) -> pl.Series:
        """Times in the year 2000 moved to their years."""
        within = times.cast(pl.Int64).to_numpy() - _start_of(2000)
        if self._furthest is None:
            self.year = self._first_year(times[0]) if self.year is None else self.year
            self._furthest, self._within = _moved(int(within[0]), self.year), int(within[0])
        steps = np.diff(within, prepend=self._within)
        jumps = np.flatnonzero(np.abs(steps) > _JUMP)
        years = np.empty(len(within), np.int64)
        latest = int(np.datetime64(self.latest, "us").astype(np.int64))
        bounds = [0, *jumps[jumps > 0].tolist(), len(within)]
        for start, end in itertools.pairwise(bounds):
            if abs(steps[start]) > _JUMP:
                self._choose_year(int(within[start]), int(steps[start]), latest)
            years[start:end] = self._years_of(within[start:end], int(steps[start]), latest)
        self._within = int(within[-1])
        first = years.min()
        origins = np.array([_start_of(year) for year in range(first, years.max() + 1)])
        leap = np.array([_is_leap(year) for year in range(first, years.max() + 1)])
        index = years - first
        skipped = np.where(~leap[index] & (within >= _LEAP_DAY_ENDS), _DAY, 0)
        return pl.Series(origins[index] + within - skipped).cast(PLAIN)

    def _years_of(self, within: npt.NDArray[np.int64], step: int, latest: int) -> npt.NDArray[np.int64]:
        """The years of times that follow each other without a jump: the current one, or the one before it if that
        would be after the last modification."""
        assert self.year is not None
        assert self._furthest is not None
        over = within > _within(latest, self.year)
        if over.any():
            begins = np.flatnonzero(np.diff(over.astype(np.int8), prepend=0) > 0)
            steps = np.diff(within, prepend=within[0] - step)
            self.passed += int((np.abs(steps[begins]) < _NEAR).sum())
        if not over.all():
            self._furthest = max(self._furthest, _moved(int(within[~over].max()), self.year))
        return self.year - over.astype(np.int64)

    def _choose_year(self, within: int, step: int, latest: int) -> None:
        """Set the year of a time that is far from the one before: the one nearest to the latest time so far."""
        assert self._furthest is not None
        near = 1970 + int(np.datetime64(self._furthest, "us").astype("datetime64[Y]").astype(np.int64))
        ways = [(abs(_moved(within, year) - self._furthest), year) for year in (near - 1, near, near + 1)]
        allowed = [way for way in ways if _moved(within, way[1]) <= latest]
        if min(ways) not in allowed and step < 0 and abs(_moved(within, min(ways)[1]) - self._furthest) < _NEAR:
            self.refused += 1
        self.year = min(allowed or ways[:1])[1]

    def _first_year(self, first: datetime) -> int:
        """The latest year in which the first time of the file is not after its last modification."""
        latest = self.latest
        year = latest.year
        while True:
            leap = _is_leap(year) or (first.month, first.day) != (2, 29)
            if leap and first.replace(year=year) <= latest:
                return year
            year -= 1

    def _with_days(self, times: pl.Series) -> pl.Series:
        """Times on 1 January 2000 moved to their days."""
        hours = times.dt.hour().cast(pl.Int64).to_numpy()
        if self._day is None:
            self._day, self._hour = np.datetime64(self.latest.date() - SLACK, "D"), int(hours[0])
        steps = np.diff(hours, prepend=self._hour)
        turns = np.cumsum((steps <= -12).astype(np.int64) - (steps >= 23))
        self._hour = int(hours[-1])
        days = self._day + turns
        self._day = days[-1]
        return times + pl.Series((days - np.datetime64("2000-01-01")).astype("timedelta64[us]"))


def _is_leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def _start_of(year: int) -> int:
    """Microseconds from 1970 to 1 January of a year."""
    return int(np.datetime64(f"{year:04}-01-01", "us").astype(np.int64))


def _within(moment: int, year: int) -> int:
    """The latest time from the start of the year 2000 that is not after ``moment`` when it is moved to ``year``."""
    within = moment - _start_of(year)
    return within + (_DAY if within >= _LEAP_DAY_ENDS - _DAY and not _is_leap(year) else 0)


def _moved(within: int, year: int) -> int:
    """Microseconds from 1970 to a time in ``year``, given from the start of the year 2000."""
    return _start_of(year) + within - (_DAY if within >= _LEAP_DAY_ENDS and not _is_leap(year) else 0)


def _fill(times: pl.Series, where: pl.Series, values: pl.Series) -> pl.Series:
    """``times`` with ``values`` at the positions where ``where`` is true."""
    index = where.cast(pl.Int64).cum_sum() - 1
    return pl.select(pl.when(where).then(values.gather(index.clip(0))).otherwise(times)).to_series()
