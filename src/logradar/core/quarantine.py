"""Quarantine: input that could not be read unchanged, counted by reason and stored with its position.

Bad input neither stops a run nor disappears: each case is one JSON line
``{"source", "line", "offset", "reason", "text", "count"}`` in a file, and the totals are reported at the end.
"""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

KEPT_TEXT = 2_000  # characters of bad input that are stored


@dataclass(frozen=True)
class Case:
    """A piece of bad input, or the first of ``count`` pieces with the same reason."""

    source: str
    line: int | None
    offset: int | None
    reason: str
    text: str
    count: int


class Quarantine:
    """Counts bad input; with ``path`` each case is also written to that file as one JSON line.

    A file of an earlier run is replaced when the first case is added.
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
        """Add one case, or ``count`` similar ones described by the first; ``text`` is shortened to 2,000 characters."""
        self._record([Case(source, line, offset, reason, text, count)])

    def add_lines(self, source: str, reason: str, lines: Iterable[tuple[int, str]]) -> None:
        """Add many cases with one reason; each is a pair of 1-based line number and text."""
        self._record([Case(source, line, None, reason, text, 1) for line, text in lines])

    def _record(self, cases: Sequence[Case]) -> None:
        """Count and write ``cases``; every way to add a case calls this method."""
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
        """Number of cases added so far."""
        return self.reasons.total()

    def sentence(self) -> str:
        """The totals as a sentence; empty when nothing was quarantined."""
        if not self.count:
            return ""
        reasons = ", ".join(f"{count:,} × {reason}" for reason, count in self.reasons.most_common())
        where = f" They are listed in '{self.path}'." if self.path and not _is_temporary(self.path) else ""
        pieces = "1 piece" if self.count == 1 else f"{self.count:,} pieces"
        return f"{pieces} of input could not be read unchanged: {reasons}.{where}"


def _is_temporary(path: Path) -> bool:
    """Whether a file is in a temporary folder of LogRadar, which is deleted at the end."""
    scratch = Path(tempfile.gettempdir())
    return path.is_relative_to(scratch) and path.relative_to(scratch).parts[0].startswith("logradar-")
