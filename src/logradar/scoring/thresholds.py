"""Thresholds: the one that a bundle holds, or another one that was asked for."""

from __future__ import annotations

from math import isfinite
from numbers import Real
from typing import Final

from logradar.alerting.threshold import Threshold, ThresholdSettings, fit_threshold
from logradar.core.config import validated
from logradar.core.errors import ConfigError
from logradar.model.bundle import Bundle

_ENOUGH: Final = 200  # validation sessions; the default quantile lets one of so many through


def plan_threshold(
    bundle: Bundle,
    value: float | None = None,
    alerts_per_day: float | None = None,
    precision: float | None = None,
) -> Threshold:
    """The bundle's threshold for its main detector, or the one asked for in one of three ways; never two at once.

    Raises `ConfigError` for two at once, and for what is no finite number.
    """
    for what, wish in {"threshold": value, "alerts_per_day": alerts_per_day, "precision": precision}.items():
        if wish is not None and (isinstance(wish, bool) or not isinstance(wish, Real) or not isfinite(wish)):
            raise ConfigError(f"'{what}' is a number, not {wish!r}.")
    if sum(wish is not None for wish in (value, alerts_per_day, precision)) > 1:
        raise ConfigError("Ask for a threshold in one way: a score, alerts per day, or a precision.")
    name = bundle.settings.detector
    scores, rate = bundle.validation[name], bundle.facts.get("sessions_per_day")
    if value is not None:
        above = float((scores > value).mean()) if len(scores) else 0.0
        return Threshold(value, 1.0 - above, len(scores), above * rate if rate else None, "given")
    if alerts_per_day is None and precision is None:
        return bundle.thresholds[name]
    wanted = validated(ThresholdSettings, {"alerts_per_day": alerts_per_day, "precision": precision}, "threshold")
    return fit_threshold(scores, wanted, rate, bundle.marked.get(name))


def notes(
    limit: Threshold, alerts_per_day: float | None, precision: float | None = None, rate: float | None = None
) -> list[str]:
    """What a user should know of a threshold, as sentences; ``rate`` are the validation sessions a day."""
    days = limit.sessions / rate if rate else None
    if precision is not None and limit.precision is not None and limit.precision < precision:
        return [
            f"A precision of {precision:g} was asked for; on the labels of the validation part {limit.precision:.3g} "
            f"is the most, above a score of {limit.value:.4g}."
        ]
    if limit.method == "given" and limit.value < 0:
        return [
            f"A threshold below 0 makes alerts of what is normal: {1 - limit.quantile:.1%} of {limit.sessions:,} "
            f"normal validation sessions score above {limit.value:.4g}."
        ]
    if alerts_per_day is not None and limit.method == "largest":
        return [
            f"{alerts_per_day:g} alerts a day are less than one of {limit.sessions:,} validation sessions"
            f"{_lasting(days)}: they cannot tell what is so rare. The largest of their scores is the threshold, "
            "whatever is louder is an alert, and there may be more of them than were asked for."
        ]
    if alerts_per_day is None:
        return []
    sentences, expected = [], limit.false_alarms_per_day
    if expected is not None and expected < alerts_per_day / 2:
        many = f"{expected:.2g}" if expected < 10 else f"{expected:,.0f}"
        sentences = [
            f"{alerts_per_day:g} alerts a day were asked for; of normal sessions only about {many} a day score above "
            f"{limit.value:.4g}: there are no more, or all others have equal scores."
        ]
    if limit.sessions < _ENOUGH:
        sentences.append(
            f"The threshold rests on {limit.sessions:,} validation sessions; with fewer than {_ENOUGH} of them there "
            "may be far more or fewer alerts than were asked for."
        )
    return sentences


def _lasting(days: float | None) -> str:
    """How long the validation sessions lasted, as a part of a sentence; '' where it is not known."""
    if days is None:
        return ""
    for unit, of_day in (("days", 1), ("hours", 24), ("minutes", 1_440)):
        if days * of_day >= 2:
            return f", which lasted {days * of_day:.0f} {unit}"
    return f", which lasted {days * 86_400:.0f} seconds"
