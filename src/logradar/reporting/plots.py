"""Plots: each function draws one picture and returns its bytes, SVG for a page or PNG for a file.

None is returned where there is nothing to draw (a PR curve without an anomaly). Scores may be
infinite. Colours mean the same everywhere: blue normal, vermilion anomalous or missed, green found,
amber false alarm.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from logradar.core.formatting import percent
from logradar.evaluation.curves import Bools, Curve, Floats, precision_recall, receiver_operating
from logradar.evaluation.metrics import wilson
from logradar.reporting import canvas as style
from logradar.reporting.canvas import Kind, canvas, clip, fractions, key_below

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FOUND: Final = "#009e73"
FALSE: Final = "#e69f00"
BEST: Final = "#cc79a7"
Point = tuple[float, float | None]
_SHOWN = 8  # detectors in one picture; more cannot be told apart


def pr_curves(
    labels: npt.ArrayLike,
    scores: Mapping[str, npt.ArrayLike],
    main: str,
    threshold: float | None = None,
    *,
    weights: npt.ArrayLike | None = None,
    others: Mapping[str, float] = MappingProxyType({}),
    kind: Kind = "svg",
) -> bytes | None:
    """Precision over recall of all detectors, ``main`` bold with its threshold marked, and the chance level.

    ``others`` are thresholds of other detectors that are marked too.
    """
    truth, weight = _arrays(labels, weights)
    curves = _curves(precision_recall, truth, scores, main, weight)
    if not curves:
        return None
    with canvas("pr", kind, height=4.5) as (figure, out):
        axes = figure.subplots()
        fractions(axes, "recall: share of anomalies found", "precision: share of alarms that are right")
        chance = _total(truth, weight) / _total(np.ones_like(truth), weight)
        axes.axhline(chance, color=style.SOFT, lw=1.1, ls=":", label=f"chance  {chance:.3f}", zorder=1)
        # Once all anomalies are found, a lower threshold only adds false alarms.
        curves = {name: curve.until(1.0) for name, curve in curves.items()}
        points = _points(truth, scores, others, weight)
        _draw_curves(
            axes, curves, main, steps="steps-pre", points={n: (p["recall"], p["precision"]) for n, p in points}
        )
        point = _operating(truth, np.asarray(scores[main], np.float64), threshold, weight)
        if point and point["precision"] is not None:
            _mark(axes, point["recall"], point["precision"])
        axes.set_title("Precision and recall")
        key_below(figure, axes)
    return out[0]


def roc_curves(
    labels: npt.ArrayLike,
    scores: Mapping[str, npt.ArrayLike],
    main: str,
    threshold: float | None = None,
    *,
    weights: npt.ArrayLike | None = None,
    others: Mapping[str, float] = MappingProxyType({}),
    kind: Kind = "svg",
) -> bytes | None:
    """Recall over false-positive rate of all detectors, ``main`` bold with its threshold marked; see `pr_curves`.

    Where that threshold alarms on less than 5 % of the normal sessions, that corner is shown enlarged.
    """
    truth, weight = _arrays(labels, weights)
    curves = _curves(receiver_operating, truth, scores, main, weight)
    if not curves:
        return None
    with canvas("roc", kind, height=4.5) as (figure, out):
        axes = figure.subplots()
        fractions(axes, "false-positive rate: share of normal sessions alarmed", "recall: share of anomalies found")
        axes.plot([0, 1], [0, 1], color=style.SOFT, lw=1.1, ls=":", label="chance  0.500", zorder=1)
        points = {name: (p["fpr"], p["recall"]) for name, p in _points(truth, scores, others, weight)}
        _draw_curves(axes, curves, main, points=points)
        point = _operating(truth, np.asarray(scores[main], np.float64), threshold, weight)
        if point:
            _mark(axes, point["fpr"], point["recall"])
            if point["fpr"] < 0.05:
                _enlarged(axes, curves, main, point, points)
        axes.set_title("Found against falsely alarmed (ROC)")
        key_below(figure, axes)
    return out[0]


def score_histogram(
    labels: npt.ArrayLike | None,
    scores: npt.ArrayLike,
    threshold: float | None = None,
    *,
    name: str = "",
    kind: Kind = "svg",
) -> bytes | None:
    """How many sessions have which score, normal and anomalous apart, on a logarithmic count axis.

    A long tail is drawn on an asinh axis; infinite scores stand in a bar of their own. ``labels``
    None: all sessions in one colour.
    """
    from logradar.reporting.score_axis import ScoreAxis

    values = np.asarray(scores, np.float64)
    if not len(values):
        return None
    truth = None if labels is None else np.asarray(labels).astype(bool)
    scale = ScoreAxis.fitting(values, threshold)
    with canvas("scores", kind, height=4.1) as (figure, out):
        axes = figure.subplots()
        groups = (
            [("sessions", values, style.NORMAL, 0.5)]
            if truth is None
            else [("normal", values[~truth], style.NORMAL, 0.5), ("anomalous", values[truth], style.ODD, 0.35)]
        )
        for label, some, colour, shade in groups:
            if len(some):
                counts = np.histogram(scale.place(some), scale.edges)[0].astype(float)
                axes.stairs(
                    counts,
                    scale.edges,
                    baseline=0.5,
                    fill=True,
                    color=colour,
                    alpha=shade,
                    label=f"{label} ({len(some):,})",
                )
                axes.stairs(counts, scale.edges, baseline=0.5, color=colour, lw=1.6)
        if threshold is not None and np.isfinite(threshold):
            place = float(scale.place(np.array([threshold]))[0])
            axes.axvline(place, color=style.INK, lw=1.5, ls=(0, (4, 2)), label=f"threshold {threshold:.4g}")
        axes.set_yscale("log")
        axes.set_ylim(0.6, axes.get_ylim()[1] * 1.3)
        axes.set_xlim(*scale.ends)
        axes.yaxis.set_major_formatter(lambda count, _: f"{count:,.0f}" if count >= 1 else "")
        axes.minorticks_off()
        axes.grid(False, axis="x")
        axes.set_xticks(*scale.ticks())
        axes.set(xlabel="score: higher is more anomalous" + scale.note, ylabel="sessions")
        axes.set_title(f"Scores of {name}" if name else "Scores")
        key_below(figure, axes, columns=3)
    return out[0]


def confusion_matrix(tp: float, fp: float, tn: float, fn: float, *, kind: Kind = "svg") -> bytes:
    """The four outcomes as a square, with counts and shares of each row."""
    from matplotlib.patches import Rectangle

    cells = {
        (0, 1): (tn, tn + fp, "rightly quiet", style.NORMAL),
        (1, 1): (fp, tn + fp, "false alarms", FALSE),
        (0, 0): (fn, tp + fn, "missed", style.ODD),
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
        axes.set(xlabel="what LogRadar said", ylabel="what the label says")
        axes.set_title("Right and wrong at the threshold")
    return out[0]


def fault_recall(faults: Mapping[str, Mapping[str, Any]], main: str, *, kind: Kind = "svg") -> bytes | None:
    """Share found of every fault kind: ``main`` as a bar with its 95 % interval, the best detector as a mark.

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
        axes.barh(places, shares, height=0.62, color=FOUND, alpha=0.75, label=clip(main))
        error = [[max(s - low, 0) for s, (low, _) in zip(shares, spans, strict=True)]]
        error.append([max(high - s, 0) for s, (_, high) in zip(shares, spans, strict=True)])
        axes.errorbar(shares, places, xerr=error, fmt="none", ecolor=style.SOFT, elinewidth=1, capsize=2.5)
        axes.plot(best, places, "D", color=BEST, ms=6, mec=style.INK, mew=0.7, label="best detector for it")
        axes.set_yticks(places, [f"{clip(name)} ({row['sessions']:,})" for name, row in rows])
        axes.xaxis.set_major_formatter(lambda share, _: f"{share:.0%}")
        axes.set(xlim=(0, 1.03), ylim=(-0.6, len(rows) - 0.4), xlabel="recall: share of its sessions found")
        axes.grid(False, axis="y")
        axes.tick_params(axis="y", length=0)
        axes.set_title("Found by kind of fault")
        key_below(figure, axes, first=clip(main))
    return out[0]


