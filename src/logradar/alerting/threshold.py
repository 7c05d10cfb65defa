"""Thresholds, fitted on the scores of normal validation sessions and on nothing else."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from pydantic import Field

from logradar.alerting.tail import fit_tail
from logradar.core.config import Config
from logradar.core.errors import DataError

_COUNTED: Final = 10  # validation sessions above a threshold from which their number is as good as a fitted tail
Floats = npt.NDArray[np.float64]


class ThresholdSettings(Config):
    """How many normal sessions may be alerted: as a share, as a number per day, or as false ones among the alerts."""

    quantile: float = Field(
        0.995, gt=0, le=1, description="share of normal validation sessions that must stay without an alert"
    )
    alerts_per_day: float | None = Field(
        None, gt=0, description="false alarms per day that are acceptable; used instead of the quantile"
    )
    precision: float | None = Field(
        None,
        gt=0,
        lt=1,
        description="share of alerts that should be right, where labels name anomalies in the validation part; "
        "used instead of both",
    )


@dataclass(frozen=True)
class Threshold:
    """A session is alerted when its score is above ``value`` (strictly).

    ``quantile`` is the share of ``sessions`` normal validation sessions at or below it,
    ``false_alarms_per_day`` what that means at their rate (None when they carry no times). ``method`` says
    whence both are: ``counted``, from the fitted ``tail`` of the scores, the ``largest`` of them where
    that has no tail to fit, or ``labels``; then ``precision`` is that of the validation part.
    """

    value: float
    quantile: float
    sessions: int
    false_alarms_per_day: float | None
    method: str = "counted"
    precision: float | None = None

    def to_json(self) -> dict[str, Any]:
        """The fields by name, as a bundle keeps them."""
        return asdict(self)


def fit_threshold(
    scores: Floats,
    settings: ThresholdSettings,
    sessions_per_day: float | None = None,
    anomalies: Floats | None = None,
) -> Threshold:
    """The smallest score that keeps the wanted share of normal validation ``scores`` at or below it.

    ``sessions_per_day`` is the rate of the validation data, needed for ``alerts_per_day``; ``anomalies`` are scores
    of sessions of the same part that are labelled anomalous, needed for ``precision``. A share that is less
    than one validation session is taken from the fitted tail of the scores, a number of alerts per day already
    where it is fewer than ten of them. A share does not go below 0, which every detector gives to what is
    usual; a number of alerts does, where there are not so many above. With no validation session the threshold is 0.
    """
    if settings.precision is not None:
        return _precise(scores, settings.precision, sessions_per_day, anomalies)
    share = 1.0 - settings.quantile
    if settings.alerts_per_day is not None:
        if not sessions_per_day:
            raise DataError(
                "Alerts per day cannot be planned: the validation sessions carry no times; use a quantile instead."
            )
        share = min(settings.alerts_per_day / sessions_per_day, 1.0)
    if not len(scores):
        return Threshold(0.0, 1.0 - share, 0, None)
    if settings.alerts_per_day is None:
        scores = np.maximum(scores, 0.0)
    allowed = share * len(scores)
    if 0 < allowed < (1 if settings.alerts_per_day is None else _COUNTED):
        tail = fit_tail(scores)
        if tail is not None and share < tail.share:
            rate = share * sessions_per_day if sessions_per_day else None
            return Threshold(tail.beyond(share), 1.0 - share, len(scores), rate, "tail")
    value = float(np.quantile(scores, 1.0 - share, method="inverted_cdf"))
    return _counted(scores, value, sessions_per_day, "largest" if 0 < allowed < 1 else "counted")


def _counted(
    scores: Floats, value: float, sessions_per_day: float | None, method: str, precision: float | None = None
) -> Threshold:
    share = float((scores > value).mean()) if len(scores) else 0.0
    per_day = share * sessions_per_day if sessions_per_day else None
    return Threshold(value, 1.0 - share, len(scores), per_day, method, precision)


def _precise(scores: Floats, wanted: float, sessions_per_day: float | None, anomalies: Floats | None) -> Threshold:
    """The lowest score above which the wanted share of the validation part's alerts is right, or most where none is."""
    if anomalies is None or not len(anomalies):
        raise DataError(
            "A precision cannot be planned: no session of the validation part is labelled anomalous; train with "
            "labels, or use alerts per day or a quantile."
        )
    levels = np.unique(np.concatenate([[0.0], scores, anomalies]))
    false = len(scores) - np.searchsorted(np.sort(scores), levels, side="right")
    right = len(anomalies) - np.searchsorted(np.sort(anomalies), levels, side="right")
    precision = right / np.maximum(right + false, 1)
    enough = np.flatnonzero((precision >= wanted) & (right > 0))
    first = int(enough[0]) if len(enough) else int(np.argmax(precision))
    return _counted(scores, float(levels[first]), sessions_per_day, "labels", float(precision[first]))
