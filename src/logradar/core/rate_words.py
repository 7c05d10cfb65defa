"""Rate words: a row of RATE_CHANGES in plain words, for titles, the terminal and pages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from logradar.core.formatting import minute
from logradar.core.tables import UNKNOWN

_SHOWN: Final = 60  # characters of a template
_ORDER: Final = ("silence", "spike", "dip", "gone", "new")  # what says most comes first


def what_changed(change: Mapping[str, Any]) -> str:
    """What comes more or less often: a message, or all records of a service.

    >>> what_changed({"kind": "spike", "template_id": 7, "template": "retry <*>"})
    'spike of «retry <*>»'
    """
    kind, template = str(change.get("kind")), change.get("template")
    if kind == "new" and change.get("template_id") == UNKNOWN:
        return "messages that training does not have"
    if not template:
        return "new service" if kind == "new" else kind
    text = " ".join(str(template).split())
    text = text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"
    return f"{'new message' if kind == 'new' else f'{kind} of'} «{text}»"


def in_words(change: Mapping[str, Any]) -> str:
    """Where, what, since when, and how often before and now."""
    where = change.get("service") or "the log"
    since = minute(change.get("started_at"))[-5:]
    return f"{where}: {what_changed(change)} from {since}, {change.get('reason') or ''}"


def telling(changes: Iterable[Mapping[str, Any]], incident: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The changes of an incident that its title and its alerts do not tell, in the order in which a reader wants them.

    Silence comes first. That there are new messages is left out where alerts quote them.
    """
    ranks = {kind: rank for rank, kind in enumerate(_ORDER)}
    alerts, title = incident.get("alerts"), str(incident.get("title"))
    left = [row for row in changes if str(row.get("reason")) not in title]
    left = [row for row in left if not (alerts and row.get("kind") == "new" and row.get("template_id") == UNKNOWN)]
    return sorted(left, key=lambda row: ranks.get(str(row.get("kind")), len(_ORDER)))
