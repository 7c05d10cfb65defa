"""Plots of an inventory: volume and errors by day, services, lengths, growth of the vocabulary, levels.

Each function returns SVG or PNG bytes, or None where there is nothing to draw. Vermilion is an error, amber a
warning.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from logradar.reporting import canvas as style
from logradar.reporting.canvas import Kind, canvas, date_ticks, key_below, shortened

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WARNING: Final = style.FALSE_ALARM
NAMED: Final = 7  # services that have a colour of their own
BARS: Final = 20  # services that have a bar
BAR_DAYS: Final = 62  # up to so many days are drawn as bars, more as an area
WEEK: Final = 7
STEPS: Final = 2_000  # places along a time axis, at most
COLUMNS: Final = 48  # columns of a histogram, at most
FEWEST: Final = 6  # columns of a histogram, at least
REACH: Final = 3_660  # a time axis goes so many days to both sides of its middle, at most
_EPOCH: Final = date(1970, 1, 1).toordinal()

Floats = npt.NDArray[np.float64]


def volume(days: Sequence[Mapping[str, Any]], *, kind: Kind = "svg") -> bytes | None:
    """Sessions of every day, with a colour for each of the largest services."""
    rows = _on_axis(days)
    if not rows:
        return None
    totals: Counter[str] = Counter()
    for row in rows:
        totals.update(row["services"])
    names = [name for name, _ in totals.most_common(NAMED)]
    parts = [(name, [row["services"].get(name, 0) for row in rows]) for name in names] if len(totals) > 1 else []
    rest = [row["sessions"] - sum(row["services"].get(name, 0) for name, _ in parts) for row in rows]
    if any(rest):
        parts.append(("other services" if parts else "sessions", rest))
    line = _Line(rows)
    with canvas("volume", kind, width=11.6, height=3.7) as (figure, out):
        axes = figure.subplots()
        base = np.zeros(len(line.edges) - 1)
        for place, (name, counts) in enumerate(parts):
            colour = (style.MAIN, *style.OTHERS)[place] if place < NAMED else style.SOFT
            top = base + line.sums(counts)
            line.fill(axes, base, top, colour, shortened(name) if len(parts) > 1 else None)
            base = top
        _counts(axes)
        line.ticks(axes)
        axes.set(ylabel="sessions")
        axes.set_title("Sessions over time")
        key_below(figure, axes, columns=8 if sum(len(shortened(name)) for name, _ in parts) < 90 else 4)
    return out[0]


def trouble(days: Sequence[Mapping[str, Any]], *, kind: Kind = "svg") -> bytes | None:
    """Share of sessions with errors and with warnings, by day."""
    rows = [row for row in _on_axis(days) if row["error_share"] is not None]
    if len(rows) < 2:
        return None
    line = _Line(rows)
    with canvas("trouble", kind, width=11.6, height=3.1) as (figure, out):
        axes = figure.subplots()
        sessions = line.sums([row["sessions"] for row in rows])
        for key, word, colour in (("with_warn", "warning", WARNING), ("with_error", "error", style.ANOMALOUS)):
            affected, label = line.sums([row[key] or 0 for row in rows]), f"sessions with {word}s"
            look: dict[str, Any] = {"lw": 1.6, "marker": "o" if len(rows) <= BAR_DAYS else "", "ms": 4}
            if len(line.middles) > BAR_DAYS and line.step == 1:
                axes.plot(line.middles, _share(affected, sessions), color=colour, lw=0.8, alpha=0.4)
                weekly = [np.convolve(values, np.ones(WEEK), "same") for values in (affected, sessions)]
                share, label, look = _share(*weekly), f"{label}, mean of {WEEK} days", {"lw": 2.2}
            else:
                share = _share(affected, sessions)
            axes.plot(line.middles, share, color=colour, label=label, **look)
        axes.set_ylim(0, max(axes.get_ylim()[1], 1e-4))
        _per_cent(axes, "y")
        line.ticks(axes)
        axes.set_title("Errors and warnings over time")
        key_below(figure, axes)
    return out[0]


def services(rows: Sequence[Mapping[str, Any]], *, kind: Kind = "svg") -> bytes | None:
    """Sessions of the largest services as bars."""
    if len(rows) < 2:
        return None
    shown = rows[:BARS][::-1]
    with canvas("services", kind, height=_height(len(shown))) as (figure, out):
        axes = figure.subplots()
        places = np.arange(len(shown))
        counts = [row["sessions"] for row in shown]
        axes.barh(places, counts, height=0.66, color=style.MAIN)
        for place, count in zip(places, counts, strict=True):
            axes.annotate(f"{count:,}", (count, place), (4, 0), textcoords="offset points", va="center", fontsize=8.5)
        axes.set_xlim(0, max(counts) * 1.17 or 1)
        _names(axes, places, shown)
        axes.xaxis.set_major_formatter(_short_count)
        axes.locator_params(axis="x", nbins=5)
        axes.set(xlabel=_largest_of("sessions", len(rows)))
        axes.set_title("Sessions by service")
    return out[0]


def troubled_services(rows: Sequence[Mapping[str, Any]], *, kind: Kind = "svg") -> bytes | None:
    """Share of sessions with errors and with warnings for the largest services."""
    if len(rows) < 2 or rows[0]["error_share"] is None:
        return None
    shown = rows[:BARS][::-1]
    with canvas("troubled", kind, height=_height(len(shown))) as (figure, out):
        axes = figure.subplots()
        places = np.arange(len(shown))
        for shift, key, word, colour in (
            (0.18, "error", "errors", style.ANOMALOUS),
            (-0.18, "warn", "warnings", WARNING),
        ):
            shares = [row[f"{key}_share"] or 0.0 for row in shown]
            axes.barh(places + shift, shares, height=0.33, color=colour, label=f"sessions with {word}")
        axes.set_xlim(0, max(axes.get_xlim()[1], 1e-4))
        _names(axes, places, shown)
        _per_cent(axes, "x")
        axes.locator_params(axis="x", nbins=5)
        axes.set(xlabel=_largest_of("share of the sessions", len(rows)))
        axes.set_title("Errors and warnings by service")
        key_below(figure, axes)
    return out[0]


def lengths(
    histogram: Sequence[Sequence[int]],
    ends: Mapping[str, Any],
    quantiles: Mapping[str, Any],
    *,
    kind: Kind = "svg",
) -> bytes | None:
    """Lengths of sessions in events; ``histogram`` has rows (from, to, sessions)."""
    if not histogram:
        return None
    low, high = histogram[0][0], histogram[-1][1]
    logarithmic = quantiles["p99"] > 0 and high > 8 * quantiles["p99"] and high > 200
    edges = _edges(low, min(high, max(ends["max"], low)), logarithmic)
    with canvas("lengths", kind) as (figure, out):
        axes = figure.subplots()
        counts = np.zeros(len(edges) - 1)
        for first, last, many in histogram:  # a bin is distributed over the columns that it overlaps
            over = np.clip(np.minimum(edges[1:], last + 1) - np.maximum(edges[:-1], first), 0, None)
            counts += many * over / max(over.sum(), 1e-12)
        axes.stairs(counts, edges - 0.5, fill=True, color=style.MAIN, alpha=0.3)
        axes.stairs(counts, edges - 0.5, color=style.MAIN, lw=1.4)
        marks = (
            ("median", ends["median"], "-"),
            ("90 %", quantiles["p90"], (0, (5, 2))),
            ("99 %", quantiles["p99"], ":"),
        )
        for name, place, dash in marks:
            axes.axvline(place, color=style.INK, lw=1.2, ls=dash, label=f"{name}: {place:,}")
        if logarithmic:
            axes.set_xscale("symlog", linthresh=10)
            axes.set_xlim(max(edges[0] - 0.5, 0), edges[-1])
            axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
            axes.minorticks_off()
        else:
            from matplotlib.ticker import MaxNLocator

            axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
        axes.grid(False, axis="x")
        _counts(axes)
        axes.set(xlabel="events in a session", ylabel="sessions")
        axes.set_title("Length of sessions")
        key_below(figure, axes, columns=3)
    return out[0]


def growth(words: Mapping[str, Any], *, kind: Kind = "svg") -> bytes | None:
    """Number of distinct words among the first sessions or records, as more of them are read."""
    points = np.array(words["growth"], np.float64)
    if len(points) < 2 or not words["size"]:
        return None
    with canvas("growth", kind) as (figure, out):
        axes = figure.subplots()
        axes.fill_between(*points.T, color=style.MAIN, alpha=0.12, lw=0)
        axes.plot(*points.T, color=style.MAIN, lw=2)
        axes.plot(*points[-1], "o", ms=7, color=style.MAIN, clip_on=False, zorder=5)
        axes.set_xlim(0, points[-1, 0])
        axes.xaxis.set_major_formatter(_short_count)
        axes.locator_params(axis="x", nbins=5)
        _counts(axes)
        axes.set(xlabel=f"{words['over']} read", ylabel=f"distinct {words['of']}")
        axes.set_title(f"Growth of the vocabulary: {words['size']:,} {words['of']}")
    return out[0]


def levels(rows: Sequence[tuple[str, int]], *, kind: Kind = "svg") -> bytes | None:
    """Log records of each level."""
    if not rows or [name for name, _ in rows] == ["none"]:
        return None
    whole = sum(count for _, count in rows)
    colours = {"ERROR": style.ANOMALOUS, "FATAL": style.ANOMALOUS, "WARN": WARNING, "none": style.SOFT}
    with canvas("levels", kind, height=1.5 + 0.42 * len(rows)) as (figure, out):
        axes = figure.subplots()
        places = np.arange(len(rows))[::-1]
        for place, (name, count) in zip(places, rows, strict=True):
            axes.barh(place, count / whole, height=0.66, color=colours.get(name, style.MAIN))
            share = f"{count / whole:.1%}" if count / whole >= 0.001 else "< 0.1%"
            axes.annotate(
                f"{share}  {count:,}",
                (count / whole, place),
                (4, 0),
                textcoords="offset points",
                va="center",
                fontsize=9,
            )
        axes.set_yticks(places, [name for name, _ in rows])
        axes.set(xlim=(0, 1.3), ylim=(-0.6, len(rows) - 0.4))
        axes.set_xticks([0, 0.25, 0.5, 0.75, 1])
        axes.xaxis.set_major_formatter(lambda share, _: f"{share:.0%}")
        axes.grid(False, axis="y")
        axes.tick_params(axis="y", length=0)
        axes.set_title("Levels of the log records")
    return out[0]


class _Line:
    """The axis of days: by date where all names are dates, else in their order.

    A long time is drawn in steps of several days.
    """

    def __init__(self, rows: Sequence[Mapping[str, Any]]) -> None:
        self.names = [row["day"] for row in rows]
        days = [_ordinal(name) for name in self.names]
        self.dated = None not in days
        if not self.dated:
            days = list(range(len(rows)))
        self._days = np.array(days, np.float64)
        first, last = int(self._days.min()), int(self._days.max())
        self.step = -(-(last - first + 1) // STEPS)
        self.edges = np.arange(first, last + self.step + 1, self.step, dtype=np.float64) - 0.5
        self.middles = (self.edges[1:] + self.edges[:-1]) / 2

    def sums(self, values: Sequence[float]) -> Floats:
        """The sum of the rows' values in each step of the axis."""
        return np.histogram(self._days, self.edges, weights=np.array(values, np.float64))[0]

    def fill(self, axes: Axes, base: Floats, top: Floats, colour: str, label: str | None) -> None:
        """Draw a layer from ``base`` to ``top``: bars where there are few days, else one area."""
        if len(base) <= BAR_DAYS:
            axes.bar(self.middles, top - base, 0.86 * self.step, base, color=colour, label=label)
        else:
            axes.stairs(top, self.edges, baseline=base, fill=True, color=colour, label=label, lw=0)

    def ticks(self, axes: Axes) -> None:
        """Label the axis with dates, or with the names of the days where they are not dates."""
        narrow = max(0.0, 3 - (self.edges[-1] - self.edges[0])) / 2
        low = max(self.edges[0] - narrow, 1.0 - _EPOCH)  # year 1 is the first that can be drawn
        axes.set_xlim(low, min(self.edges[-1] + narrow, date.max.toordinal() - _EPOCH))
        axes.grid(False, axis="x")
        if not self.dated:
            few = len(self.names) <= 12
            ticks = np.arange(len(self.names)) if few else np.linspace(0, len(self.names) - 1, 8).round()
            axes.set_xticks(ticks, [shortened(self.names[int(tick)], 14) for tick in ticks])
            return
        if len(self.middles) <= 12 and self.step == 1:
            from matplotlib.dates import DateFormatter

            axes.set_xticks(self.middles)
            axes.xaxis.set_major_formatter(DateFormatter("%b %d"))
        else:
            date_ticks(axes.xaxis)
        first, last = min(self.names), max(self.names)
        axes.set(xlabel=f"day, {first}" + (f" to {last}" if last > first else ""))


