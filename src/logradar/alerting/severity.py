"""Severity: how urgent an alert is for a person, from info to critical."""

from __future__ import annotations

from logradar.core.tables import ERROR, FATAL, SEVERITIES, WARN


def severity(score: float, threshold: float, max_level: int | None) -> str:
    """One of `SEVERITIES`: it follows the worst level that the session logged, and is one step higher for a high score.

    ``max_level`` is an OpenTelemetry SeverityNumber, None where no record has a level. A score is high above twice the
    threshold, or above 1 where the threshold is 0 or less. A session that logs no warning is 'low', not 'info': what
    is missing is rarely logged as an error.
    """
    level = max_level or 0
    step = 1 + (level >= WARN) + (level >= ERROR) + (level >= FATAL)
    step += score > 2 * threshold if threshold > 0 else score > 1
    return SEVERITIES[min(step, len(SEVERITIES) - 1)]
