"""Statement search: which statements of an index may have written a line, the likeliest first.

Each pattern is listed under its rarest word that no hole touches. A line that the pattern matches contains that word,
so the statements listed under the words of a line are all that are to be compared with it.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import Final

from logradar.retrieval.code_index import CodeIndex
from logradar.retrieval.patterns import LONGEST, matches, normal, static_size, static_words, telling_words, words_of

_MOST: Final = 3_000  # statements that one line is compared with
_LEVEL: Final = (
    r"(?:TRACE|DEBUG|VERBOSE|SILLY|INFO|NOTICE|LOG|WARN|WARNING|FIXME|ERROR|SEVERE|CRITICAL|ALERT|FATAL|PANIC)"
)
_CONTEXT: Final = re.compile(  # [x], (x), <x>, name=value, name:, a dash, a level and its component, a time, an address
    r"(?:\[[^\[\]]{0,200}\]|\([^()]{0,120}\)|<[^<>]{0,120}>|[\w.-]{1,60}=(?:\"[^\"]{0,200}\"|\S{1,200})|"
    r"[\w.$/@-]{1,120}:(?:[0-9]{1,7}:?)?(?= )|[-|>*]+(?= )|"
    r"[0-9]{1,7} (?:silly|verbose|http|timing|info|notice|warn|error)(?= )|"
    r"[0-9]{1,4}[0-9:./,TZ+-]{0,40}(?= )|0x[0-9a-fA-F]{1,16}(?= )|"
    rf"{_LEVEL}(?= [\w.$-]{{1,60}}(?P<component> ))|(?:[\w.$-]{{1,60}} )?{_LEVEL}(?=[ :])|"
    r"[\w.$/-]{1,120}:[0-9]{1,7}:[\w.$~-]{1,120}:)[ ,:]*"
)
_MESSAGE: Final = re.compile(  # among pairs alone: in a sentence it may be what somebody else said
    r"(?:[\w.-]{1,60}=(?:\"(?:[^\"\\]|\\.)*\"|[^\s\"]*) +)*"
    r"(?:msg|message|event)=(?:\"(?P<quoted>(?:[^\"\\]|\\.)*)\"|(?P<bare>[^\s\"]+))(?: +[\w.-]{1,60}=|$)"
)
_ESCAPED: Final = re.compile(r"\\(.)")
_PLACE_AT_END: Final = re.compile(r" [\[(][\w./\\$-]{1,120}\.\w{1,5}:[0-9]{1,7}[\])]$")
_FIELDS_AT_END: Final = re.compile(
    r"(?: [A-Za-z_][\w.-]{0,60}=(?:\"[^\"]{0,200}\"|[^\s\"=]{0,200})){1,20}$| \{\".{0,1000}\}$"
)
_MOST_CONTEXT: Final = 8


@dataclass(frozen=True)
class Candidate:
    """A statement that matches a line: its row in STATEMENTS; ``size`` are constant characters, ``words`` words.

    ``context``: characters before the message that were taken for context ([id=7]).
    """

    row: int
    size: int
    words: int
    context: int


class StatementSearch:
    """The statements of an index by their rarest words."""

    def __init__(self, index: CodeIndex) -> None:
        self.patterns: list[str] = index.tables["statements"]["pattern"].to_pylist()
        words = [static_words(pattern) for pattern in self.patterns]
        counts = Counter(word for some in words for word in set(some))
        self._listed: dict[str, list[int]] = defaultdict(list)
        for row, some in enumerate(words):
            if some:
                self._listed[min(some, key=lambda word: (counts[word], word))].append(row)

    def candidates(self, body: str) -> list[Candidate]:
        """The statements that match the first line of a message, those with most constant characters first."""
        line = normal(body.lstrip("\n").partition("\n")[0][:LONGEST])
        if not line:
            return []
        listed = sorted((self._listed[word] for word in words_of(line) if word in self._listed), key=_rarest_first)
        rows = [row for some in listed for row in some][:_MOST]
        found = []
        forms = _forms(line)
        for row in rows:
            pattern = self.patterns[row]
            for place, form in forms:
                if matches(pattern, form):
                    found.append(Candidate(row, static_size(pattern), telling_words(pattern, form), place))
                    break
        return sorted(found, key=lambda one: (-one.size, one.context, one.row))


def _rarest_first(rows: list[int]) -> tuple[int, int]:
    return len(rows), rows[0]


def _forms(line: str) -> list[tuple[int, str]]:
    """The line, what is left of it when context before the message is taken away step by step, and its ``msg=``."""
    line = _PLACE_AT_END.sub("", line) or line
    forms = [(0, line)]
    place = 0
    for _ in range(_MOST_CONTEXT):
        found = _CONTEXT.match(line, place)
        if found is None or found.end() >= len(line):
            break
        place = found.end()
        forms.append((place, line[place:]))
        if found["component"]:
            place = found.end("component")
            forms.append((place, line[place:]))
    fields = _FIELDS_AT_END.search(line)
    if fields:  # of structured loggers, behind the message
        forms += [(at + 1, form[: len(form) - len(fields[0])]) for at, form in forms if len(form) > len(fields[0])]
    pair = _MESSAGE.match(line)
    if pair:
        text = pair["bare"] or _ESCAPED.sub(r"\1", pair["quoted"] or "")
        forms.append((max(1, pair.start(1), pair.start(2)), text))
    return forms
