"""Severity: how urgent an alert is for a person, from info to critical."""

from __future__ import annotations

from typing import Final

SEVERITIES: Final = ("info", "low", "medium", "high", "critical")
_WARN, _ERROR, _FATAL = 13, 17, 21  # OpenTelemetry SeverityNumber of the log's own levels


def severity(score: float, threshold: float, max_level: int | None) -> str:
    """One of `SEVERITIES`: the worst level that the session logged, one step up for a high score.

    High means twice the threshold (above 1 where the threshold is 0). A silent anomaly, all
    INFO, begins at 'low': what is missing is seldom logged as an error.
    """
    level = max_level or 0
    step = 1 + (level >= _WARN) + (level >= _ERROR) + (level >= _FATAL)
    step += score > 2 * threshold if threshold > 0 else score > 1
    return SEVERITIES[min(step, len(SEVERITIES) - 1)]
