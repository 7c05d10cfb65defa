"""Quarantine: what could not be read, counted by reason and kept with its position.

Bad input never stops a long run silently and never disappears: each case is one JSON line
``{"source", "line", "offset", "reason", "text"}`` in a file, and a sum at the end.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

KEPT_TEXT = 2_000


class Quarantine:
    """Collects bad input; with ``path`` each case is also written there, one JSON line each."""

    def __init__(self, path: Path | None = None) -> None:
        self.path = path
        self.reasons: Counter[str] = Counter()

    def add(self, source: str, reason: str, *, line: int | None = None, offset: int | None = None, text: str = "") -> None:
        """Count one case; ``text`` is cut to its first 2,000 characters."""
        self.reasons[reason] += 1
        if self.path is not None:
            case = {"source": source, "line": line, "offset": offset, "reason": reason, "text": text[:KEPT_TEXT]}
            with self.path.open("a") as file:
                file.write(json.dumps(case) + "\n")

    @property
    def count(self) -> int:
        """How many cases there were."""
        return self.reasons.total()

    def sentence(self) -> str:
        """The sum in words, or an empty text when nothing was quarantined."""
        if not self.count:
            return ""
        reasons = ", ".join(f"{count} {reason}" for reason, count in self.reasons.most_common())
        where = f" They are kept in '{self.path}'." if self.path else ""
        return f"{self.count} pieces of input could not be read: {reasons}.{where}"
