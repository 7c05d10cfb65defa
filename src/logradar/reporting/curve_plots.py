"""Curves of all detectors over all thresholds: precision and recall, and ROC; as SVG or PNG bytes."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from logradar.evaluation.curves import Bools, Curve, Floats, precision_recall, receiver_operating, total
from logradar.reporting import canvas as style
from logradar.reporting.canvas import Kind, canvas, fractions, key_below, shortened
from logradar.reporting.detector_colours import looks

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Point = tuple[float, float | None]
_SHOWN: Final = 8  # curves in one picture; more cannot be distinguished
_CORNER: Final = 0.05  # false-positive rate below which the left edge of the ROC is shown enlarged


class DetectorCurves:
    """Labels of sessions and their scores by detector, to be drawn as curves; ``main`` is drawn bold.

    ``labels`` (True = anomalous) and each array of ``scores`` (may be infinite) have one entry per session,
    ``weights`` too. ``threshold`` is that of ``main`` and is marked; ``others`` are thresholds of other detectors
    that are marked too.
    """

    def __init__(
        self,
        labels: npt.ArrayLike,
        scores: Mapping[str, npt.ArrayLike],
        main: str,
        threshold: float | None = None,
        *,
        weights: npt.ArrayLike | None = None,
        others: Mapping[str, float] = MappingProxyType({}),
    ) -> None:
        self._labels = np.asarray(labels).astype(bool)
        self._weights = None if weights is None else np.asarray(weights, np.float64)
        self._scores = {name: np.asarray(values, np.float64) for name, values in scores.items()}
        self._main = main
        self._looks = looks(self._scores)
        self._points = {name: self._at(name, value) for name, value in others.items()}
        self._operating = None if threshold is None else self._at(main, threshold)

    def precision_recall(self, *, kind: Kind = "svg") -> bytes | None:
        """Precision over recall, with the level of chance; None without an anomaly."""
        curves = self._curves(precision_recall)
        if not curves:
            return None
        # Once all anomalies are found, a lower threshold only adds false alarms.
        curves = {name: curve.until(1.0) for name, curve in curves.items()}
        points: dict[str, Point] = {name: (at["recall"], at["precision"]) for name, at in self._points.items()}
        with canvas("pr", kind, height=4.5) as (figure, out):
            axes = figure.subplots()
            fractions(axes, "recall: share of anomalies found", "precision: share of alarms that are right")
            chance = total(self._labels, self._weights) / total(np.ones_like(self._labels), self._weights)
            axes.axhline(chance, color=style.SOFT, lw=1.1, ls=":", label=f"chance  {chance:.3f}", zorder=1)
            self._draw(axes, curves, points, steps="steps-pre")
            if self._operating and self._operating["precision"] is not None:
                self._mark(axes, self._operating["recall"], self._operating["precision"])
            axes.set_title("Precision and recall")
            key_below(figure, axes)
        return out[0]

    def roc(self, *, kind: Kind = "svg") -> bytes | None:
        """Recall over false-positive rate; None unless there are both normal and anomalous sessions.

        Where the threshold raises an alarm on less than 5 % of the normal sessions, the left edge is shown enlarged.
        """
        curves = self._curves(receiver_operating)
        if not curves:
            return None
        points: dict[str, Point] = {name: (at["fpr"], at["recall"]) for name, at in self._points.items()}
        with canvas("roc", kind, height=4.5) as (figure, out):
            axes = figure.subplots()
            fractions(
                axes, "false-positive rate: share of normal sessions with an alarm", "recall: share of anomalies found"
            )
            axes.plot([0, 1], [0, 1], color=style.SOFT, lw=1.1, ls=":", label="chance  0.500", zorder=1)
            self._draw(axes, curves, points)
            if self._operating:
                self._mark(axes, self._operating["fpr"], self._operating["recall"])
                if self._operating["fpr"] < _CORNER:
                    self._draw_enlarged(axes, curves, points, self._operating)
            axes.set_title("Recall and false alarms (ROC)")
            key_below(figure, axes)
        return out[0]

    def _at(self, name: str, threshold: float) -> dict[str, Any]:
        """Precision, recall and false-positive rate of a detector at a threshold."""
        labels, weights = self._labels, self._weights
        alarmed = self._scores[name] > threshold
        alarms, hits = total(alarmed, weights), total(alarmed & labels, weights)
        anomalies, normal = total(labels, weights), total(~labels, weights)
        return {
            "precision": hits / alarms if alarms else None,
            "recall": hits / anomalies if anomalies else 0.0,
            "fpr": (alarms - hits) / normal if normal else 0.0,
        }

    def _curves(self, curve_of: Callable[[Bools, Floats, Floats | None], Curve | None]) -> dict[str, Curve]:
        """Thinned curves, largest area first, at most `_SHOWN`; that of the main detector is always among them."""
        curves = {
            name: curve
            for name, values in self._scores.items()
            if (curve := curve_of(self._labels, values, self._weights))
        }
        names = sorted(curves, key=lambda name: (name != self._main, -curves[name].area, name))[:_SHOWN]
        return {name: curves[name].thinned() for name in sorted(names, key=lambda name: (-curves[name].area, name))}

    def _draw(
        self,
        axes: Axes,
        curves: Mapping[str, Curve],
        points: Mapping[str, Point],
        steps: str = "default",
        named: bool = True,
    ) -> None:
        for name, curve in curves.items():
            colour, pattern = self._looks[name]
            look: dict[str, Any] = {"color": colour, "lw": 2.6, "zorder": 5}
            if name != self._main:
                look = {"color": colour, "ls": pattern, "lw": 1.5}
            label = f"{shortened(name)}  {curve.area:.3f}" if named else None
            axes.plot(curve.x, curve.y, drawstyle=steps, label=label, clip_on=not named, **look)
            if name != self._main and name in points and points[name][1] is not None:
                ring: dict[str, Any] = {"mfc": style.PAPER, "mec": look["color"], "mew": 1.6, "zorder": 4}
                axes.plot(*np.array([points[name]], float).T, "o", ms=6, clip_on=not named, **ring)

    def _draw_enlarged(
        self, axes: Axes, curves: Mapping[str, Curve], points: Mapping[str, Point], operating: Mapping[str, float]
    ) -> None:
        from matplotlib.patches import Rectangle

        reach = max(0.01, 2.5 * operating["fpr"])
        frame: dict[str, Any] = {"fc": style.PAPER, "ec": style.LINE, "lw": 0.8, "zorder": 7}
        axes.add_patch(Rectangle((0.36, 0.02), 0.63, 0.54, transform=axes.transAxes, **frame))
        inset = axes.inset_axes((0.46, 0.12, 0.49, 0.34), zorder=8)
        self._draw(inset, curves, points, named=False)
        self._mark(inset, operating["fpr"], operating["recall"], named=False)
        inset.set(xlim=(-0.03 * reach, reach), ylim=(-0.05, 1.08))
        ticks = round_ticks(reach)
        inset.set_xticks(ticks, [f"{tick:g}%" for tick in np.round(100 * np.array(ticks), 6)])
        inset.set_yticks([0, 0.5, 1], ["0%", "50%", "100%"])
        inset.tick_params(labelsize=8, length=2)
        inset.set_title("the left edge, enlarged", fontsize=8.5, fontweight="normal", color=style.SOFT, pad=3)

    def _mark(self, axes: Axes, x: float, y: float, named: bool = True) -> None:
        ring: dict[str, Any] = {"mfc": style.PAPER, "mec": self._looks[self._main].colour, "mew": 2.4, "zorder": 6}
        axes.plot([x], [y], "o", ms=9, ls="", label="at the threshold" if named else None, clip_on=False, **ring)


def round_ticks(reach: float) -> list[float]:
    """Three to five round values from 0 to at most ``reach`` (above 0), so that no tick claims more than it needs.

    >>> round_ticks(0.0089), round_ticks(0.01)
    ([0.0, 0.002, 0.004, 0.006, 0.008], [0.0, 0.005, 0.01])
    """
    power = 10.0 ** math.floor(math.log10(reach))
    step = next(step for size in (0.2, 0.5, 1.0, 2.0, 2.5) if reach / (step := size * power) < 4.75)
    return [round(number * step, 12) for number in range(int(reach / step + 1e-9) + 1)]
