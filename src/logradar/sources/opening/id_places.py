r"""Places of ids: where in the lines of a log tokens are that behave like session ids, whatever they are called.

A place is what surrounds a token: the word and the marks before it (``rid:``, ``audit(``), or the marks alone
(``]: ``), and the mark after it. A token at a place behaves like a session id if it comes again in other lines, soon,
and then no more, and if there are many of them. Queue ids of mail servers, ``[a1b2c3d4]``, ``rid:01HZ…`` and the serial
numbers of audit logs do; times, addresses, users, threads and sizes do not.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import polars as pl

UUID: Final = r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"
LINES: Final = 4_000  # of all files together
WIDTH: Final = 400  # characters of a line
TRIED: Final = 16  # places that are looked at closely
SHORTEST: Final = 4  # characters of an id
ENOUGH: Final = 0.4  # share of lines
DISTINCT: Final = 8
_TOKEN: Final = re.compile(r"[A-Za-z0-9]+(?:(?:[-._]|(?<=[0-9]):(?=[0-9]))[A-Za-z0-9]+)*")
_BEFORE: Final = re.compile(r"([A-Za-z][A-Za-z_]*)?([^A-Za-z0-9]{0,4})$")
_NO_ID: Final = re.compile(
    r"[0-9]{1,2}:[0-9]{2}.*|[0-9]{4}[-:.][0-9]{1,2}[-:.][0-9]{1,2}\b.*|(?:19|20)[0-9]{6}(?:[-T:].*)?"  # times, dates
    r"|[0-9]{1,3}(?:\.[0-9]{1,3}){3}(?::[0-9]+)?|[0-9]*\.[0-9]*|1[0-9]{9}|1[0-9]{12}|1[0-9]{15}|1[0-9]{18}"
    r"|[^0-9]*|[0-9]+(?:ms|us|ns|s|m|h|[kKMGT]i?[bB]?|[bB])|[vV]?[0-9]+(?:\.[0-9]+)+"
)
_HEX: Final = re.compile(r"[0-9a-f]+|[0-9A-F]+")
_CLASSES: Final = ((re.compile(UUID), UUID), (re.compile(r"[0-9]+"), r"[0-9]+"))


class IdPlace(NamedTuple):
    """A place of ids: a description with an example, and a regex whose first group is the id."""

    what: str
    regex: str


def places(samples: Sequence[pl.Series]) -> Iterator[IdPlace]:
    """The places in the first lines of files whose tokens may be session ids, most frequent first."""
    found: dict[tuple[str, str], dict[int, str]] = defaultdict(dict)  # place: line, first token
    number = 0
    for sample in samples:
        for text in sample.head(LINES // len(samples) + 100).to_list():
            number += 1
            for place, token in _tokens(text[:WIDTH]):
                found[place].setdefault(number, token)
    frequent = sorted(found.items(), key=lambda item: (-len(item[1]), item[0]))
    tried = 0
    for (before, after), tokens in frequent:
        if len(tokens) < ENOUGH * number or tried >= TRIED:
            return
        counts = Counter(tokens.values())
        again = sum(count for count in counts.values() if count > 1)
        if len(counts) < DISTINCT or again < ENOUGH * len(tokens):
            continue
        tried += 1
        yield _described(before, after, list(tokens.values()))


def _tokens(text: str) -> Iterator[tuple[tuple[str, str], str]]:
    """The tokens of a line that may be ids, each at its place, with and without the word before it."""
    for match in _TOKEN.finditer(text):
        token = match[0]
        if len(token) < SHORTEST or len(token) > 64 or _NO_ID.fullmatch(token):
            continue
        after = text[match.end() : match.end() + 1]
        left = _BEFORE.search(text, max(0, match.start() - 40), match.start())
        word, marks = (left[1] or "", left[2]) if left else ("", "")
        if not word and not marks:
            yield ("^", after), token
            continue
        if marks:
            yield (marks, after), token
        if word:
            yield (word + marks, after), token


def _described(before: str, after: str, tokens: list[str]) -> IdPlace:
    start = "^" if before == "^" else _escaped(before)
    if before[:1].isalpha():
        start = rf"\b{start}"
    end = _escaped(after) if after else "$"
    value = _value(tokens)
    marks = f"before '{after}' " if after.strip() else ""
    where = "at the beginning of the line" if before == "^" else f"after '{before}'"
    return IdPlace(f"the id {marks}{where}, such as '{tokens[len(tokens) // 2]}'", f"{start}({value}){end}")


def _escaped(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9_ :=,;/\x22'<>@%&!-]", lambda mark: "\\t" if mark[0] == "\t" else "\\" + mark[0], text)


def _value(tokens: list[str]) -> str:
    """A regex for these tokens: as narrow as their letters, and their length if it is always the same."""
    for known, regex in _CLASSES:
        if all(known.fullmatch(token) for token in tokens):
            return regex
    if sum(_HEX.fullmatch(token) is not None for token in tokens) >= 0.95 * len(tokens):
        sizes = [len(token) for token in tokens if _HEX.fullmatch(token)]
        return f"[0-9a-fA-F]{{{min(sizes)}}}" if len(set(sizes)) == 1 else f"[0-9a-fA-F]{{{min(sizes)},{max(sizes)}}}"
    parts = [re.split(r"([-._:])", token) for token in tokens]
    if len({tuple(part[1::2]) for part in parts}) == 1 and (len(parts[0]) > 1 or len({len(t) for t in tokens}) == 1):
        return "".join(map(_part, zip(*parts, strict=True)))
    return r"[A-Za-z0-9_.:-]*[0-9][A-Za-z0-9_.:-]*[A-Za-z0-9]"


def _part(texts: tuple[str, ...]) -> str:
    """A regex for one part of all ids, or for the mark between two."""
    if not texts[0].isalnum():
        return "\\" + texts[0]
    sizes = {len(text) for text in texts}
    return f"[A-Za-z0-9]{{{min(sizes)}}}" if len(sizes) == 1 else "[A-Za-z0-9]+"


def in_order(keys: pl.Series) -> bool:
    """Whether all keys are numbers that never fall, as counters and clocks do."""
    numbers = keys.cast(pl.Int64, strict=False)
    return not numbers.null_count() and bool((numbers.diff().drop_nulls() >= 0).all())
