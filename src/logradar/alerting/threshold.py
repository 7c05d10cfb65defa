"""Thresholds, fitted on the scores of normal validation sessions and on nothing else."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import Field

from logradar.core.config import Config
from logradar.core.errors import DataError


class ThresholdSettings(Config):
    """How many normal sessions may be alerted: as a share, or as a number per day."""

    quantile: float = Field(
        0.995, gt=0, le=1, description="share of normal validation sessions that must stay without an alert"
    )
    alerts_per_day: float | None = Field(
        None, gt=0, description="false alarms per day that are acceptable; used instead of the quantile"
    )


@dataclass(frozen=True)
class Threshold:
    """A session is alerted when its score is above ``value`` (strictly).

    ``quantile`` is the share of ``sessions`` normal validation sessions at or below it,
    ``false_alarms_per_day`` what that means at their rate (None when they carry no times).
    """

    value: float
    quantile: float
    sessions: int
    false_alarms_per_day: float | None

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self)


def fit_threshold(
    scores: npt.NDArray[np.float64], settings: ThresholdSettings, sessions_per_day: float | None = None
) -> Threshold:
    """The smallest score that keeps the wanted share of normal validation ``scores`` at or below it.

    ``sessions_per_day`` is the rate of the validation data, needed for ``alerts_per_day``. With no
    validation session the threshold is 0, which every detector gives to what it knows.
    """
    quantile = settings.quantile
    if settings.alerts_per_day is not None:
        if not sessions_per_day:
            raise DataError(
                "Alerts per day cannot be planned: the validation sessions carry no times; use a quantile instead."
            )
        quantile = min(max(1.0 - settings.alerts_per_day / sessions_per_day, 0.0), 1.0)
    if not len(scores):
        return Threshold(0.0, quantile, 0, None)
    value = float(np.quantile(scores, quantile, method="inverted_cdf"))
    share = float((scores > value).mean())
    per_day = share * sessions_per_day if sessions_per_day else None
    return Threshold(value, 1.0 - share, len(scores), per_day)
