"""Code places: the statements that write the lines of an alert, where the code is known."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

_MOST: Final = 8


@dataclass(frozen=True)
class CodePlace:
    """A statement; ``url`` is where a person can read it, empty where the settings do not say so."""

    path: str
    line: int
    text: str
    url: str


def code_places(documents: Iterable[Mapping[str, Any] | None], pattern: str | None) -> list[CodePlace]:
    """The distinct statements that documents of alerts or lines name under ``code``.

    ``pattern`` is the setting ``source_url``, with {path} and {line}; without it links are those of the code index.
    """
    found: dict[tuple[str, int], CodePlace] = {}
    for document in documents:
        for one in (document or {}).get("code") or ():
            if isinstance(one, Mapping) and one.get("path") and isinstance(one.get("line"), int):
                path, line = str(one["path"]), int(one["line"])
                url = pattern.replace("{path}", quote(path)).replace("{line}", str(line)) if pattern else ""
                url = url or _safe(one.get("url"))
                found.setdefault((path, line), CodePlace(path, line, str(one.get("text") or ""), url))
    return list(found.values())[:_MOST]


def _safe(url: Any) -> str:
    """A link of the index, if it is one of the web."""
    return url if isinstance(url, str) and url.startswith(("https://", "http://")) else ""
