"""Nearest text: how far the words of a text are from those of the nearest known text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from logradar.detectors.text.normaliser import NormaliserSettings, normalised

Floats = npt.NDArray[np.float64]
_SETTINGS: Final = NormaliserSettings()
_CHUNK: Final = 256  # texts that are compared together
_LONGEST: Final = 2000  # characters of a text that are read


class NearestText:
    """Compares texts with known ones by the cosine of their words.

    A word weighs the more the fewer known texts have it, 1 + ln((1 + n) / (1 + its texts)) (Salton and Buckley,
    Information Processing & Management 24(5), 1988), and the most where none has it. Values that are masked count as
    one word.

    >>> nearest = NearestText(["open file <*>", "close file <*>"])
    >>> nearest.distances(["close file <PATH>", "open door <*>", "disk is full"]).round(2).tolist()
    [0.0, 0.45, 1.0]
    """

    def __init__(self, known: Sequence[str]) -> None:
        words = list(dict.fromkeys(_words(text) for text in known))
        found = Counter(word for row in words for word in set(row))
        self._places = {word: place for place, word in enumerate(found)}
        texts = np.array([*found.values(), 0], np.float64)
        self._weights: Floats = 1 + np.log((1 + len(words)) / (1 + texts))
        self._known = self._rows(words)[0].T.tocsr()

    def distances(self, texts: Sequence[str]) -> Floats:
        """From 0, the same words as a known text, to 1, no word in common; shape (texts,)."""
        result = np.ones(len(texts))
        if not self._known.shape[1]:
            return result
        for start in range(0, len(texts), _CHUNK):
            rows, empty = self._rows([_words(text) for text in texts[start : start + _CHUNK]])
            nearest = (rows @ self._known).max(axis=1).toarray().ravel()
            result[start : start + _CHUNK] = np.where(empty, 0.0, np.maximum(1 - nearest, 0.0))
        result[result < 1e-9] = 0.0  # rounding
        return result

    def _rows(self, texts: Sequence[tuple[str, ...]]) -> tuple[csr_array, npt.NDArray[np.bool_]]:
        """Unit vectors of weighted words, without the words that no known text has; and which have no words."""
        unknown = len(self._places)
        columns: list[int] = []
        values: list[float] = []
        ends = [0]
        for words in texts:
            counts = Counter(words)
            places = [self._places.get(word, unknown) for word in counts]
            row = self._weights[places] * np.array(list(counts.values()), np.float64)
            row /= max(float(np.linalg.norm(row)), 1e-300)
            kept = [index for index, place in enumerate(places) if place < unknown]
            columns += [places[index] for index in kept]
            values += row[kept].tolist()
            ends.append(len(columns))
        shape = (len(texts), max(unknown, 1))
        rows = csr_array((np.array(values), np.array(columns, np.int32), np.array(ends, np.int32)), shape=shape)
        return rows, np.array([not words for words in texts], bool)


def _words(text: str) -> tuple[str, ...]:
    return tuple(normalised(text[:_LONGEST], _SETTINGS).split())
