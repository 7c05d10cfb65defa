"""Severity: how urgent an alert is for a person, from info to critical."""

from __future__ import annotations

from logradar.core.tables import ERROR, FATAL, SEVERITIES, WARN


def severity(score: float, threshold: float, max_level: int | None) -> str:
    """One of `SEVERITIES`: the worst level that the session logged, one step up for a high score.

    High means twice the threshold (above 1 where the threshold is 0). A silent anomaly, all
    INFO, begins at 'low': what is missing is seldom logged as an error.
    """
    level = max_level or 0
    step = 1 + (level >= WARN) + (level >= ERROR) + (level >= FATAL)
    step += score > 2 * threshold if threshold > 0 else score > 1
    return SEVERITIES[min(step, len(SEVERITIES) - 1)]
