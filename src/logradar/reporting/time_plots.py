"""Plots along time: the training of a network, and alerts against labels.

Each function returns SVG or PNG bytes, or None where there is nothing to draw.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from logradar.core.formatting import real
from logradar.reporting import canvas as style
from logradar.reporting.canvas import FALSE_ALARM, FOUND, Kind, canvas, date_ticks, key_below
from logradar.reporting.detector_colours import detector_colour

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BARS: Final = 72


def training_curve(history: Sequence[Mapping[str, Any]], *, name: str = "", kind: Kind = "svg") -> bytes | None:
    """Training and validation loss by epoch in the colour of detector ``name``; the best epoch and the learning rate.

    ``history`` rows have ``epoch`` and any of ``loss``, ``eval_loss``, ``learning_rate``.
    """
    loss, valid, rate = (_series(history, key) for key in ("loss", "eval_loss", "learning_rate"))
    if not len(loss) and not len(valid):
        return None
    with canvas(f"training-{_plain(name)}", kind, height=4.1) as (figure, out):
        ratios = [3.2, 1] if len(rate) else [1]
        rows = figure.subplots(len(ratios), 1, sharex=True, squeeze=False, height_ratios=ratios)[:, 0]
        axes = rows[0]
        colour = detector_colour(name) if name else style.MAIN
        if len(loss):
            axes.plot(*loss.T, color=style.SOFT, lw=1.4, ls="--", marker=_marker(loss), ms=3.5, label="training loss")
        if len(valid):
            axes.plot(*valid.T, color=colour, lw=2.2, marker=_marker(valid), ms=4.5, label="validation loss")
            best = valid[np.argmin(valid[:, 1])]
            axes.axvline(best[0], color=style.SOFT, lw=1, ls=(0, (4, 2)), zorder=1)
            text = f"best: {best[1]:.4g} after epoch {best[0]:.3g}"
            axes.plot(*best, "*", ms=14, color=colour, mec=style.PAPER, mew=1, label=text, ls="")
        losses = np.concatenate([loss[:, 1], valid[:, 1]])
        if losses.min() > 0 and losses.max() > 20 * losses.min():
            axes.set_yscale("log")
            axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
            axes.minorticks_off()
        axes.set(ylabel="loss")
        if len(rate):
            rows[1].plot(*rate.T, color=style.SOFT, lw=1.6, marker="o" if len(rate) == 1 else "", ms=3.5)
            rows[1].set(ylabel="learning\nrate", ylim=(0, None))
            rows[1].ticklabel_format(axis="y", style="sci", scilimits=(-2, 3), useMathText=False)
            rows[1].yaxis.get_offset_text().set(fontsize=8, color=style.SOFT)
        rows[-1].set(xlabel="epoch")
        _epochs(rows[-1], np.concatenate([part[:, 0] for part in (loss, valid, rate)]))
        axes.set_title(f"Training of {name}" if name else "Training")
        key_below(figure, axes, columns=3)
    return out[0]


def alert_timeline(
    starts: npt.ArrayLike,
    alarmed: npt.ArrayLike,
    labels: npt.ArrayLike | None = None,
    *,
    kind: Kind = "svg",
) -> bytes | None:
    """Sessions with an alarm along time: anomalies found and false alarms; missed anomalies are drawn below zero.

    ``starts`` are numpy datetimes. A session with NaT is left out; where all are NaT, the axis is the sessions' order.
    """
    when, alarm = np.asarray(starts), np.asarray(alarmed).astype(bool)
    truth = None if labels is None else np.asarray(labels).astype(bool)
    if not len(alarm):
        return None
    timed = when.dtype.kind == "M" and not np.isnat(when).all()
    x = when.astype("M8[us]").astype(np.float64) / 86_400e6 if timed else np.arange(len(alarm), dtype=np.float64)
    if timed:
        x[np.isnat(when)] = np.nan
    edges = _even(x)
    with canvas("timeline", kind, width=11.6, height=3.5) as (figure, out):
        axes = figure.subplots()
        width = edges[1] - edges[0]
        groups = (
            [("alerts", alarm, style.ANOMALOUS, 1)]
            if truth is None
            else [
                ("found", alarm & truth, FOUND, 1),
                ("false alarms", alarm & ~truth, FALSE_ALARM, 1),
                ("missed", ~alarm & truth, style.ANOMALOUS, -1),
            ]
        )
        base = np.zeros(len(edges) - 1)
        for label, chosen, colour, sign in groups:
            counts = np.histogram(x[chosen & ~np.isnan(x)], edges)[0]
            bottom = base if sign > 0 else np.zeros_like(base)
            text = f"{label} ({int(chosen.sum()):,})"
            axes.bar(edges[:-1], sign * counts, width * 0.92, bottom, align="edge", color=colour, label=text)
            base = base + counts if sign > 0 else base
        axes.axhline(0, color=style.SOFT, lw=0.8)
        _whole_numbers(axes)
        _time_axis(axes, edges, timed)
        axes.set(ylabel="sessions")
        axes.set_title("Alerts over time")
        key_below(figure, axes, columns=3)
    return out[0]


def _series(history: Sequence[Mapping[str, Any]], key: str) -> npt.NDArray[np.float64]:
    """Points ``(epoch, value)`` of one key, without rows that have no finite value for it."""
    points = [(row["epoch"], row[key]) for row in history if real(row.get("epoch")) and real(row.get(key))]
    return np.array(points, np.float64).reshape(-1, 2)


def _epochs(axes: Axes, epochs: npt.NDArray[np.float64]) -> None:
    """Whole epochs as ticks, and no empty space before the first one."""
    from matplotlib.ticker import MaxNLocator

    first, last = min(1.0, float(epochs.min())), max(float(epochs.max()), 1.0)
    margin = 0.03 * (last - first) or 0.5
    axes.set_xlim(first - margin, last + margin)
    axes.xaxis.set_major_locator(MaxNLocator(8, integer=True, min_n_ticks=1))


def _marker(series: npt.NDArray[np.float64]) -> str:
    return "o" if len(series) <= 40 else ""


def _plain(name: str) -> str:
    return "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in name)


def _even(x: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    low, high = float(np.nanmin(x)), float(np.nanmax(x))
    if high <= low:
        low, high = low - 0.5, high + 0.5
    return np.linspace(low, high, BARS + 1)


def _whole_numbers(axes: Axes) -> None:
    from matplotlib.ticker import MaxNLocator

    axes.yaxis.set_major_locator(MaxNLocator(5, integer=True))
    axes.yaxis.set_major_formatter(lambda count, _: f"{abs(count):,.0f}")
    low, high = axes.get_ylim()
    axes.set_ylim(1.08 * low if low < 0 else 0, 1.08 * max(high, 1))


def _time_axis(axes: Axes, edges: npt.NDArray[np.float64], timed: bool) -> None:
    axes.set_xlim(edges[0], edges[-1])
    axes.grid(False, axis="x")
    if not timed:
        axes.xaxis.set_major_formatter(lambda place, _: f"{place:,.0f}")
        axes.set(xlabel="sessions in their order (their times are not known)")
        return
    date_ticks(axes.xaxis)
    first, last = (np.datetime64(int(edge * 86_400), "s").astype("M8[D]") for edge in (edges[0], edges[-1]))
    axes.set(xlabel=f"start of the session, UTC, {first}" + (f" to {last}" if last > first else ""))
