"""Layouts of timestamps: derived from one example, applied to a whole column by Polars.

A date of numbers alone does not tell day from month; its layout has all orders that fit, the likeliest first.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final, Literal

import polars as pl

from logradar.sources.decoding import zones

PLAIN: Final = pl.Datetime("us")
Order = Literal["day", "month", "year"]  # what a date of numbers begins with

# What a date looks like, and how it is read: one strftime format, or one for each order, the likeliest first.
NUMBERS: Final = {
    (4, "/"): ("%m/%d/%Y", "%d/%m/%Y"),
    (4, "."): ("%d.%m.%Y", "%m.%d.%Y"),
    (4, "-"): ("%d-%m-%Y", "%m-%d-%Y"),
    (2, "/"): ("%y/%m/%d", "%m/%d/%y", "%d/%m/%y"),
    (2, "."): ("%d.%m.%y", "%y.%m.%d", "%m.%d.%y"),
    (2, "-"): ("%y-%m-%d", "%d-%m-%y", "%m-%d-%y"),
    (0, "/"): ("%m/%d", "%d/%m"),
    (0, "."): ("%m.%d", "%d.%m"),
    (0, "-"): ("%m-%d", "%d-%m"),
}
_FIRST: Final[dict[Order, tuple[str, ...]]] = {"day": ("%d",), "month": ("%m",), "year": ("%y", "%Y")}
_MONTH: Final = "[A-Z][A-Za-z]{2,8}"
_DATES: Final = [
    (r"\d{4}-\d\d?-\d\d?", ("%Y-%m-%d",)),
    (r"\d{4}/\d\d?/\d\d?", ("%Y/%m/%d",)),
    (r"\d{4}\.\d\d?\.\d\d?", ("%Y.%m.%d",)),
    (r"\d{8}", ("%Y%m%d",)),
    *[
        (rf"\d\d?{re.escape(mark)}\d\d?" + (rf"{re.escape(mark)}\d{{{year}}}" if year else ""), formats)
        for (year, mark), formats in NUMBERS.items()
        if year
    ],
    (r"\d{6}", ("%y%m%d",)),
    (rf"\d\d?/{_MONTH}/\d{{4}}", ("%d/%b/%Y",)),
    (rf"\d\d?-{_MONTH}-\d{{4}}", ("%d-%b-%Y",)),
    (rf"\d{{4}}-{_MONTH}-\d\d?", ("%Y-%b-%d",)),
    (rf"\d\d?-{_MONTH}-\d{{2}}", ("%d-%b-%y",)),
    (rf"\d\d? {_MONTH} \d{{4}}", ("%d %b %Y",)),
    (rf"\d{{4}} {_MONTH} +\d\d?", ("%Y %b %d",)),
    (rf"{_MONTH} +\d\d?, \d{{4}}", ("%b %d, %Y",)),
    (rf"{_MONTH} +\d\d? \d{{4}}", ("%b %d %Y",)),
    (rf"{_MONTH} +\d\d?", ("%b %d",)),
    (rf"\d\d? {_MONTH}", ("%d %b",)),
    *[(rf"\d\d{re.escape(mark)}\d\d", formats) for (year, mark), formats in NUMBERS.items() if not year],
    (r"\d\d?\.\d\d?\.", ("%d.%m.",)),
    (r"\d{4}", ("%m%d",)),
    (r"", ("",)),
]
_TIMES: Final = [
    (r"\d\d?:\d\d?:\d\d?", "%H:%M:%S"),
    (r"\d\d\.\d\d\.\d\d", "%H.%M.%S"),
    (r"\d{6}", "%H%M%S"),
    (r"\d\d?:\d\d", "%H:%M"),
]
_WEEKDAY: Final = r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]{0,6},? "
_HALF: Final = r"[ \x{a0}\x{202f}]*([AaPp])\.?[ \x{a0}\x{202f}]?[Mm]\b\.?"  # also "a. m." and narrow spaces, for Rust
_SHAPES: Final = [
    (
        rf"(?P<weekday>{_WEEKDAY})?(?P<date>{date})(?P<between>(?:T| +|_|-|:|, | at |\t|/)?)(?P<time>{time})"
        r"(?P<fraction>[.,:]\d{1,9})?(?P<half>[ \xa0\u202f]*[AaPp]\.?[ \xa0\u202f]?[Mm]\b\.?)?"
        rf"(?P<zone> ?(?:Z|[+-]\d\d(?::?\d\d)?|UTC|GMT))?(?P<named> ?[(\[]?{zones.NAME}[)\]]?)?(?P<year> \d{{4}})?",
        formats,
        time_format,
        rf"(?:{_WEEKDAY})?(?:{date})",  # how it begins, which is sooner tried
    )
    for date, formats in _DATES
    for time, time_format in _TIMES
]
_HOUR_AND_HALF: Final = (
    r"(?:^|[^0-9])(?P<hour>[0-9]{1,2})[:.][0-9]{1,2}(?:[:.][0-9]{1,2})?(?:[.,:][0-9]{1,9})?"
    + _HALF.replace("(", "(?P<half>", 1)
)
_NAMED: Final = (
    r"^(?P<time>.*?[0-9])(?P<offset> ?(?:Z|[+-][0-9]{2}:?[0-9]{2}))?[ (\[]*"
    rf"(?P<name>{zones.NAME})[)\]]?(?P<year> [0-9]{{4}})?$"
)
_EPOCHS: Final = {10: 10**6, 13: 10**3, 16: 1, 19: -(10**3)}  # digits before the point: microseconds of one step
_EPOCH: Final = re.compile(r"(?P<whole>\d+)(?P<part>\.\d{1,15})?(?:[eE]\+?(?P<power>\d\d?))?")
_END: Final = 4_102_444_800_000_000  # of the year 2100: a larger number has another unit
_NOON: Final = 12


@dataclass(frozen=True)
class Layout:
    """How to read one kind of timestamp: a strftime format, or the unit of an epoch number.

    ``lacks`` is what the text does not contain. ``unit`` is the number of microseconds of one step of the epoch
    number; for steps shorter than a microsecond it is minus the number of steps in a microsecond. ``others`` are
    formats with another order of day and month, for texts that ``format`` does not fit.
    """

    format: str = ""
    lacks: Literal["", "year", "date"] = ""
    unit: int = 0
    fraction: str = ""  # character before the fraction, where Polars can read it only after a dot
    others: tuple[str, ...] = ()
    weekday: bool = False  # the text begins with the name of a day, which adds nothing
    half: bool = False  # the clock has 12 hours: a.m. or p.m. follows
    named: bool = False  # the name of a zone follows

    def read(self, text: pl.Series) -> pl.Series:
        """Times of the texts with this layout, null for the others; a missing year is read as 2000."""
        if self.unit:
            return self._read_epoch(text)
        whole = text
        if self.weekday:
            text = text.str.replace(f"^{_WEEKDAY}", "")
        if self.half:
            text = text.str.replace(_HALF, "")
        zone = None
        if self.named:
            parts = text.str.extract_groups(_NAMED).struct.unnest()
            bare = pl.concat_str("time", pl.col("offset").fill_null(""), pl.col("year").fill_null(""))
            text, zone = parts.select(bare).to_series(), parts["name"].set(parts["offset"].is_not_null(), None)
        if self.fraction == ":":  # milliseconds as a number, not padded
            text = text.str.replace(r":([0-9])$", r".00$1").str.replace(r":([0-9]{2})$", r".0$1")
        elif self.fraction:
            text = text.str.replace(rf"{self.fraction}([0-9]+)( ?[A-Z+-][A-Z0-9:]*)?$", r".$1$2")
        filler = {"year": "2000 ", "date": "2000-01-01 ", "": ""}[self.lacks]
        if filler:
            text = pl.select(pl.lit(filler) + text).to_series()
        times = _parsed(text, self.format)
        for other in self.others:
            if times.null_count() == text.null_count():
                break
            times = times.fill_null(_parsed(text, other))
        if self.half:
            times = _in_24_hours(times, whole)
        return times if zone is None else zones.utc(times, zone)

    def _read_epoch(self, text: pl.Series) -> pl.Series:
        if self.fraction == "e":
            steps = text.cast(pl.Float64, strict=False)
            number = (steps * self.unit if self.unit > 0 else steps / -self.unit).round(0).cast(pl.Int64, strict=False)
        else:
            digits = next(length for length, unit in _EPOCHS.items() if unit == self.unit)
            whole = text.str.len_bytes() == digits  # else it is another unit
            if self.fraction:
                parts = text.str.extract_groups(r"^(?P<whole>[0-9]{1,19})\.(?P<part>[0-9]+)$").struct.unnest()
                text, part = parts["whole"], parts["part"]
                short = (text.str.len_bytes() < min(_EPOCHS)) & (self.unit == 10**6)  # since the start of a machine
                whole = (text.str.len_bytes() == digits) | short
            steps = pl.select(pl.when(whole).then(text)).to_series().cast(pl.Int64, strict=False)
            number = steps * self.unit if self.unit > 0 else steps // -self.unit
            if self.fraction and self.unit > 1:
                kept = len(str(self.unit)) - 1  # digits of a microsecond
                number = number + part.str.head(kept).str.pad_end(kept, "0").cast(pl.Int64, strict=False)
        near = (number >= 0) & (number < _END)
        return pl.select(pl.when(near).then(number)).to_series().cast(PLAIN)


def _parsed(text: pl.Series, format_: str) -> pl.Series:
    """Times without a zone, in UTC if the format has one; null where the text does not fit."""
    times = text.str.to_datetime(format_, time_unit="us", strict=False)
    return times.dt.replace_time_zone(None) if times.dtype != PLAIN else times


def _in_24_hours(times: pl.Series, text: pl.Series) -> pl.Series:
    """Times of a clock with 12 hours, read as if it had 24; one beyond 12 o'clock stays as it is."""
    parts = text.str.extract_groups(_HOUR_AND_HALF).struct.unnest()
    hour, half = parts["hour"].cast(pl.Int64, strict=False), parts["half"].str.to_lowercase()
    later = (half == "p") & (hour < _NOON)
    earlier = (half == "a") & (hour == _NOON)
    hours = later.cast(pl.Int64) * _NOON - earlier.cast(pl.Int64) * _NOON
    return times + pl.select(pl.duration(hours=pl.lit(hours.fill_null(0)))).to_series()


