"""The cases of a quarantine by reason, with the first few examples of each."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from logradar.core.quarantine import Case, Quarantine

KEPT: Final = 5  # examples per reason
SURVIVED: Final = (", removed", ", replaced", ", kept as text")  # ends of the reasons of lines that are still read
SHOWN: Final = 200  # characters of an example


class Guarded(Quarantine):
    """A quarantine to which several threads write at once."""

    def __init__(self, path: Path | None = None) -> None:
        super().__init__(path)
        self._lock = threading.Lock()

    def _record(self, cases: Sequence[Case]) -> None:
        with self._lock:
            super()._record(cases)


def kinds_of(reasons: Mapping[str, int], path: Path, names: Mapping[str, str]) -> list[dict[str, Any]]:
    """Reasons with their counts and with examples from the quarantine file, most frequent first.

    ``reasons`` are the counts, ``names`` the names of sources that are not called by their path.
    """
    examples: dict[str, list[dict[str, Any]]] = {reason: [] for reason in reasons}
    missing = dict.fromkeys(reasons, KEPT)
    if path.is_file():
        with path.open(encoding="utf-8") as file:
            for line in file:
                if not missing:
                    break
                case = json.loads(line)
                reason = case["reason"]
                if reason in missing:
                    example = {"source": names.get(case["source"], case["source"])}
                    example |= {"line": case["line"], "offset": case["offset"], "text": case["text"][:SHOWN]}
                    examples[reason].append(example)
                    missing[reason] -= 1
                    if not missing[reason]:
                        del missing[reason]
    kinds = [
        {"reason": reason, "count": count, "kept": reason.endswith(SURVIVED), "examples": examples[reason]}
        for reason, count in reasons.items()
    ]
    return in_order(kinds)


def in_order(kinds: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Kinds of lost input before kinds of input that was kept, most frequent first."""
    return sorted(kinds, key=lambda kind: (kind["kept"], -kind["count"], kind["reason"]))
