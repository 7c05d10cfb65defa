"""What ``detect`` prints while lines arrive: incidents, alerts and changes of rates, one line each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from logradar.cli.show.incidents import changed
from logradar.cli.show.plain import clipped

if TYPE_CHECKING:
    from logradar.scoring.stream import Step

_MUCH: Final = 10  # times as many alerts, of which an incident that grows is printed again


class Following:
    """Prints the steps of a stream; it remembers which incidents and changes were printed, and how large they were."""

    def __init__(self) -> None:
        self._sizes: dict[str, int] = {}
        self._changes: set[str] = set()

    def step(self, found: Step) -> None:
        """Print a step: incidents that begin, grow much, are over or part of another one; rates; alerts."""
        from logradar.core.formatting import NO_TIME, NONE
        from logradar.core.plain_reasons import in_plain_words

        for incident in found.incidents.to_pylist():
            if self._is_news(incident):
                print(changed(incident), flush=True)
        for row in found.rate_changes.to_pylist():
            if row["change_id"] not in self._changes:
                self._changes.add(row["change_id"])
                print(_rate(row), flush=True)
        for old, new in found.withdrawn.items():
            print(
                f"alert {old} is withdrawn, since a late line changed its session"
                + (f"; it is {new} now" if new else "")
            )
        rows = [(row, " (session still open)") for row in found.early.to_pylist()]
        for row, open_ in (*rows, *((row, "") for row in found.alerts.to_pylist())):
            moment = row["raised_at"].isoformat(sep=" ", timespec="seconds") if row["raised_at"] else NO_TIME
            first = row["evidence"][0] if row["evidence"] else {"reason": "", "body": None}
            body = f" | {_clip(str(first['body']), 100)}" if first["body"] else ""
            print(
                f"{moment}  {row['severity']:8}  {row['alert_id']}  {_clip(str(row['service'] or NONE), 24)}  "
                f"{_clip(row['session_id'], 48)}{open_}  {_clip(in_plain_words(str(first['reason'])), 100)}{body}",
                flush=True,
            )

    def _is_news(self, incident: Mapping[str, Any]) -> bool:
        """Whether an incident is to be printed; while one grows, only each time that it is ten times as large."""
        id_, size = incident["incident_id"], incident["alerts"] + incident["rate_changes"]
        if incident["status"] != "open":
            self._sizes.pop(id_, None)
            return True
        if id_ in self._sizes and size < _MUCH * self._sizes[id_]:
            return False
        self._sizes[id_] = max(size, 1)
        return True


def _rate(row: Mapping[str, Any]) -> str:
    """A change of a rate as one line: since when, what, where, how often."""
    from logradar.core.rate_words import what_changed

    when = row["started_at"].isoformat(sep=" ", timespec="seconds")
    service = _clip(str(row["service"] or "no service"), 24)
    what = clipped(what_changed(row), 80)
    return f"{when}  rate      {row['change_id']}  {service}  {what}, {_clip(row['reason'], 160)}"


def _clip(text: str, width: int) -> str:
    return clipped(text.partition("\n")[0], width)
