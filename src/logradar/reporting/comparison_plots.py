"""Plots of a comparison: which detector leads, which agree, which found what, and when.

Each function returns SVG or PNG bytes, or None where there is nothing to draw.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from logradar.evaluation.curves import Bools
from logradar.reporting import canvas as style
from logradar.reporting.canvas import FALSE_ALARM, FOUND, Kind, canvas, date_ticks, key_below, shortened
from logradar.reporting.detector_colours import detector_colour

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COMBINATIONS: Final = 18  # columns of an UpSet picture
BINS: Final = 96  # cells along the time axis
_NAME: Final = 30  # characters of a name


def ranking(
    figures: Mapping[str, Mapping[str, Any]],
    pairs: Sequence[Mapping[str, Any]],
    figure: str = "f1",
    title: str = "F1",
    *,
    kind: Kind = "svg",
) -> bytes | None:
    """Left: a figure of each detector with its interval. Right: how far each one is behind the best.

    ``figures`` is ``detectors`` of the document, ``pairs`` its ``differences``. A difference whose interval
    contains 0 is drawn hollow: chance alone may explain it.
    """
    names = [name for name in figures if figures[name].get(figure) is not None]
    names.sort(key=lambda name: -figures[name][figure])
    if len(names) < 2:
        return None
    best = names[0]
    with_best = [pair for pair in pairs if best in (pair["first"], pair["second"]) and pair.get(figure)]
    differences = {_other(pair, best): pair[figure] for pair in with_best}
    signs = {_other(pair, best): 1 if pair["first"] == best else -1 for pair in with_best}
    with canvas(f"ranking-{figure}", kind, 11.4, 1.7 + 0.34 * len(names)) as (drawing, out):
        left, right = drawing.subplots(1, 2, sharey=True, width_ratios=[1.1, 1])
        for row, name in enumerate(reversed(names)):
            span = figures[name]["intervals"].get(figure)
            colour = detector_colour(name)
            if span:
                left.plot(span, [row, row], color=colour, lw=2)
            left.plot(figures[name][figure], row, "o", ms=7, color=colour)
            at = (figures[name][figure], row)
            left.annotate(f"{at[0]:.3f}", at, (0, 7), textcoords="offset points", ha="center", fontsize=8.5)
            if name == best:
                right.text(0, row, "  the best", va="center", fontsize=9, color=style.SOFT)
            elif difference := differences.get(name):
                _draw_difference(right, row, difference, signs[name], colour)
        right.axvline(0, color=style.INK, lw=1, ls=(0, (4, 2)))
        left.set_yticks(range(len(names)), [shortened(name, _NAME) for name in reversed(names)])
        left.set_ylim(-0.6, len(names) - 0.25)
        for axes in (left, right):
            axes.grid(False, axis="y")
            axes.tick_params(axis="y", length=0)
        left.set(xlabel=f"{title} with its 95 % interval")
        right.set(xlabel="best minus this detector, on the same sessions")
        left.set_title(f"{title} of each detector")
        right.set_title("Distance from the best")
    return out[0]


def _other(pair: Mapping[str, Any], best: str) -> str:
    return str(pair["second"] if pair["first"] == best else pair["first"])


def _draw_difference(axes: Axes, row: int, difference: Mapping[str, float], sign: int, colour: str) -> None:
    low, high = sorted((sign * difference["low"], sign * difference["high"]))
    clear = low > 0 or high < 0
    axes.plot([low, high], [row, row], color=colour, lw=2)
    middle = sign * difference["difference"]
    axes.plot(middle, row, "o", ms=7, color=colour, mfc=colour if clear else style.PAPER, mew=1.8)


def agreement_matrix(
    names: Sequence[str],
    jaccard: Sequence[Sequence[float | None]],
    kappa: Sequence[Sequence[float | None]],
    *,
    kind: Kind = "svg",
) -> bytes | None:
    """How similar the alarms of each pair are: Jaccard index below the diagonal, Cohen's kappa above it."""
    from matplotlib.colors import to_rgb
    from matplotlib.patches import Rectangle

    size = len(names)
    if size < 2:
        return None
    small = 9 if size <= 8 else 7.5 if size <= 12 else 6.5
    with canvas("agreement", kind, 5.6, 4.9) as (drawing, out):
        axes = drawing.subplots()
        for row in range(size):
            for column in range(size):
                if row == column:
                    axes.add_patch(Rectangle((column, row), 1, 1, fc=style.LINE, lw=0, alpha=0.5))
                    continue
                value = (jaccard if row > column else kappa)[row][column]
                shade = min(max(value or 0.0, 0.0), 1.0)
                colour = to_rgb(style.NORMAL if row > column else FOUND)
                cell = Rectangle((column + 0.02, row + 0.02), 0.96, 0.96, fc=(*colour, 0.06 + 0.6 * shade), lw=0)
                axes.add_patch(cell)
                text = "–" if value is None else f"{round(value, 2) + 0.0:.2f}"
                axes.text(column + 0.5, row + 0.5, text, ha="center", va="center", fontsize=small)
        shown = [shortened(name, 24) for name in names]
        axes.set(xlim=(0, size), ylim=(size, 0))
        places = np.arange(size) + 0.5
        axes.set_xticks(places, shown, rotation=35, ha="right", rotation_mode="anchor", fontsize=small)
        axes.set_yticks(places, shown, fontsize=small)
        axes.tick_params(length=0)
        axes.grid(False)
        axes.spines[:].set_visible(False)
        axes.set_title("Do they raise the same alarms?")
        axes.plot([], [], "s", color=style.NORMAL, alpha=0.6, label="below: Jaccard, common alarms")
        axes.plot([], [], "s", color=FOUND, alpha=0.6, label="above: Cohen's kappa")
        key_below(drawing, axes)
    return out[0]


