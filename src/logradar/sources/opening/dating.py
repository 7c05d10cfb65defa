"""Determines how the dates of a file are read: the order of day and month, and the year of the first line.

Both need many lines, so they are settled before the file is read: by its first lines, and by the rest of it where these
leave the order open.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import polars as pl

from logradar.sources.decoding import zones
from logradar.sources.decoding.day_order import DayOrder, named
from logradar.sources.decoding.layouts import Order, layout_of
from logradar.sources.decoding.timestamps import SLACK, Clock, Dates
from logradar.sources.opening.formats import Format
from logradar.sources.opening.headers import HEADERS
from logradar.sources.opening.reading import Block

YEARS_BACK: Final = 4  # years before the latest possible one in which the first line may be
GLANCED: Final = 40  # lines that tell whether dates of the file need more lines
ZONES: Final = 100
MOSTLY: Final = 0.5  # share of the times that must be readable


def modified(file: Path) -> datetime:
    """When a file was modified last. Raises `OSError` if it cannot be found out."""
    return datetime.fromtimestamp(file.stat().st_mtime, UTC)


def dated(
    format_: Format,
    lines: list[str],
    latest: datetime | None,
    given: Order | None = None,
    rest: Iterable[Block] = (),
) -> tuple[Format, str]:
    """The format with what the lines say about its dates, and a sentence on what stays open ('' if nothing does).

    ``lines`` are the first of the file, ``latest`` is its last modification, ``rest`` all of its blocks; they are read
    only if the first lines leave the order of day and month open. ``given`` is an order to use where nothing speaks
    against it.
    """
    some = _times(format_, pl.Series("text", lines[:: max(1, len(lines) // GLANCED)], pl.String))
    if some is None or not any(map(_is_open, some.unique().to_list())):
        return format_, ""
    texts = _times(format_, pl.Series("text", lines, pl.String))
    if texts is None or not len(texts):
        return format_, ""
    end = (latest or datetime.now(UTC)).astimezone(UTC)
    dates, sentence = _order(format_, texts, end, given, rest)
    return replace(format_, dates=replace(dates, year=_first_year(texts, dates, end))), sentence


def order_of_all(dates: Iterable[Dates]) -> Order | None:
    """The order of day and month that those of several files have whose lines tell it, or that the first dates of the
    files, one after the other, tell; None if the files differ or nothing tells."""
    open_or_not = [one for one in dates if one.example]
    found = DayOrder()
    found.add(pl.Series([one.example for one in open_or_not], dtype=pl.String))
    if found.dates < len(open_or_not) or not found.dates:  # their dates do not look alike
        return None
    certain = {one.order for one in open_or_not if one.certain}
    if not certain:
        order, sure = found.decide(datetime.now(UTC).date() + SLACK)
        return order if sure else None
    return certain.pop() if len(certain) == 1 else None


def _is_open(text: str) -> bool:
    """Whether a text alone does not tell its date."""
    layout = layout_of(text)
    return layout is not None and bool(layout.others or layout.lacks == "year")


def about_times(format_: Format, lines: list[str], name: str) -> list[str]:
    """Sentences on times that cannot be read although the header of the lines of file ``name`` fits, and on time zones
    that are not known, or that several countries share."""
    texts = _times(format_, pl.Series("text", lines, pl.String))
    if texts is None or not len(texts):
        return []
    sentences = []
    unread = texts.filter(Clock(None, format_.dates).read(texts).is_null())
    if len(unread) >= MOSTLY * len(texts):
        sentences.append(
            f"The lines of '{name}' fit the format {format_.name}, but times such as '{unread[0][:40]}' cannot be read."
        )
    names = texts.str.extract(rf"[0-9][ \[(AaPpMm.]*({zones.NAME})[\])]?(?: [0-9]{{4}})?$", 1).drop_nulls().unique()
    names = names.filter(~names.is_in(["AM", "PM"]))
    return [*sentences, *zones.doubt(names.sort().head(ZONES).to_list())]


def _times(format_: Format, lines: pl.Series) -> pl.Series | None:
    """The texts of the timestamps in these lines, None if a wrapper gives the times."""
    if format_.wrapper in ("docker", "cri") or not len(lines):
        return None
    text = format_.unwrapped(lines)
    frame = pl.DataFrame({"line": pl.arange(1, len(text) + 1, eager=True), "text": text})
    read = format_.read(frame.with_columns(after=pl.lit(False)))
    return read["timestamp"].drop_nulls()


def _order(
    format_: Format, texts: pl.Series, end: datetime, given: Order | None, rest: Iterable[Block]
) -> tuple[Dates, str]:
    """The order of day and month, and a sentence if it stays open."""
    own = next((order for body in format_.bodies if body in HEADERS and (order := HEADERS[body].order)), None)
    found = DayOrder()
    found.add(texts)
    if not found.orders:
        return Dates(given), ""
    if found.proven is None and given is None and own is None:
        whole = DayOrder()
        for block in rest:
            more = _times(format_, block.lines)
            if more is not None:
                whole.add(more)
            if whole.proven:
                break
        found = whole if whole.dates else found
    order, certain = found.decide((end + SLACK).date(), given or own)
    proven = certain and order not in (given, own)
    dates = Dates(order or given, certain=proven or found.proven is not None, example=found.example)
    if order is None or certain or not found.kind:
        return dates, ""
    others = [one for one in found.orders if one != order]
    ways = " or ".join(f"input.date_order={one}" for one in others)
    return dates, (
        f"Dates such as '{found.example[:40]}' are read as {named(order, found.kind)}, because no line shows the order "
        f"of their numbers; {ways} reads them otherwise."
    )


def _first_year(texts: pl.Series, dates: Dates, end: datetime) -> int | None:
    """The year of the first time, if the latest possible one would put later lines after the last modification."""
    clock = Clock(end, dates)
    times = clock.read(texts).drop_nulls()
    if not clock.refused and not clock.passed:
        return None
    first = times[0].year
    return min(range(first, first - YEARS_BACK, -1), key=lambda year: _misfit(texts, replace(dates, year=year), end))


def _misfit(texts: pl.Series, dates: Dates, end: datetime) -> tuple[int, float, bool, int, int]:
    """How badly a first year fits, least is best: how often times pass the last modification, how long before it the
    last one is, whether none is right before it, and how many new years it refuses."""
    clock = Clock(end, dates)
    times = clock.read(texts).drop_nulls()
    before = end - times[-1]
    touches = ((times >= end - 2 * SLACK) & (times <= end + SLACK)).any()
    return clock.passed, before.total_seconds(), not touches, clock.refused, -(dates.year or 0)
