"""Patterns: the constant parts of a message with holes for what varies, matched against log lines in linear time."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

ANY: Final = "\x00"  # a hole for any text
NUMBER: Final = "\x01"  # a hole for a number
HOLES: Final = re.compile("[\x00\x01]")
_WORD: Final = re.compile(r"[^\W\d_]{2,}")
_PART: Final = re.compile(r"[^\W\d_][^\W\d_A-Z]+|[A-Z]+(?![a-z])")
_SWALLOWED: Final = 2  # words more than a pattern has, which are little
_LITTLE: Final = frozenset(
    [
        "a",
        "an",
        "and",
        "as",
        "at",
        "be",
        "by",
        "for",
        "from",
        "has",
        "in",
        "is",
        "it",
        "not",
        "of",
        "on",
        "or",
        "that",
        "the",
        "this",
        "to",
        "was",
        "with",
    ]
)
_NUMBER: Final = re.compile(r"[-+]?[0-9][0-9,._eE+-]*|[-+]?(?:nan|inf|NaN|Infinity)")
_SPACE: Final = re.compile(r"\s+")
_CONTROL: Final = re.compile("[\x00-\x08\x0b-\x1f]")
LONGEST: Final = 2_000  # characters of a line or pattern that are compared


def normal(text: str) -> str:
    """A text as it is compared: white space as single blanks, none at the ends."""
    return _SPACE.sub(" ", text).strip()


def cleaned(text: str) -> str:
    """A piece of source code without the characters that mark holes."""
    return _CONTROL.sub("", text)


def tidy(pattern: str) -> str:
    """A pattern as it is compared: its first line, holes that touch are one, white space is single blanks.

    >>> tidy("took  \\x00\\x01 ms \\n and more") == "took \\x00 ms"
    True
    """
    first = next((line for line in pattern[:LONGEST].split("\n") if line.strip()), "")
    text = _SPACE.sub(" ", first).strip()
    return re.sub("\x00[\x00\x01]+|\x01[\x00\x01]+", ANY, text)


def readable_pattern(pattern: str) -> str:
    """A pattern as people read it, with ``<*>`` for each hole."""
    return HOLES.sub("<*>", pattern)


@lru_cache(maxsize=1 << 16)
def static_words(pattern: str) -> tuple[str, ...]:
    """The words of the constant parts that are whole: no hole touches them."""
    found: list[str] = []
    for match in _WORD.finditer(pattern):
        before, after = pattern[match.start() - 1 : match.start()], pattern[match.end() : match.end() + 1]
        if not HOLES.match(before) and not HOLES.match(after):
            found.append(match[0])
    return tuple(found)


@lru_cache(maxsize=1 << 16)
def static_count(pattern: str) -> int:
    """How many telling words the constant parts have; a compound such as ``maxTries`` counts as its parts.

    Words such as ``in`` tell nothing: ``finished <*> in <*>`` matches most sentences that begin with ``finished``.

    >>> static_count("maxTries = \\x00"), static_count("done"), static_count("finished \\x00 in \\x00")
    (2, 1, 1)
    """
    return sum(len(_PART.findall(word)) for word in static_words(pattern) if word.lower() not in _LITTLE)


def telling_words(pattern: str, line: str) -> int:
    """How many words speak for it that a pattern, which matches it, wrote a line.

    Little words count as well where the holes hold little: ``serving a for b`` is ``serving <*> for <*>``.
    """
    few = len(line.split()) <= len(pattern.split()) + _SWALLOWED
    return max(static_count(pattern), len(static_words(pattern)) if few else 0)


def words_of(line: str) -> set[str]:
    """The words of a line, among which every word of `static_words` of a pattern that matches it is."""
    return set(_WORD.findall(line))


def static_size(pattern: str) -> int:
    """Characters of the constant parts, without blanks."""
    return len(HOLES.sub("", pattern).replace(" ", ""))


def matches(pattern: str, line: str) -> bool:
    """Whether the whole ``line`` is the pattern with something in each hole; both are `tidy` or `normal`.

    The parts are looked for from left to right, each at its first place, which is exact where holes take any text.

    >>> matches("took \\x01 ms for \\x00", "took 12 ms for a b"), matches("took \\x01 ms", "took a ms")
    (True, False)
    """
    parts = _parts(pattern)
    if len(parts) == 1:
        return parts[0][0] == line
    first, last = parts[0][0], parts[-1][0]
    if not line.startswith(first) or not line.endswith(last) or len(line) < len(first) + len(last):
        return False
    place, end = len(first), len(line) - len(last)
    for text, kind in parts[1:-1]:
        found = line.find(text, place, end)
        if found < 0 or (kind == NUMBER and not _numeric(line[place:found])):
            return False
        place = found + len(text)
    return parts[-1][1] != NUMBER or _numeric(line[place:end])


@lru_cache(maxsize=1 << 16)
def _parts(pattern: str) -> tuple[tuple[str, str], ...]:
    """The constant parts, each with the kind of the hole before it (the first one has none)."""
    texts, kinds = HOLES.split(pattern), ["", *HOLES.findall(pattern)]
    return tuple(zip(texts, kinds, strict=True))


def _numeric(text: str) -> bool:
    return _NUMBER.fullmatch(text.strip()) is not None