def combinations(
    names: Sequence[str], patterns: Sequence[Mapping[str, Any]], labelled: bool, *, kind: Kind = "svg"
) -> bytes | None:
    """Which detectors raised an alarm on the same sessions: an UpSet picture (Lex et al., IEEE TVCG 2014).

    ``patterns`` come from `logradar.evaluation.agreement.agreement`. With labels the bars are split into anomalies
    found and false alarms, and one bar counts the anomalies that all detectors missed.
    """
    if not patterns or not names:
        return None
    missed = [pattern for pattern in patterns if not pattern["detectors"]]
    shown = [pattern for pattern in patterns if pattern["detectors"]][: COMBINATIONS - len(missed)] + missed
    left_out = sum(pattern["sessions"] for pattern in patterns) - sum(pattern["sessions"] for pattern in shown)
    with canvas("combinations", kind, 11.4, 3.1 + 0.24 * len(names)) as (drawing, out):
        bars, dots = drawing.subplots(2, 1, sharex=True, height_ratios=[2.6, 0.3 + 0.26 * len(names)])
        for place, pattern in enumerate(shown):
            anomalies = pattern["anomalies"] or 0
            colour = (style.ANOMALOUS if not pattern["detectors"] else FOUND) if labelled else style.NORMAL
            first = anomalies if labelled else pattern["sessions"]
            total = first if not pattern["detectors"] else pattern["sessions"]
            bars.bar(place, first, width=0.62, color=colour, alpha=0.8)
            bars.bar(place, total - first, bottom=first, width=0.62, color=FALSE_ALARM, alpha=0.8)
            bars.annotate(f"{total:,}", (place, total), (0, 3), textcoords="offset points", ha="center", fontsize=8.5)
            rows = [names.index(name) for name in pattern["detectors"]]
            dots.plot([place] * len(names), range(len(names)), "o", ms=5.5, color=style.LINE, zorder=2)
            if rows:
                dots.plot([place, place], [min(rows), max(rows)], color=style.INK, lw=1.6, zorder=3)
                colours = [detector_colour(name) for name in pattern["detectors"]]
                dots.scatter([place] * len(rows), rows, s=46, c=colours, lw=0, zorder=4)
            if not rows:
                dots.plot(
                    [place] * len(names), range(len(names)), "o", ms=5.5, mfc=style.PAPER, mec=style.ANOMALOUS, zorder=4
                )
        for row in range(0, len(names), 2):
            dots.axhspan(row - 0.5, row + 0.5, color=style.LINE, alpha=0.35, lw=0, zorder=1)
        dots.set_yticks(range(len(names)), [shortened(name, _NAME) for name in names])
        dots.set(ylim=(len(names) - 0.5, -0.5), xlim=(-0.7, max(len(shown), 6) - 0.3))
        dots.tick_params(length=0, labelbottom=False)
        dots.grid(False)
        dots.spines[:].set_visible(False)
        bars.spines["bottom"].set_visible(False)
        bars.tick_params(axis="x", length=0, labelbottom=False)
        bars.grid(False, axis="x")
        bars.set_ylim(0, 1.14 * max(max(pattern["sessions"], pattern["anomalies"] or 0) for pattern in shown) or 1)
        bars.set(ylabel="sessions" if labelled else "sessions with an alarm")
        bars.yaxis.set_major_formatter(lambda count, _: f"{count:,.0f}" if count == int(count) else "")
        bars.set_title("Which detectors found what" if labelled else "Which detectors raise the same alarms")
        if left_out:
            bars.set_title(
                f"{left_out:,} sessions with rarer combinations are not drawn",
                loc="right",
                fontsize=9,
                fontweight="normal",
                color=style.SOFT,
            )
        if labelled:
            for colour, label in (
                (FOUND, "anomalies found"),
                (FALSE_ALARM, "false alarms"),
                (style.ANOMALOUS, "missed by all"),
            ):
                if colour != style.ANOMALOUS or missed:
                    bars.bar([0], [0], color=colour, alpha=0.8, label=label)
            key_below(drawing, bars, columns=3)
    return out[0]


