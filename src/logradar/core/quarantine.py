"""Quarantine: what could not be read as it stands, counted by reason and kept with its position.

Bad input never stops a long run silently and never disappears: each case is one JSON line
``{"source", "line", "offset", "reason", "text", "count"}`` in a file, and a sum at the end.
"""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

KEPT_TEXT = 2_000


class Quarantine:
    """Collects bad input; with ``path`` each case is also written there, one JSON line each.

    A file that is there from an earlier run is replaced as soon as the first case comes in.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = path
        self.reasons: Counter[str] = Counter()
        self._begun = False

    def add(
        self,
        source: str,
        reason: str,
        *,
        line: int | None = None,
        offset: int | None = None,
        text: str = "",
        count: int = 1,
    ) -> None:
        """Count a case, or ``count`` equal ones whose first is told; ``text`` is cut to 2,000 characters."""
        self.reasons[reason] += count
        self._write([(source, line, offset, reason, text, count)])

    def add_lines(self, source: str, reason: str, lines: Iterable[tuple[int, str]]) -> None:
        """Count many cases of one reason at once: (1-based line, text) each."""
        cases = [(source, line, None, reason, text, 1) for line, text in lines]
        self.reasons[reason] += len(cases)
        self._write(cases)

    def _write(self, cases: Sequence[tuple[str, int | None, int | None, str, str, int]]) -> None:
        if self.path is None or not cases:
            return
        with self.path.open("a" if self._begun else "w") as file:
            for source, line, offset, reason, text, count in cases:
                case = {"source": source, "line": line, "offset": offset, "reason": reason}
                file.write(json.dumps({**case, "text": text[:KEPT_TEXT], "count": count}) + "\n")
        self._begun = True

    @property
    def count(self) -> int:
        """How many cases there were."""
        return self.reasons.total()

    def sentence(self) -> str:
        """The sum in words, or an empty text when nothing was quarantined."""
        if not self.count:
            return ""
        reasons = ", ".join(f"{count:,} × {reason}" for reason, count in self.reasons.most_common())
        where = f" They are kept in '{self.path}'." if self.path and not _passing(self.path) else ""
        pieces = "1 piece" if self.count == 1 else f"{self.count:,} pieces"
        return f"{pieces} of input could not be read as it stands: {reasons}.{where}"


def _passing(path: Path) -> bool:
    """Whether a file goes with the scratch folder that it is in."""
    scratch = Path(tempfile.gettempdir())
    return path.is_relative_to(scratch) and path.relative_to(scratch).parts[0].startswith("logradar-")
