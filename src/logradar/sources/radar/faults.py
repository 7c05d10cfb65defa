"""What is wrong with day files: counted by reason, with the first examples and their places."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Final

from logradar.core.quarantine import Quarantine
from logradar.sources.radar import columns, decode, grammar, walk
from logradar.sources.radar.columns import KEYS, UNKNOWN_KEY

KEPT: Final = 5  # examples per reason
SHOWN: Final = 200  # characters of an example's text in a report
LISTED_CASES: Final = 1_000  # cases per reason and file that the quarantine is told one by one

_LOST: Final = {
    grammar.SYNTAX: "session that is not valid JSON",
    grammar.CONTROL: "session with a control character inside a string",
    grammar.ENCODING: "session with bytes that are not UTF-8",
    grammar.DEEP: f"session nested deeper than {grammar.DEPTH}",
    grammar.TYPE: "session with a wrong type",
    grammar.BIG: "session with an integer that does not fit",
    decode.TWICE: "session with a key twice",
    decode.MISSING: "session without a needed key",
    walk.CUT: "session that is cut off by the end of the file",
    walk.HUGE: "session that is larger than the limit",
    walk.ENDLESS: "session that does not end before another begins",
    walk.ELEMENT: "element of the array that is no object",
    walk.BETWEEN: "unexpected text between sessions",
    walk.COMMA: "comma between sessions missing or too many",
    walk.BEHIND: "text behind the end of the array",
    walk.HEAD: "no array of sessions at the beginning of the file",
    walk.OPEN: "array that is not closed, the file may be cut",
}
_HARMLESS: Final = {walk.COMMA}
_NOTED: Final = {
    columns.NOTE_EXTRA: "session with a key that is not known, ignored",
    columns.NOTE_TOKENS: "session whose token_ids are not its padded event_sequence",
    columns.NOTE_MASK: "session whose attention_mask does not fit its event_sequence",
    columns.NOTE_LENGTHS: "session whose token_ids and attention_mask differ in length",
    columns.NOTE_LOGS: "session with another number of original_logs than of events",
    columns.NOTE_SURROGATE: "session with half of a surrogate pair in its text, replaced",
}


def lost(status: int, key: int) -> str:
    """The reason why a piece of a file was lost, in words."""
    return _LOST[status] + (f": {KEYS[key]}" if key != UNKNOWN_KEY else "")


def noted(note: int) -> str:
    """What is unusual about a session that was kept, in words."""
    return _NOTED.get(note) or f"session without {KEYS[note]}"


@dataclass(frozen=True)
class Example:
    """One case: the byte (of the unpacked file) where the object begins, the byte that does not fit, its text."""

    source: str
    offset: int
    place: int
    text: str


@dataclass
class Fault:
    """All cases of one reason; ``kept`` says whether the sessions are in the tables all the same."""

    kept: bool
    count: int = 0
    examples: list[Example] = field(default_factory=list)

    def add(self, count: int, examples: list[Example]) -> None:
        """Count cases, and keep their examples while there are few."""
        self.count += count
        self.examples += examples[: KEPT - len(self.examples)]


class Faults:
    """The faults of one file or, merged, of many; cases also go to a quarantine if there is one."""

    def __init__(self, source: str = "", quarantine: Quarantine | None = None) -> None:
        self.source, self.quarantine = source, quarantine
        self.reasons: dict[str, Fault] = {}

    def add_lost(self, status: int, key: int, example: Example) -> None:
        """A piece of the file that cannot be used, at once told to the quarantine."""
        fault = self._fault(lost(status, key), status in _HARMLESS)
        fault.add(1, [example])
        if self.quarantine is not None and fault.count <= LISTED_CASES and not fault.kept:
            self.quarantine.add(self.source, lost(status, key), offset=example.offset, text=example.text)

    def add_noted(self, note: int, count: int, examples: list[Example]) -> None:
        """Sessions that are kept though something about them is unusual."""
        self._fault(noted(note), True).add(count, examples)

    def close(self) -> None:
        """The file is read: tell the quarantine the sums of what it has not been told yet."""
        if self.quarantine is None:
            return
        for reason, fault in self.reasons.items():
            untold = fault.count if fault.kept else fault.count - LISTED_CASES
            if untold > 0:
                first = fault.examples[0]
                self.quarantine.add(self.source, reason, offset=first.offset, text=first.text, count=untold)

    def merge(self, other: Faults) -> None:
        """Take over what another file had."""
        for reason, fault in other.reasons.items():
            self._fault(reason, fault.kept).add(fault.count, fault.examples)

    def _fault(self, reason: str, kept: bool) -> Fault:
        return self.reasons.setdefault(reason, Fault(kept))

    def report(self) -> list[dict[str, Any]]:
        """JSON-ready, most frequent first."""
        return [
            {
                "reason": reason,
                "count": fault.count,
                "kept": fault.kept,
                "examples": [{**asdict(example), "text": example.text[:SHOWN]} for example in fault.examples],
            }
            for reason, fault in sorted(self.reasons.items(), key=lambda item: -item[1].count)
        ]

    @property
    def lost(self) -> int:
        """How many pieces could not be used."""
        return sum(fault.count for fault in self.reasons.values() if not fault.kept)