@cache
def _compiled(shape: str) -> re.Pattern[str]:
    """Only when it is tried: there are some hundred, and most logs need a few."""
    return re.compile(shape)


def layout_of(text: str, order: Order | None = None) -> Layout | None:
    """The layout of this example, or None if it is not a timestamp. ``order``: what dates of numbers begin with.

    >>> layout_of("2015-10-18 18:01:47,978").format
    '%Y-%m-%d %H:%M:%S,%3f'
    """
    return layouts_of([text], order)[0]


def layouts_of(texts: Sequence[str], order: Order | None = None) -> list[Layout | None]:
    """As `layout_of` of each of the texts; those that seem to have the same layout are read at once."""
    found: list[Layout | None] = [None] * len(texts)
    texts = [text.strip() for text in texts]
    ways = [_candidates(text, order) for text in texts]
    waiting = list(range(len(texts)))
    while waiting:
        tried: dict[Layout, list[int]] = {}
        for place in waiting:
            layout = next(ways[place], None)
            if layout is not None and layout.unit:
                found[place] = layout  # its digits are proof enough
            elif layout is not None:
                tried.setdefault(layout, []).append(place)
        waiting = []
        for layout, places in tried.items():
            times = layout.read(pl.Series([texts[place] for place in places]))
            for place, unread in zip(places, times.is_null().to_list(), strict=True):
                if unread:
                    waiting.append(place)
                else:
                    found[place] = layout
    return found