def _arrays(labels: npt.ArrayLike, weights: npt.ArrayLike | None) -> tuple[Bools, Floats | None]:
    return np.asarray(labels).astype(bool), None if weights is None else np.asarray(weights, np.float64)


def _curves(
    draw: Any, truth: Bools, scores: Mapping[str, npt.ArrayLike], main: str, weight: Floats | None
) -> dict[str, Curve]:
    """Thinned curves, best area first, as many as can be told apart, ``main`` always among them."""
    found = {
        name: curve for name, some in scores.items() if (curve := draw(truth, np.asarray(some, np.float64), weight))
    }
    names = sorted(found, key=lambda name: (name != main, -found[name].area, name))[:_SHOWN]
    return {name: found[name].thinned() for name in sorted(names, key=lambda name: (-found[name].area, name))}


def _draw_curves(
    axes: Axes,
    curves: Mapping[str, Curve],
    main: str,
    steps: str = "default",
    named: bool = True,
    points: Mapping[str, Point] = MappingProxyType({}),
) -> None:
    others = [name for name in curves if name != main]
    for name, curve in curves.items():
        look: dict[str, Any] = {"color": style.MAIN, "lw": 2.6, "zorder": 5}
        if name != main:
            place = others.index(name)
            look = {
                "color": style.OTHERS[place % len(style.OTHERS)],
                "ls": style.DASHES[place % len(style.DASHES)],
                "lw": 1.5,
            }
        label = f"{clip(name)}  {curve.area:.3f}" if named else None
        axes.plot(curve.x, curve.y, drawstyle=steps, label=label, clip_on=not named, **look)
        if name != main and name in points and points[name][1] is not None:
            ring: dict[str, Any] = {"mfc": style.PAPER, "mec": look["color"], "mew": 1.6, "zorder": 4}
            axes.plot(*np.array([points[name]], float).T, "o", ms=6, clip_on=not named, **ring)


