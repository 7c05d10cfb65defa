"""Code search: functions whose names, messages and calls are like a text (BM25); a guess, never a link.

Robertson and Zaragoza, The Probabilistic Relevance Framework: BM25 and Beyond, 2009, with k1 = 1.2 and b = 0.75. Where
sentence embeddings are at hand (``meanings``), both rankings are joined by reciprocal ranks (Cormack et al., 2009).
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Callable
from typing import Final

import numpy as np
import numpy.typing as npt

from logradar.retrieval.code_index import CodeIndex
from logradar.retrieval.patterns import HOLES

_K1, _B = 1.2, 0.75
_JOINED: Final = 60  # the constant of reciprocal ranks
_WORD: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[^\W\d_A-Za-z]+")
_MOST: Final = 400  # words of one function
_STOP: Final = frozenset(
    [
        "the",
        "a",
        "an",
        "of",
        "to",
        "in",
        "for",
        "is",
        "at",
        "on",
        "and",
        "or",
        "not",
        "with",
        "by",
        "from",
        "this",
        "that",
        "it",
        "self",
    ]
)
Meanings = Callable[[list[str]], npt.NDArray[np.float32]]


def terms(text: str) -> list[str]:
    """The words of a text in lower case; compound names are divided.

    >>> terms("readBlock of DFS_client")
    ['read', 'block', 'dfs', 'client']
    """
    found = (word.lower() for word in _WORD.findall(text))
    return [word for word in found if len(word) > 1 and word not in _STOP][:_MOST]


class CodeSearch:
    """The functions of an index by their words. ``meanings`` gives a unit vector for each text (n, d), or is None."""

    def __init__(self, index: CodeIndex, meanings: Meanings | None = None) -> None:
        texts: dict[int, list[str]] = defaultdict(list)
        for number, one in enumerate(index.functions):
            if one["kind"] == "function":
                texts[number].append(one["name"])
        for table, column in (("statements", "pattern"), ("calls", "name")):
            rows = index.tables[table].select(["function", column])
            for number, text in zip(rows["function"].to_pylist(), rows[column].to_pylist(), strict=True):
                if number in texts:
                    texts[number].append(HOLES.sub(" ", text))
        self._numbers = list(texts)
        self.texts = {number: " ".join(parts)[:4_000] for number, parts in texts.items()}
        self._meanings = meanings
        self._counts = [Counter(terms(text)) for text in self.texts.values()]
        self._lengths = np.array([sum(count.values()) for count in self._counts], np.float64)
        self._listed: dict[str, list[int]] = defaultdict(list)
        for place, count in enumerate(self._counts):
            for word in count:
                self._listed[word].append(place)
        self._vectors: npt.NDArray[np.float32] | None = None

    def search(self, text: str, most: int = 5) -> list[tuple[int, float]]:
        """The rows of FUNCTIONS that are most like a text, each with a score; the best first."""
        scores = self._by_words(text)
        order = [place for place in np.argsort(-scores, kind="stable")[: 10 * most].tolist() if scores[place] > 0]
        if self._meanings is not None and self._numbers:
            joined: dict[int, float] = defaultdict(float)
            for ranking in (order, self._by_meaning(text, 10 * most)):
                for rank, place in enumerate(ranking):
                    joined[place] += 1 / (_JOINED + rank)
            best = sorted(joined, key=lambda place: (-joined[place], place))[:most]
            return [(self._numbers[place], joined[place]) for place in best]
        return [(self._numbers[place], float(scores[place])) for place in order[:most]]

    def _by_words(self, text: str) -> npt.NDArray[np.float64]:
        scores = np.zeros(len(self._numbers))
        mean = self._lengths.mean() if len(self._lengths) else 1.0
        for word in dict.fromkeys(terms(text)):
            places = self._listed.get(word, [])
            weight = math.log(1 + (len(self._numbers) - len(places) + 0.5) / (len(places) + 0.5))
            for place in places:
                count = self._counts[place][word]
                norm = _K1 * (1 - _B + _B * self._lengths[place] / (mean or 1.0))
                scores[place] += weight * count * (_K1 + 1) / (count + norm)
        return scores

    def _by_meaning(self, text: str, most: int) -> list[int]:
        assert self._meanings is not None
        if self._vectors is None:
            self._vectors = self._meanings(list(self.texts.values()))
        near = self._vectors @ self._meanings([text])[0]
        found: list[int] = np.argsort(-near, kind="stable")[:most].tolist()
        return found
