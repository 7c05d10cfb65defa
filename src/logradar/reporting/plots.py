"""Plots of the report: scores, right and wrong decisions, kinds of fault.

Each function draws one picture and returns its bytes, SVG for a page or PNG for a file, or None where there is
nothing to draw.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from logradar.core.formatting import percent
from logradar.evaluation.metrics import wilson
from logradar.reporting import canvas as style
from logradar.reporting.canvas import FALSE_ALARM, FOUND, Kind, canvas, fractions, key_below, shortened
from logradar.reporting.detector_colours import detector_colour


def score_histogram(
    labels: npt.ArrayLike | None,
    scores: npt.ArrayLike,
    threshold: float | None = None,
    *,
    name: str = "",
    kind: Kind = "svg",
) -> bytes | None:
    """Number of sessions by score, normal and anomalous ones separately, on a logarithmic count axis.

    ``scores`` may be infinite; infinite scores have a bar of their own, and a long tail is drawn on an asinh axis.
    Without ``labels`` all sessions have one colour.
    """
    from logradar.reporting.score_axis import ScoreAxis

    values = np.asarray(scores, np.float64)
    if not len(values):
        return None
    truth = None if labels is None else np.asarray(labels).astype(bool)
    axis = ScoreAxis.fitting(values, threshold)
    with canvas("scores", kind, height=4.1) as (figure, out):
        axes = figure.subplots()
        groups = (
            [("sessions", values, style.NORMAL, 0.5)]
            if truth is None
            else [("normal", values[~truth], style.NORMAL, 0.5), ("anomalous", values[truth], style.ANOMALOUS, 0.35)]
        )
        for label, group, colour, shade in groups:
            if len(group):
                counts = np.histogram(axis.place(group), axis.edges)[0].astype(float)
                axes.stairs(
                    counts,
                    axis.edges,
                    baseline=0.5,
                    fill=True,
                    color=colour,
                    alpha=shade,
                    label=f"{label} ({len(group):,})",
                )
                axes.stairs(counts, axis.edges, baseline=0.5, color=colour, lw=1.6)
        if threshold is not None and np.isfinite(threshold):
            place = float(axis.place(np.array([threshold]))[0])
            axes.axvline(place, color=style.INK, lw=1.5, ls=(0, (4, 2)), label=f"threshold {threshold:.4g}")
        axes.set_yscale("log")
        axes.set_ylim(0.6, axes.get_ylim()[1] * 1.3)
        axes.set_xlim(*axis.ends)
        axes.yaxis.set_major_formatter(lambda count, _: f"{count:,.0f}" if count >= 1 else "")
        axes.minorticks_off()
        axes.grid(False, axis="x")
        axes.set_xticks(*axis.ticks())
        axes.set(xlabel="score: higher is more anomalous" + axis.note, ylabel="sessions")
        axes.set_title(f"Scores of {name}" if name else "Scores")
        key_below(figure, axes, columns=3)
    return out[0]


def confusion_matrix(tp: float, fp: float, tn: float, fn: float, *, kind: Kind = "svg") -> bytes:
    """The four outcomes as a square: their counts, and their shares of the row."""
    from matplotlib.patches import Rectangle

    cells = {
        (0, 1): (tn, tn + fp, "correctly no alarm", style.NORMAL),
        (1, 1): (fp, tn + fp, "false alarms", FALSE_ALARM),
        (0, 0): (fn, tp + fn, "missed", style.ANOMALOUS),
        (1, 0): (tp, tp + fn, "found", FOUND),
    }
    with canvas("confusion", kind, height=4.1) as (figure, out):
        axes = figure.subplots()
        for (x, y), (count, whole, word, colour) in cells.items():
            share = count / whole if whole else 0.0
            axes.add_patch(Rectangle((x + 0.02, y + 0.02), 0.96, 0.96, color=colour, alpha=0.12 + 0.33 * share, lw=0))
            axes.add_patch(Rectangle((x + 0.02, y + 0.02), 0.022, 0.96, color=colour, lw=0))
            axes.text(x + 0.5, y + 0.58, f"{count:,.0f}", ha="center", va="center", fontsize=20, fontweight="bold")
            axes.text(x + 0.5, y + 0.34, word, ha="center", va="center", fontsize=10.5)
            text = f"{percent(share)} of the row" if whole else "no such session"
            axes.text(x + 0.5, y + 0.2, text, ha="center", va="center", fontsize=9, color=style.SOFT)
        axes.set(xlim=(0, 2), ylim=(0, 2))
        axes.set_xticks([0.5, 1.5], ["no alarm", "alarm"], fontsize=10)
        axes.set_yticks([0.5, 1.5], ["anomalous", "normal"], rotation=90, va="center", fontsize=10)
        axes.tick_params(length=0)
        axes.grid(False)
        axes.spines[:].set_visible(False)
        axes.set(xlabel="what LogRadar decided", ylabel="what the label says")
        axes.set_title("Right and wrong decisions at the threshold")
    return out[0]


def calibration(ranges: Sequence[Mapping[str, float]], *, kind: Kind = "svg") -> bytes:
    """The share of alarms that are right over their mean confidence, as points as large as they have alarms.

    ``ranges`` are those of `logradar.evaluation.calibration`. Bars are 95 % intervals (Wilson, JASA 1927).
    """
    with canvas("calibration", kind, height=4.1) as (figure, out):
        axes = figure.subplots()
        fractions(axes, "confidence: how sure LogRadar is", "share of these alarms that are right")
        axes.plot([0, 1], [0, 1], color=style.SOFT, lw=1.1, ls=":", zorder=1)
        for one in ranges:
            x, y, count = one["confidence"], one["anomalous"], one["sessions"]
            low, high = wilson(y * count, count) or (0.0, 1.0)
            axes.plot([x, x], [low, high], color=style.NORMAL, lw=1.6, zorder=2)
            axes.scatter([x], [y], s=18 + 14 * math.log10(max(count, 1)), color=style.NORMAL, zorder=3)
            place, side = ((-9, -3), "right") if x > 0.2 else ((9, -3), "left")
            axes.annotate(f"{count:,.0f} alarms", (x, y), place, textcoords="offset points", ha=side, fontsize=8.5)
        axes.set_title("Is the confidence of alarms right?")
    return out[0]


def fault_recall(faults: Mapping[str, Mapping[str, Any]], main: str, *, kind: Kind = "svg") -> bytes | None:
    """Share found of each kind of fault: ``main`` as a bar with its 95 % interval, the best detector as a diamond.

    ``faults`` is ``{kind: {"sessions": n, "recall": {detector: share}}}``.
    """
    rows = sorted(faults.items(), key=lambda item: (item[1]["recall"].get(main) or 0.0, item[0]))
    if not rows:
        return None
    with canvas("faults", kind, height=1.6 + 0.36 * len(rows)) as (figure, out):
        axes = figure.subplots()
        shares = [row["recall"].get(main) or 0.0 for _, row in rows]
        best = [max((r for r in row["recall"].values() if r is not None), default=0.0) for _, row in rows]
        spans = [
            wilson(s * row["sessions"], row["sessions"]) or [0, 1] for s, (_, row) in zip(shares, rows, strict=True)
        ]
        places = np.arange(len(rows))
        axes.barh(places, shares, height=0.62, color=detector_colour(main), alpha=0.55, label=shortened(main))
        error = [[max(s - low, 0) for s, (low, _) in zip(shares, spans, strict=True)]]
        error.append([max(high - s, 0) for s, (_, high) in zip(shares, spans, strict=True)])
        axes.errorbar(shares, places, xerr=error, fmt="none", ecolor=style.INK, elinewidth=1, capsize=2.5)
        axes.plot(
            best,
            places,
            "D",
            color=style.PAPER,
            ms=5.5,
            mec=style.INK,
            mew=1.2,
            label="best detector for it",
            clip_on=False,
        )
        axes.set_yticks(places, [f"{shortened(name)} ({row['sessions']:,})" for name, row in rows])
        axes.xaxis.set_major_formatter(lambda share, _: f"{share:.0%}")
        axes.set(
            xlim=(-0.025, 1.03), ylim=(-0.6, len(rows) - 0.4), xlabel="recall: share of its sessions that were found"
        )
        axes.grid(False, axis="y")
        axes.tick_params(axis="y", length=0)
        axes.set_title("Found by kind of fault")
        key_below(figure, axes, first=shortened(main))
    return out[0]
