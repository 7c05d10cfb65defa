"""Service states: how a service is, in a word and a sentence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from logradar.core.formatting import counted, percent
from logradar.serving.store.moments import MINUTE

INCIDENT: Final = "incident"
TOUCHED: Final = "touched"  # by sessions of an incident whose unusual lines are of others
ERRORS: Final = "errors"
QUIET: Final = "quiet"
WELL: Final = "well"
_ERRORS: Final = 0.05  # share of errors from which on a person should look
_QUIET: Final = 15 * MINUTE  # without a record


def state_of(one: Mapping[str, Any], now: int) -> tuple[str, str]:
    """The state of a row of `Store.services` at a time (microseconds), and why."""
    incidents = counted(one["open_incidents"], "open incident")
    if one["open_incidents"] and one["alerts"]:
        return INCIDENT, incidents
    if one["records"] and one["errors"] / one["records"] > _ERRORS:
        return ERRORS, f"{percent(one['errors'] / one['records'])} of its lines are errors"
    if one["open_incidents"]:
        return TOUCHED, f"touched by {incidents}"
    if not one["last_seen"]:
        return QUIET, "no line in this time"
    if now - one["last_seen"] > _QUIET:
        return QUIET, f"no line for {(now - one['last_seen']) // MINUTE:,} min"
    return WELL, "nothing unusual"