def alarms_over_time(
    starts: npt.NDArray[np.datetime64], alarmed: Mapping[str, Bools], labels: Bools | None, *, kind: Kind = "svg"
) -> bytes | None:
    """A row of cells along time for each detector; a darker cell has more alarms. The first row shows the anomalies.

    ``starts`` are the start times of the sessions (NaT: unknown); None where no start is known.
    """
    known = ~np.isnat(starts)
    if not known.any() or starts[known].min() == starts[known].max():
        return None
    from matplotlib.colors import to_rgb

    x = starts[known].astype("M8[us]").astype(np.float64) / 86_400e6
    edges = np.linspace(x.min(), x.max(), BINS + 1)
    rows = {"anomalies (labels)": labels} if labels is not None else {}
    rows |= alarmed
    with canvas("over-time", kind, 11.4, 1.5 + 0.34 * len(rows)) as (drawing, out):
        axes = drawing.subplots()
        for place, (name, chosen) in enumerate(rows.items()):
            counts = np.histogram(x[chosen[known]], edges)[0]
            colour = to_rgb(detector_colour(name) if name in alarmed else style.INK)
            share = np.log1p(counts) / max(np.log1p(counts).max(), 1e-9)
            for cell in np.flatnonzero(counts):
                axes.barh(
                    place,
                    edges[cell + 1] - edges[cell],
                    left=edges[cell],
                    height=0.78,
                    lw=0,
                    color=(*colour, 0.15 + 0.85 * share[cell]),
                )
        axes.set_yticks(
            range(len(rows)), [f"{shortened(name, _NAME)} ({int(chosen.sum()):,})" for name, chosen in rows.items()]
        )
        axes.set(ylim=(len(rows) - 0.5, -0.5), xlim=(edges[0], edges[-1]))
        axes.xaxis_date()
        date_ticks(axes.xaxis, 9, offset=True)
        axes.tick_params(axis="y", length=0)
        axes.grid(False, axis="y")
        axes.set_title("Alarms over time")
    return out[0]


def alert_rates(figures: Mapping[str, Mapping[str, Any]], *, kind: Kind = "svg") -> bytes | None:
    """Share of the sessions on which each detector raises an alarm, with their number."""
    names = list(figures)
    if not names:
        return None
    with canvas("rates", kind, height=max(4.9, 1.5 + 0.34 * len(names))) as (drawing, out):
        axes = drawing.subplots()
        rates = [100 * (figures[name].get("alert_rate") or 0.0) for name in names]
        axes.barh(range(len(names)), rates, height=0.62, color=[detector_colour(name) for name in names], alpha=0.85)
        for row, (rate, name) in enumerate(zip(rates, names, strict=True)):
            axes.annotate(
                f"{figures[name]['alerts']:,}", (rate, row), (4, 0), va="center", fontsize=9, textcoords="offset points"
            )
        axes.set_yticks(range(len(names)), [shortened(name, _NAME) for name in names])
        axes.set(ylim=(len(names) - 0.5, -0.5), xlabel="sessions with an alarm, per cent of all")
        axes.margins(x=0.15)
        axes.tick_params(axis="y", length=0)
        axes.grid(False, axis="y")
        axes.set_title("Alarms of each detector")
    return out[0]
