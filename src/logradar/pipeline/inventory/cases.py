"""The cases of a quarantine: by reason, with the first few of each."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from logradar.core.quarantine import Case, Quarantine

KEPT: Final = 5  # examples per reason
SURVIVED: Final = (", removed", ", replaced", ", kept as text")  # what is said of a line that is still read
SHOWN: Final = 200  # characters of an example


class Guarded(Quarantine):
    """A quarantine that several threads fill at once."""

    def __init__(self, path: Path | None = None) -> None:
        super().__init__(path)
        self._one = threading.Lock()

    def _record(self, cases: Sequence[Case]) -> None:
        with self._one:
            super()._record(cases)


def kinds_of(reasons: Mapping[str, int], path: Path, names: Mapping[str, str]) -> list[dict[str, Any]]:
    """Reasons with count and examples out of the quarantine file, most frequent first.

    ``names`` says what a source is called where not by its path.
    """
    examples: dict[str, list[dict[str, Any]]] = {reason: [] for reason in reasons}
    wanted = dict.fromkeys(reasons, KEPT)
    if path.is_file():
        with path.open() as file:
            for line in file:
                if not wanted:
                    break
                case = json.loads(line)
                reason = case["reason"]
                if reason in wanted:
                    place = {"source": names.get(case["source"], case["source"])}
                    place |= {"line": case["line"], "offset": case["offset"], "text": case["text"][:SHOWN]}
                    examples[reason].append(place)
                    wanted[reason] -= 1
                    if not wanted[reason]:
                        del wanted[reason]
    kinds = [
        {"reason": reason, "count": count, "kept": reason.endswith(SURVIVED), "examples": examples[reason]}
        for reason, count in reasons.items()
    ]
    return in_order(kinds)


def in_order(kinds: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """What was lost before what was kept, most frequent first."""
    return sorted(kinds, key=lambda kind: (kind["kept"], -kind["count"], kind["reason"]))
