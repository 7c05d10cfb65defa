"""Places: a link as what people read: path, line, text, function, and where it can be looked at."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import quote, urlsplit

from logradar.core.errors import ConfigError
from logradar.retrieval.code_index import CodeIndex
from logradar.retrieval.linker import BY_FRAME, Link, Linker
from logradar.retrieval.locations import best_path, frames

_CLIPPED: Final = 300  # characters of a line of source code


def require_pattern(pattern: str) -> str:
    """A pattern of links such as ``https://host/repo/blob/{commit}/{path}#L{line}``; `ConfigError` for another."""
    parts = urlsplit(pattern.replace("{", "").replace("}", ""))
    if parts.scheme not in ("http", "https") or not parts.netloc or "{path}" not in pattern or parts.username:
        raise ConfigError(
            f"'{pattern}' is no pattern of links: it begins with https:// and has {{path}}, {{line}} and, where it is "
            "wanted, {commit} in it."
        )
    return pattern


def url_of(index: CodeIndex, path: str, line: int) -> str | None:
    """Where a person can read a line; None where the index has no pattern of links."""
    pattern = index.facts.get("url")
    if not pattern:
        return None
    commit = index.commit or "HEAD"
    return str(pattern).replace("{commit}", quote(commit)).replace("{path}", quote(path)).replace("{line}", str(line))


def place_of(linker: Linker, link: Link, record_id: int | None = None) -> dict[str, Any] | None:
    """A link as a value of CODE; None where there is none."""
    if link.place is None:
        return None
    file, line = link.place
    index = linker.index
    number = linker.statements[link.row]["function"] if link.row >= 0 else function_at(index, file, line)
    path = index.paths[file]
    return {
        "record_id": record_id,
        "path": path,
        "line": line,
        "text": linker.text(link)[:_CLIPPED],
        "function": index.functions[number]["name"] if number >= 0 else "",
        "basis": link.basis,
        "note": link.note,
        "url": url_of(index, path, line),
    }


def function_at(index: CodeIndex, file: int, line: int) -> int:
    """The row of the innermost function around a line, -1 outside of all."""
    best = -1
    for row in index.functions_of(file):
        one = index.functions[row]
        inside = one["kind"] == "function" and one["line"] <= line <= one["end_line"]
        if inside and (best < 0 or one["line"] >= index.functions[best]["line"]):
            best = row
    return best


def frame_places(linker: Linker, body: str, most: int = 5) -> list[dict[str, Any]]:
    """The frames of a stack trace that lie in the indexed code, innermost first."""
    found: list[dict[str, Any]] = []
    for location in frames(body):
        files = best_path(location, linker.index.paths, linker.by_name)
        if len(files) == 1 and linker.has_line(files[0], location.line):
            place = place_of(linker, Link(basis=BY_FRAME, place=(files[0], location.line)))
            if place is not None and place not in found:
                found.append(place)
        if len(found) == most:
            break
    return found
