"""Rows of unequal length, such as whole sessions: a batch holds similar lengths, padded to its longest row."""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections.abc import Mapping
from itertools import pairwise
from typing import Final

import numpy as np

from logradar.core.sequences import Sequences
from logradar.core.tables import PADDING
from logradar.training.rows import Array, Batch, Ints, Rows

TOKENS: Final = 1 << 15  # values in a batch at most, with padding; a single row may be longer
_LIKE: Final = 8.0  # the default of ``like``


class RaggedRows(Rows):
    """Sequences as rows: row ``i`` is sequence ``i`` and counts as often as ``sequences.counts[i]`` says.

    ``beside[name]`` holds one more value for every value of the sequences. A batch has ``tokens`` and all of
    ``beside``, each of shape ``(rows, longest of these rows)`` with ``PADDING`` after the end of a row, and
    ``lengths`` and ``weights`` of shape ``(rows,)``. Its rows have similar lengths. It holds `batch_size` rows, or
    fewer when they would need more than ``tokens`` values. ``predictions[i]`` is the average number of losses that
    the objective gives for row ``i``; by default one for every value. No row of a batch is more than ``like`` times as
    long as another.

    >>> rows = RaggedRows(Sequences.from_lists([[3, 4, 5], [3], [4, 5]]))
    >>> [batch.tolist() for batch in rows.batches(2)], rows.weight
    ([[1, 2], [0]], 6.0)
    >>> rows.batch(np.array([1, 2]))["tokens"].tolist()
    [[3, 0], [4, 5]]
    """

    def __init__(
        self,
        sequences: Sequences,
        beside: Mapping[str, Array] | None = None,
        predictions: Array | None = None,
        tokens: int = TOKENS,
        like: float = _LIKE,
    ) -> None:
        super().__init__({"row": np.arange(len(sequences))}, sequences.counts)
        self.sequences, self.tokens, self.like = sequences, tokens, like
        self.values: dict[str, Array] = {"tokens": sequences.values, **(beside or {})}
        self.predictions: Array = sequences.lengths if predictions is None else predictions

    @property
    def weight(self) -> float:
        """Sum of the weights of all predictions that the rows ask for."""
        return float(self.weights.astype(np.float64) @ self.predictions[self.arrays["row"]])

    def batch(self, index: Ints) -> Batch:
        """The rows at ``index`` as matrices, with their ``lengths`` and ``weights``."""
        rows, offsets = self.arrays["row"][index], self.sequences.offsets
        arrays: Batch = {name: padded(values, offsets, rows) for name, values in self.values.items()}
        return {**arrays, "lengths": self.sequences.lengths[rows], "weights": self.weights[index]}

    def batches(self, size: int, seed: tuple[int, ...] | None = None) -> list[Ints]:
        """Batches that hold all rows once: shortest first or, with a seed, shuffled among rows of similar length.

        The number of batches does not depend on the seed. Lengths are mixed so that every batch is a sample of all
        rows: LogTCN and LogBERT learnt worse from batches of one length.
        """
        lengths = self.sequences.lengths[self.arrays["row"]]
        random = None if seed is None else np.random.default_rng(seed)
        keys = lengths if random is None else lengths * random.uniform(1, self.like, len(lengths))
        order = np.argsort(keys, kind="stable")
        # A key is at most ``like`` times the length of its rank, so no row of a batch is longer than that.
        longest = np.minimum(np.sort(lengths) * self.like, lengths.max(initial=0))
        bounds = _bounds(longest, size, self.tokens)
        batches = [order[start:stop] for start, stop in pairwise(bounds)]
        return batches if random is None else [batches[place] for place in random.permutation(len(batches))]

    def fingerprint(self) -> str:
        """A hash of the number of rows, their weight and up to 4,096 evenly spaced rows."""
        index = np.unique(np.linspace(0, len(self) - 1, 4096, dtype=np.int64))
        rows = self.arrays["row"][index]
        sha = hashlib.sha256(f"{len(self)} {self.weight!r}".encode() + self.weights[index].tobytes())
        sha.update(self.sequences.lengths[rows].tobytes())
        for name, values in sorted(self.values.items()):
            sha.update(name.encode())
            for row in rows.tolist():
                sha.update(values[self.sequences.offsets[row] : self.sequences.offsets[row + 1]].tobytes())
        return sha.hexdigest()

    def _repeated(self, parts: Ints) -> RaggedRows:
        rows = RaggedRows(self.sequences, self.values, self.predictions, self.tokens, self.like)
        rows.arrays = {"row": np.repeat(self.arrays["row"], parts)}
        rows.weights = np.repeat(self.weights / parts.astype(np.float32), parts)
        return rows


def padded(values: Array, offsets: Ints, rows: Ints, width: int | None = None) -> Array:
    """The given rows as a matrix with ``width`` columns (default: the longest row), filled with `PADDING`."""
    starts, lengths = offsets[:-1][rows], (offsets[1:] - offsets[:-1])[rows]
    column = np.arange(int(lengths.max(initial=0)) if width is None else width)
    inside = column < lengths[:, None]
    out = np.full(inside.shape, PADDING, values.dtype)
    out[inside] = values[(starts[:, None] + column)[inside]]
    return out


def _bounds(lengths: Ints, size: int, tokens: int) -> list[int]:
    """Where to cut rows, sorted by length, into batches that keep to ``size`` rows and ``tokens`` values."""
    bounds, longest = [0], lengths.tolist()
    while bounds[-1] < len(longest):
        first = bounds[-1]
        counts = range(1, min(size, len(longest) - first) + 1)
        fit = bisect_right(counts, tokens, key=lambda count: count * longest[first + count - 1])
        bounds.append(first + max(fit, 1))
    return bounds
