"""Thresholds, fitted on the scores of normal validation sessions; on nothing else unless a precision is wanted."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field

from logradar.core.config import Config
from logradar.core.documents import Saved
from logradar.core.errors import DataError
from logradar.core.tail import fit_tail

_EXACT: Final = 1e-6  # relative; what other processors may round otherwise is far less
_COUNTED: Final = 10  # so many validation sessions above a threshold are counted as exactly as a fitted tail estimates
_FARTHEST: Final = 0.1  # of one validation session: how far a fitted tail is believed beyond the scores
Floats = npt.NDArray[np.float64]


class ThresholdSettings(Config):
    """How many false alarms are acceptable: as a share of normal sessions, per day, or as a share of the alerts."""

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


class _Kept(Saved):
    value: float
    quantile: float = Field(ge=0, le=1)
    sessions: int = Field(ge=0)
    false_alarms_per_day: float | None = Field(ge=0)
    method: Literal["counted", "tail", "largest", "labels"] = "counted"
    precision: float | None = Field(None, ge=0, le=1)


@dataclass(frozen=True)
class Threshold:
    """A session is alerted when its score is strictly above ``value``.

    ``quantile`` is the share of the ``sessions`` normal validation sessions that score at or below ``value``.
    ``false_alarms_per_day`` is the number expected at the rate of these sessions (None where they carry no times).
    ``method`` names where both come from: ``counted`` among the scores; their fitted ``tail``; the ``largest`` score,
    where no tail can be fitted; ``labels``, then ``precision`` is that of the validation part; ``given`` by the user.
    """

    value: float
    quantile: float
    sessions: int
    false_alarms_per_day: float | None
    method: str = "counted"
    precision: float | None = None

    @classmethod
    def of_json(cls, values: object, name: str, scores: Floats, anomalies: Floats | None) -> Threshold:
        """What `to_json` gave for detector ``name``; `ValueError` where ``scores`` and ``anomalies`` do not justify it.

        A threshold that was counted has the share of the scores at or below it that it says, and is one of them; one
        from the fitted tail is where that tail, fitted again, has it. A higher one would disarm the detector.
        """
        saved = _Kept.of(values, name)
        highest = max(float(some.max(initial=0.0)) for some in (scores, anomalies) if some is not None)
        if saved.sessions != len(scores):
            raise ValueError(f"'{name}' says {saved.sessions:,} validation sessions, and there are {len(scores):,}")
        if saved.method == "tail":
            tails = [tail for tail in (fit_tail(scores), fit_tail(np.maximum(scores, 0.0))) if tail is not None]
            if saved.quantile < 1.0:
                highest = max([highest, *(tail.beyond(1.0 - saved.quantile) for tail in tails)])
        elif len(scores) and abs(float((scores <= saved.value).mean()) - saved.quantile) > _EXACT:
            raise ValueError(f"'{name}' says a share of {saved.quantile:g} at or below {saved.value:g}, which is wrong")
        if saved.value > highest + _EXACT * max(abs(highest), 1.0):
            raise ValueError(f"'{name}' has a threshold of {saved.value:g}; its scores justify {highest:g} at most")
        return cls(**saved.model_dump())

    def to_json(self) -> dict[str, Any]:
        """The fields by name, as a bundle keeps them."""
        return asdict(self)


def fit_threshold(
    scores: Floats,
    settings: ThresholdSettings,
    sessions_per_day: float | None = None,
    anomalies: Floats | None = None,
) -> Threshold:
    """The smallest threshold with the wanted share of the normal validation ``scores`` at or below it.

    ``sessions_per_day`` is the rate of the validation sessions; `DataError` where ``alerts_per_day`` is wanted without
    it. ``anomalies`` are the scores of validation sessions that are labelled anomalous; `DataError` where ``precision``
    is wanted without them. A share that allows less than one validation session is read from the fitted tail of the
    scores, down to a tenth of a session: farther out nobody knows it. For alerts per day the tail is used where one to
    ten sessions are allowed, and the threshold is the largest score at most: whatever is louder than all that was
    normal is an alert, because a budget must not make an outage silent. A threshold from a quantile is
    never below 0, the score that detectors give to normal sessions; one from alerts per day is, where fewer sessions
    than wanted score above 0. Without validation sessions the threshold is 0.
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
    if 0 < allowed < 1 if settings.alerts_per_day is None else 1 <= allowed < _COUNTED:
        tail, share = fit_tail(scores), max(share, _FARTHEST / len(scores))
        if tail is not None and share < tail.share:
            rate = share * sessions_per_day if sessions_per_day else None
            value = tail.beyond(share)
            if settings.alerts_per_day is not None:
                value = min(value, float(scores.max()))
            return Threshold(value, 1.0 - share, len(scores), rate, "tail")
    value = float(np.quantile(scores, 1.0 - share, method="inverted_cdf"))
    return _counted(scores, value, sessions_per_day, "largest" if 0 < allowed < 1 else "counted")


def _counted(
    scores: Floats, value: float, sessions_per_day: float | None, method: str, precision: float | None = None
) -> Threshold:
    share = float((scores > value).mean()) if len(scores) else 0.0
    per_day = share * sessions_per_day if sessions_per_day else None
    return Threshold(value, 1.0 - share, len(scores), per_day, method, precision)


def _precise(scores: Floats, wanted: float, sessions_per_day: float | None, anomalies: Floats | None) -> Threshold:
    """The lowest threshold with the ``wanted`` precision on the validation part, else that with the highest."""
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