def _candidates(text: str, order: Order | None) -> Iterator[Layout]:
    """Layouts that a text may have by its shape, in the order in which they are believed."""
    epoch = _EPOCH.fullmatch(text)
    if epoch:
        digits = int(epoch["power"]) + 1 if epoch["power"] else len(epoch["whole"])
        unit = _EPOCHS.get(digits) or (10**6 if epoch["part"] and digits < min(_EPOCHS) else 0)
        if unit:
            yield Layout(unit=unit, fraction="e" if epoch["power"] else "." if epoch["part"] else "")
            return
    for shape, formats, time, begins in _SHAPES:
        match = _compiled(shape).fullmatch(text) if _compiled(begins).match(text) else None
        if match:
            yield _composed(match, in_order(formats, order), time)


def in_order(formats: tuple[str, ...], order: Order | None) -> tuple[str, ...]:
    """The formats of a date, those that begin with ``order`` first."""
    first = _FIRST[order] if order else ()
    return tuple(sorted(formats, key=lambda one: not one.startswith(first))) if first else formats


def _composed(match: re.Match[str], dates: tuple[str, ...], time: str) -> Layout:
    """The layout with the parts of a matched timestamp."""
    part = {name: value or "" for name, value in match.groupdict().items()}
    mark, digits = part["fraction"][:1], len(part["fraction"]) - 1
    fraction, dotted = "", ""
    if mark == ".":
        fraction = "%.f"
    elif mark and digits in (3, 6, 9):
        fraction = f"{mark}%{digits}f"
    elif mark:
        fraction, dotted = "%.f", mark
    zone = part["zone"]
    if zone:
        zone = " " * zone.startswith(" ") + (zone.strip() if "T" in zone or "C" in zone else "%#z")
    lacks: Literal["", "year", "date"] = "" if dates[0] else "date"
    if dates[0] and "%Y" not in dates[0] and "%y" not in dates[0] and not part["year"]:
        lacks = "year"
    between = " " if part["between"].isspace() else part["between"]
    filler = {"year": "%Y ", "date": "%Y-%m-%d ", "": ""}[lacks]
    rest = f"{between}{time}{fraction}{zone}{' %Y' if part['year'] else ''}"
    whole, *others = (f"{filler}{date}{rest}" for date in dates)
    flags = bool(part["weekday"]), bool(part["half"]), bool(part["named"])
    return Layout(whole, lacks, 0, dotted, tuple(others), *flags)
