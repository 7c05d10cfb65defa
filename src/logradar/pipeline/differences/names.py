"""Names: words that stand for the same thing in another run, such as hosts, users and ids of clusters.

Two templates are one message under another name where they differ only in words that some run does not have at all,
and each of these pairs of words is a name: it looks like an id, or it is part of a path or an address and takes the
place of the other word in several templates. Words that tell of a failure are never names.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import Final

import polars as pl

from logradar.core.telling_words import weights

SEVERAL: Final = 3  # templates in which a word takes the place of another
_WORD: Final = re.compile(r"<[A-Z*]+>|[A-Za-z0-9_.$%-]+")
_MASK: Final = re.compile(r"<[A-Z*]+>")
_NAMED: Final = re.compile(r"(?<=[/@])[A-Za-z0-9_.$%-]+|[A-Za-z0-9_.$%-]+(?=[/@])")
_LONG: Final = 16  # characters from which on two words of one length may be random
_HOLE: Final = "\x00"

Runs = frozenset[int]
Pair = tuple[str, str]


def renamed(templates: Mapping[int, str], runs: Mapping[int, Runs]) -> dict[int, int]:
    """Templates that are the same as another one under another name, with the id of that one.

    ``runs`` says in which runs each template is. Templates that are all in the same runs stay what they are.
    """
    everywhere: Runs = frozenset().union(*runs.values())
    if len(everywhere) < 2:
        return {}
    where: dict[str, set[int]] = defaultdict(set)
    for number, seen in runs.items():
        for word in _WORD.findall(templates[number]):
            where[word] |= seen
    partial = {word for word, seen in where.items() if seen != everywhere and not _MASK.fullmatch(word)}
    groups: dict[str, list[int]] = defaultdict(list)
    for number in sorted(runs, key=lambda one: (-len(runs[one]), templates[one])):
        text = templates[number]
        shape = _WORD.sub(lambda found: _HOLE if found[0] in partial or _MASK.fullmatch(found[0]) else found[0], text)
        if shape.count(_HOLE):
            groups[shape].append(number)
    candidates = [
        (other, group[0], pairs)
        for group in groups.values()
        if len({runs[number] for number in group}) > 1
        for other in group[1:]
        if (pairs := _pairs(templates[group[0]], templates[other])) is not None
    ]
    votes = Counter(pair for _, _, pairs in candidates for pair in set(pairs))
    paths = {word for number in runs for word in _NAMED.findall(templates[number])}
    telling = _telling({word for pair in votes for word in pair})
    names = {pair for pair, count in votes.items() if _is_name(pair, count, where, paths, telling)}
    return {other: first for other, first, pairs in candidates if names.issuperset(pairs)}


def _pairs(one: str, other: str) -> list[Pair] | None:
    words, others = _WORD.findall(one), _WORD.findall(other)
    if len(words) != len(others):
        return None
    return [(left, right) for left, right in zip(words, others, strict=True) if left != right]


def _is_name(pair: Pair, count: int, where: Mapping[str, set[int]], paths: set[str], telling: set[str]) -> bool:
    if telling.intersection(pair):
        return False
    masks = [_MASK.fullmatch(word) is not None for word in pair]
    words = [word for word, is_mask in zip(pair, masks, strict=True) if not is_mask]
    if all(map(_like_id, words)):
        return True
    if any(masks) or count < SEVERAL or where[pair[0]] & where[pair[1]]:
        return False
    alike = len(set(map(len, words))) == 1 and len(words[0]) >= _LONG  # of two random ids one may have no digit
    return all(word in paths or _like_id(word) for word in words) or (alike and any(map(_like_id, words)))


def _like_id(word: str) -> bool:
    return any(letter.isdigit() for letter in word)


def _telling(words: set[str]) -> set[str]:
    listed = sorted(words)
    found = weights(pl.Series(listed, dtype=pl.String))
    return {word for word, weight in zip(listed, found.to_list(), strict=True) if weight}
