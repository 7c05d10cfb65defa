"""News: one notification as a person reads it, redacted, with every invisible character named and every text bounded.

All receivers write from this, so that no text of a log reaches one of them raw.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from logradar.alerting.incident_rows import OPEN
from logradar.core.formatting import counted, joined, level_word, moment, visible
from logradar.core.redaction.redactor import Redactor
from logradar.core.tables import NO_SERVICE
from logradar.serving.notifications.changes import AGAIN, MERGED, OPENED, OVER, RAISED, RELABELLED, RESOLVED, TEST

LONGEST: Final = 2_000  # characters of one text
_NAME: Final = 200  # characters of the name of a bundle
_SERVICES: Final = 10  # that are named
_SAYS: Final = {
    OPENED: "New incident",
    RELABELLED: "Incident",
    AGAIN: "Goes on again",
    RESOLVED: "Over",
    TEST: "Test: no incident",
}


@dataclass(frozen=True)
class News:
    """A ``change`` of an ``incident`` (a row of INCIDENTS as JSON values), and what was ``before``; ``key`` names it.

    ``bundle`` found it; ``at`` is when it was planned, in microseconds; ``url`` is its page, empty: none.
    """

    key: str
    change: str
    incident: Mapping[str, Any]
    before: Mapping[str, Any] | None
    bundle: str
    at: int
    redacted: bool
    url: str = ""

    @classmethod
    def of(
        cls, documents: Sequence[tuple[str, Mapping[str, Any]]], redactor: Redactor | None, external_url: str | None
    ) -> list[News]:
        """The news of documents that `Planner` wrote, each with its key; ``redactor`` None: nothing is masked.

        Many at once take little more time than one.
        """
        rows = [{name: document[name] for name in ("incident", "before", "bundle")} for _, document in documents]
        rows = _tidy(redactor.document(rows) if redactor is not None else rows)
        return [
            cls(
                key,
                document["change"],
                row["incident"],
                row["before"],
                clipped(row["bundle"], _NAME),
                document["at"],
                redactor is not None,
                incident_url(external_url, row["incident"]["incident_id"]),
            )
            for (key, document), row in zip(documents, rows, strict=True)
        ]

    @property
    def over(self) -> bool:
        """Whether the incident is over, or none any more."""
        return self.change in OVER

    @property
    def severity(self) -> str:
        """The band."""
        return str(self.incident["severity"])

    @property
    def says(self) -> str:
        """The change in a few words."""
        if self.change == RAISED:
            was = f" (was {self.before['severity']})" if self.before else ""
            return f"Now {self.severity}{was}"
        if self.change == MERGED:
            into = self.incident["merged_into"]
            return f"Part of incident {into} now" if into else "Withdrawn: its session turned out to be normal"
        return _SAYS[self.change]

    @property
    def title(self) -> str:
        """One line that says what is unusual, and where."""
        return " ".join(str(self.incident["title"]).split()) or f"Incident {self.incident['incident_id']}"

    @property
    def service(self) -> str:
        """The likeliest place of the cause."""
        return next((name for name in self.incident["services"] if name), NO_SERVICE)

    def facts(self) -> dict[str, str]:
        """What a person wants to know at once, by name."""
        row = self.incident
        names = [name or NO_SERVICE for name in row["services"]]
        more = [f"{len(names) - _SERVICES:,} more"] if len(names) > _SERVICES else []
        found = {
            "Severity": f"{self.severity} ({row['severity_score']:.0f} of 100)",
            "Services": joined([*names[:_SERVICES], *more]) or NO_SERVICE,
            "Since": moment(row["started_at"]) if row["started_at"] else "",
            "Last": moment(row["last_at"]) if row["last_at"] and row["status"] != OPEN else "",
            "Found": joined(
                [
                    counted(row[name], noun)
                    for name, noun in (("alerts", "alert"), ("rate_changes", "rate change"))
                    if row[name]
                ]
            ),
            "Again": f"like incident {row['again_of']}" if row["again_of"] else "",
        }
        return {name: text for name, text in found.items() if text}

    def story(self) -> list[tuple[str, str]]:
        """The first unusual line, why it is unusual, and where to look; each with its name."""
        line = self.incident["evidence"] or {}
        place = ":".join(str(line[name]) for name in ("source", "line") if line.get(name) is not None)
        level = level_word(line.get("level"))
        found = [
            (f"First line{f' ({place})' if place else ''}", " ".join(filter(None, [level, line.get("body") or ""]))),
            ("Unusual because", line.get("reason") or ""),
            ("Look at", ", then ".join(f"{one['service']} ({one['reason']})" for one in self.incident["candidates"])),
        ]
        return [(name, text.strip()) for name, text in found if text.strip()]

    def text(self, longest: int = LONGEST) -> str:
        """All of it as plain text of at most so many characters."""
        rows = [*self.facts().items(), *self.story()]
        return clipped("\n".join(f"{name}: {text}" for name, text in rows), longest)


def dashboard_url(external_url: str | None) -> str:
    """The dashboard; empty where nobody said where the service is."""
    return f"{external_url.rstrip('/')}/dashboard" if external_url else ""


def incident_url(external_url: str | None, incident_id: str) -> str:
    """The page of an incident on the dashboard; empty where nobody said where the service is."""
    return f"{dashboard_url(external_url)}/incidents/{quote(incident_id, safe='')}" if external_url else ""


def clipped(text: str, longest: int) -> str:
    """A text of at most so many characters; an ellipsis says that it was longer.

    >>> clipped("abcdef", 4)
    'abc…'
    """
    return text if len(text) <= longest else text[: longest - 1] + "…"


def _tidy(value: Any) -> Any:
    """A JSON value whose texts are bounded and hide nothing."""
    if isinstance(value, str):
        return clipped(visible(value), LONGEST)
    if isinstance(value, Mapping):
        return {name: _tidy(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_tidy(inner) for inner in value]
    return value