def _share(part: Floats, whole: Floats) -> Floats:
    share = np.full(len(whole), np.nan)
    np.divide(part, whole, out=share, where=whole > 0)
    return share


def _on_axis(days: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The days that have sessions. Where some have a date: only these, without dates that are years away from most."""
    rows = [row for row in days if row["sessions"]]
    dated = [(number, row) for row in rows if (number := _ordinal(row["day"])) is not None]
    if not dated:
        return rows
    dated.sort(key=lambda pair: pair[0])
    sums = np.cumsum([row["sessions"] for _, row in dated])
    middle = dated[int(np.searchsorted(sums, sums[-1] / 2))][0]
    return [row for number, row in dated if abs(number - middle) <= REACH]


def _ordinal(day: str) -> int | None:
    try:
        return date.fromisoformat(day).toordinal() - _EPOCH
    except ValueError:
        return None


def _edges(low: int, high: int, logarithmic: bool) -> Floats:
    if logarithmic:
        edges = np.unique(np.geomspace(max(low, 1), high + 1, COLUMNS + 1).round())
        return np.concatenate([[0.0], edges]) if low == 0 else edges
    if high - low < FEWEST:  # a single column would show nothing
        low, high = max(low - FEWEST // 2, 0), high + FEWEST // 2
    step = -(-(high - low + 1) // COLUMNS)
    return np.arange(low, high + step + 1, step, dtype=np.float64)


def _height(rows: int) -> float:
    return 1.5 + 0.3 * max(rows, 3)


def _largest_of(title: str, count: int) -> str:
    return f"{title}; the largest {BARS} of {count:,}" if count > BARS else title


def _names(axes: Axes, places: npt.NDArray[Any], rows: Sequence[Mapping[str, Any]]) -> None:
    axes.set_yticks(places, [shortened(row["service"]) for row in rows])
    axes.set_ylim(-0.6, len(rows) - 0.4)
    axes.grid(False, axis="y")
    axes.tick_params(axis="y", length=0)


def _short_count(count: float, _: float = 0) -> str:
    for limit, letter in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if count >= limit:
            return f"{count / (1e3 if letter == 'k' else limit):,.4g}{letter}"
    return f"{count:,.0f}" if count == int(count) else ""


def _counts(axes: Axes) -> None:
    from matplotlib.ticker import MaxNLocator

    axes.yaxis.set_major_locator(MaxNLocator(5, integer=True))
    axes.yaxis.set_major_formatter(_short_count)
    axes.set_ylim(0, 1.05 * max(axes.get_ylim()[1], 1))


def _per_cent(axes: Axes, which: str) -> None:
    axis = axes.yaxis if which == "y" else axes.xaxis
    axis.set_major_formatter(lambda share, _: f"{round(100 * share, 6):g}%")  # a tick at 2.5 % must not say 2 %