def _mark(axes: Axes, x: float, y: float, named: bool = True) -> None:
    label = "at the threshold" if named else None
    axes.plot(
        [x], [y], "o", ms=9, mfc=style.PAPER, mec=style.MAIN, mew=2.4, ls="", zorder=6, label=label, clip_on=False
    )


def _enlarged(
    axes: Axes, curves: Mapping[str, Curve], main: str, point: Mapping[str, float], points: Mapping[str, Point]
) -> None:
    from matplotlib.patches import Rectangle

    reach = max(0.01, 2.5 * point["fpr"])
    axes.add_patch(
        Rectangle((0.36, 0.02), 0.63, 0.54, transform=axes.transAxes, fc=style.PAPER, ec=style.LINE, lw=0.8, zorder=7)
    )
    inset = axes.inset_axes((0.46, 0.12, 0.49, 0.34), zorder=8)
    _draw_curves(inset, curves, main, named=False, points=points)
    _mark(inset, point["fpr"], point["recall"], named=False)
    ticks = np.linspace(0, reach, 3)
    inset.set(xlim=(-0.03 * reach, reach), ylim=(-0.05, 1.08))
    inset.set_xticks(ticks, [f"{tick:.3g}%" for tick in ticks * 100])
    inset.set_yticks([0, 0.5, 1], ["0%", "50%", "100%"])
    inset.tick_params(labelsize=8, length=2)
    inset.set_title("the left edge, enlarged", fontsize=8.5, fontweight="normal", color=style.SOFT, pad=3)


def _points(
    truth: Bools, scores: Mapping[str, npt.ArrayLike], thresholds: Mapping[str, float], weight: Floats | None
) -> list[tuple[str, dict[str, Any]]]:
    """Where each detector stands at its threshold."""
    found = ((n, _operating(truth, np.asarray(scores[n], np.float64), t, weight)) for n, t in thresholds.items())
    return [(name, point) for name, point in found if point]


def _operating(truth: Bools, scores: Floats, threshold: float | None, weight: Floats | None) -> dict[str, Any] | None:
    if threshold is None:
        return None
    alarmed = scores > threshold
    alarms, right = _total(alarmed, weight), _total(alarmed & truth, weight)
    odd, normal = _total(truth, weight), _total(~truth, weight)
    return {
        "precision": right / alarms if alarms else None,
        "recall": right / odd if odd else 0.0,
        "fpr": (alarms - right) / normal if normal else 0.0,
    }


def _total(chosen: Bools, weight: Floats | None) -> float:
    return float(chosen.sum() if weight is None else weight[chosen].sum())


__all__: Sequence[str] = ["confusion_matrix", "fault_recall", "pr_curves", "roc_curves", "score_histogram"]
