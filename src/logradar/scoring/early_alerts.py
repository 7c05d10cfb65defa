"""Early alerts: those of sessions that are not over, so that each is completed under its id, or else withdrawn.

The id of an alert rests on the beginning of its session. A line that comes late may be that beginning, or make the
session ordinary; then the alert that was raised before is none.
"""

from __future__ import annotations

from typing import Final

import pyarrow as pa

_STATE: Final = pa.schema([pa.field("session_id", pa.string()), pa.field("alert_id", pa.string())])

Moved = dict[str, str | None]  # ids of alerts that are withdrawn, with the id that takes the place of each


class EarlyAlerts:
    """Remembers the alert that was raised of each open session."""

    def __init__(self) -> None:
        self._raised: dict[str, str] = {}  # by session

    def fresh(self, alerts: pa.Table) -> tuple[pa.Table, Moved]:
        """Of ALERTS of sessions that are not over those that are new, and what they take the place of."""
        new, moved = [], Moved()
        for session, id_ in _pairs(alerts):
            before = self._raised.get(session)
            new.append(before != id_)
            if before is not None and before != id_:
                moved[before] = id_
            self._raised[session] = id_
        return alerts.filter(pa.array(new, pa.bool_())), moved

    def over(self, sessions: pa.Table, alerts: pa.Table) -> Moved:
        """What is withdrawn as SESSIONS end, of which ``alerts`` are the ALERTS."""
        if not self._raised:
            return {}
        completed: dict[str, list[str]] = {}
        for session, id_ in _pairs(alerts):
            completed.setdefault(session, []).append(id_)
        moved = Moved()
        for session in sessions["session_id"].to_pylist():
            before = self._raised.pop(session, None)
            ids = completed.get(session, [])
            if before is not None and before not in ids:
                moved[before] = ids[0] if ids else None
        return moved

    def table(self) -> pa.Table:
        """The state as an Arrow table."""
        return pa.table([list(self._raised), list(self._raised.values())], schema=_STATE)

    @classmethod
    def of(cls, table: pa.Table) -> EarlyAlerts:
        """Those that `table` came from. Raises `KeyError` or `ValueError` for another kind of table."""
        found = cls()
        found._raised = dict(zip(table["session_id"].to_pylist(), table["alert_id"].to_pylist(), strict=True))
        return found


def _pairs(alerts: pa.Table) -> list[tuple[str, str]]:
    return list(zip(alerts["session_id"].to_pylist(), alerts["alert_id"].to_pylist(), strict=True))
