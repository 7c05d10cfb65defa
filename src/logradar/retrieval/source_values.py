"""Values: what the names of a source file stand for, found only where a message needs it."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable
from typing import Any, Final

from logradar.retrieval.messages import Node, text_of

_LAST: Final = re.compile(r"(\w+)\W*$")
_MOST: Final = 20_000  # values of one file
_CONSTANT: Final = re.compile(r"_?[A-Z][A-Z0-9_]*|k[A-Z]\w*")


class SourceValues:
    """The values of one file; ``captures`` runs the query for them, ``span_of`` gives the function around a byte."""

    def __init__(
        self, captures: Callable[[], list[tuple[Node, Node]]], span_of: Callable[[int], tuple[int, int] | None]
    ) -> None:
        self._captures, self._span_of = captures, span_of
        self._found: dict[str, list[tuple[int, Node]]] | None = None

    def value_of(self, name: str, at: Node) -> tuple[Any, bool] | None:
        """The value that was given to ``name`` last before ``at`` in its function, else in the file outside; or None.

        The second says whether something was appended to it after that.
        """
        last = _LAST.search(name[-200:])
        if last is None:
            return None
        if self._found is None:
            self._found = defaultdict(list)
            for known, value in self._captures()[:_MOST]:
                match = _LAST.search(text_of(known)[-200:])
                if match:
                    self._found[match[1]].append((value.start_byte, value))
        known_values = self._found.get(last[1], [])
        span = self._span_of(at.start_byte)
        place = bisect_left([start for start, _ in known_values], at.start_byte)
        appended = False
        for start, value in reversed(known_values[:place]):
            if span is not None and start >= span[0] and value.end_byte <= at.start_byte:
                if _appends(value):
                    appended = True
                    continue
                return value, appended
        outside = [value for start, value in known_values if self._span_of(start) is None]
        plain = name == last[1] or _CONSTANT.fullmatch(last[1])
        return (outside[0], False) if len(outside) == 1 and plain else None


def _appends(value: Node) -> bool:
    """Whether a value is added to what the name had before: ``text += value``."""
    operator = value.parent.child_by_field_name("operator") if value.parent is not None else None
    sign = text_of(operator) if operator is not None else ""
    return value.parent is not None and (sign == "+=" or value.parent.type == "augmented_assignment")
