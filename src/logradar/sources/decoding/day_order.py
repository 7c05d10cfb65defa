"""What dates of numbers begin with: 08/05/2024 is a day in May or in August, and only other lines can tell.

A 13th proves it. Else the order of the lines tells: read rightly, neighbouring lines are near to each other.
"""

from __future__ import annotations

from datetime import date
from typing import Final

import polars as pl

from logradar.sources.decoding.layouts import NUMBERS, Order, in_order

_NUMBERS: Final = (
    r"^(?:[A-Z][a-z]{2,8},? )?(?P<a>[0-9]{1,2})(?P<mark>[/.-])(?P<b>[0-9]{1,2})(?:[/.-](?P<c>[0-9]{4}|[0-9]{2}))?"
    r"(?:T|_|-|:| +|, | at )[0-9]"
)
_CLEAR: Final = 2  # times as far as the best order must another one make the lines jump
_YEAR: Final = 366
_WRONG: Final = 0.1  # share of dates that no order fits, from which on nothing is said


class DayOrder:
    """Gathers what the texts of a file tell about the order of day, month and year; ``add`` takes them in order."""

    def __init__(self) -> None:
        self.kind: tuple[int, str] | None = None  # digits of the year, mark
        self.example = ""
        self.dates = 0
        self._invalid: dict[Order, int] = {}
        self._jumps: dict[Order, int] = {}  # days from line to line, summed up
        self._last: dict[Order, int] = {}  # days since 1970

    def add(self, text: pl.Series) -> None:
        """Look at further texts of timestamps; only those with a date of numbers matter."""
        parts = text.str.extract_groups(_NUMBERS).struct.unnest()
        parts = parts.with_columns(digits=pl.col("c").str.len_bytes().fill_null(0)).filter(pl.col("a").is_not_null())
        if not len(parts):
            return
        if self.kind is None:
            self.kind = (int(parts["digits"][0]), str(parts["mark"][0]))
            self.example = str(text.filter(text.str.contains(_NUMBERS))[0])
            orders = [_ORDERS[one[1]] for one in NUMBERS[self.kind]]
            self._invalid, self._jumps = dict.fromkeys(orders, 0), dict.fromkeys(orders, 0)
        parts = parts.filter((pl.col("digits") == self.kind[0]) & (pl.col("mark") == self.kind[1]))
        self.dates += len(parts)
        for order in self._invalid:
            days = _days(parts, order)
            self._invalid[order] += days.null_count()
            known = days.drop_nulls()
            if len(known):
                steps = known.diff().abs().sum() + abs(int(known[0]) - self._last.get(order, int(known[0])))
                self._jumps[order] += int(steps)
                self._last[order] = int(known[-1])

    @property
    def orders(self) -> list[Order]:
        """The orders that fit most dates, the most common one first; empty if there are no such dates."""
        if self.kind is None or not self.dates:
            return []
        fewest = min(self._invalid.values())
        if fewest > _WRONG * self.dates:
            return []
        return [order for order, count in self._invalid.items() if count == fewest]

    @property
    def proven(self) -> Order | None:
        """The only order that fits the dates, None if several fit."""
        return self.orders[0] if len(self.orders) == 1 else None

    def decide(self, latest: date, given: Order | None = None) -> tuple[Order | None, bool]:
        """The order to read dates in, and whether that is certain enough; None if there is nothing to decide.

        ``given`` is taken where nothing speaks against it. ``latest`` is a day that no date is after.
        """
        orders = self.orders
        if len(orders) > 1:
            nearest = sorted(orders, key=lambda order: self._jumps[order])
            if self._jumps[nearest[1]] > _CLEAR * self._jumps[nearest[0]]:
                orders = nearest[:1]
        if given in orders:
            return given, True
        end = (latest - date(1970, 1, 1)).days
        if len(orders) > 1 and self.kind and self.kind[0]:
            past = {order: end - self._last[order] for order in orders if self._last[order] <= end}
            if self.kind[0] == 2:  # a year of two digits: other orders may be decades away
                past = {order: days for order, days in past.items() if days < min(past.values()) + _YEAR}
            orders = list(past) or orders
        return (orders[0] if orders else None), len(orders) == 1


_ORDERS: Final[dict[str, Order]] = {"d": "day", "m": "month", "y": "year"}


def named(order: Order, kind: tuple[int, str]) -> str:
    """The order in words, for people.

    >>> named("day", (4, "/"))
    'day/month/year'
    """
    words = {"%d": "day", "%m": "month", "%y": "year", "%Y": "year"}
    return kind[1].join(words[part] for part in in_order(NUMBERS[kind], order)[0].split(kind[1]))


def _days(parts: pl.DataFrame, order: Order) -> pl.Series:
    """Days since 1970, null where the numbers are no date in this order."""
    year, month, day = {"day": ("c", "b", "a"), "month": ("c", "a", "b"), "year": ("a", "b", "c")}[order]
    years = pl.col(year).fill_null("2000")
    short = years.str.len_bytes() < 4
    century = pl.when(years.cast(pl.Int32) < 69).then(pl.lit("20")).otherwise(pl.lit("19"))
    whole = pl.when(years.str.len_bytes() < 2).then(None).when(short).then(century + years).otherwise(years)
    text = pl.concat_str(whole, pl.lit("-"), pl.col(month).str.zfill(2), pl.lit("-"), pl.col(day).str.zfill(2))
    return parts.select(text.str.to_date("%Y-%m-%d", strict=False).cast(pl.Int64)).to_series()
