"""The rows that a network learns from: each has a weight, and batches are fetched by index."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Array = npt.NDArray[Any]
Batch = dict[str, Array]


class Rows:
    """Rows of equal shape: ``arrays[name][i]`` is one input of row ``i``, which counts ``weights[i]`` times.

    Logs repeat: of 99,980 windows of HDFS, 4,727 are distinct. With the counts as weights, the loss of the distinct
    windows equals the loss of all. Rows of unequal length are in `logradar.training.ragged.RaggedRows`.

    >>> rows = Rows({"target": np.array([3, 4])}, np.array([5, 1]))
    >>> len(rows), rows.weight, rows.batch(np.array([1]))["target"].tolist()
    (2, 6.0, [4])
    """

    def __init__(self, arrays: Mapping[str, Array], weights: npt.ArrayLike) -> None:
        self.arrays = dict(arrays)
        self.weights = np.asarray(weights, np.float32)

    def __len__(self) -> int:
        return len(self.weights)

    @property
    def weight(self) -> float:
        """Sum of the weights of all predictions that the rows ask for."""
        return float(self.weights.sum(dtype=np.float64))

    def batch(self, index: Ints) -> Batch:
        """The rows at ``index``: each array gathered once, and their ``weights``."""
        return {**{name: array[index] for name, array in self.arrays.items()}, "weights": self.weights[index]}

    def batches(self, size: int, seed: tuple[int, ...] | None = None) -> list[Ints]:
        """All rows once, in batches of ``size``: shuffled by ``seed``, or in order without one."""
        order = np.arange(len(self)) if seed is None else np.random.default_rng(seed).permutation(len(self))
        return [order[start : start + size] for start in range(0, len(order), size)]

    def even(self, mean: float | None = None) -> Rows:
        """The same rows with similar weights: a row with a large weight becomes several rows with smaller ones.

        Counts of windows are very skewed (1 to 3,595 on HDFS); one row with a large weight would dominate its batch.
        No weight is above ``mean`` (by default the mean weight of these rows), the sum of the weights does not
        change, and there are at most twice as many rows.
        """
        if not len(self):
            return self
        parts = np.maximum(np.ceil(self.weights / np.float32(mean or self.weights.mean())), 1).astype(np.int64)
        return self._repeated(parts)

    def _repeated(self, parts: Ints) -> Rows:
        """Row ``i`` as ``parts[i]`` rows that share its weight."""
        arrays = {name: np.repeat(array, parts, axis=0) for name, array in self.arrays.items()}
        return Rows(arrays, np.repeat(self.weights / parts, parts))

    def fingerprint(self) -> str:
        """A hash of the number of rows, their weight and up to 4,096 evenly spaced rows."""
        sha = hashlib.sha256(f"{len(self)} {self.weight!r}".encode())
        for name, array in sorted(self.batch(np.unique(np.linspace(0, len(self) - 1, 4096, dtype=np.int64))).items()):
            sha.update(name.encode() + np.ascontiguousarray(array).tobytes())
        return sha.hexdigest()
