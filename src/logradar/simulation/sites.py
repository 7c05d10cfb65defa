"""The log calls of the shop's services, read from their source: each log call is one event id.

So the event id of a record is known exactly, and not estimated by a parser.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

FIRST_EVENT: Final = 3  # ids before it have a meaning of their own: padding, unknown, mask
LOGGERS: Final = frozenset({"logger", "access"})
LEVELS: Final = ("debug", "info", "warning", "error", "critical", "exception")


@dataclass(frozen=True)
class Site:
    """One log call: the event id of its records, its level, its place in the source, and its message with %s fields."""

    event: int
    level: str
    path: str  # of the source file
    line: int
    message: str


@cache
def sites() -> dict[tuple[str, int], Site]:
    """The log calls of the shop by path and line; event ids count from `FIRST_EVENT` in order of path and line."""
    calls_found: dict[tuple[str, int], Site] = {}
    for file in sorted(Path(__file__).parent.glob("*.py")):
        calls = sorted(_calls(ast.parse(file.read_text(encoding="utf-8"))), key=lambda call: call.lineno)
        for call in calls:
            assert isinstance(call.func, ast.Attribute)
            level = "ERROR" if call.func.attr == "exception" else call.func.attr.upper()
            message = call.args[0].value if call.args and isinstance(call.args[0], ast.Constant) else ""
            place = str(file), call.lineno
            calls_found[place] = Site(FIRST_EVENT + len(calls_found), level, *place, str(message))
    return calls_found


def _calls(tree: ast.Module) -> list[ast.Call]:
    return [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in LEVELS
        and isinstance(node.func.value, ast.Attribute | ast.Name)
        and (node.func.value.attr if isinstance(node.func.value, ast.Attribute) else node.func.value.id) in LOGGERS
    ]
