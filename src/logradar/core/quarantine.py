"""Quarantine: what could not be read as it stands, counted by reason and kept with its position.

Bad input never stops a long run silently and never disappears: each case is one JSON line
``{"source", "line", "offset", "reason", "text", "count"}`` in a file, and a sum at the end.
"""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

KEPT_TEXT = 2_000


@dataclass(frozen=True)
class Case:
    """A piece of bad input, or ``count`` equal ones of which this is the first."""

    source: str
    line: int | None
    offset: int | None
    reason: str
    text: str
    count: int


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
        self._take([Case(source, line, offset, reason, text, count)])

    def add_lines(self, source: str, reason: str, lines: Iterable[tuple[int, str]]) -> None:
        """Count many cases of one reason at once: (1-based line, text) each."""
        self._take([Case(source, line, None, reason, text, 1) for line, text in lines])

    def _take(self, cases: Sequence[Case]) -> None:
        """Count and write; all that is added comes through here."""
        for case in cases:
            self.reasons[case.reason] += case.count
        if self.path is None or not cases:
            return
        with self.path.open("a" if self._begun else "w") as file:
            for case in cases:
                file.write(json.dumps({**vars(case), "text": case.text[:KEPT_TEXT]}) + "\n")
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
