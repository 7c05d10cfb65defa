"""Random numbers that depend only on their keys: the same in any batch, process or resumed training."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]

_INCREMENT = np.uint64(0x9E3779B97F4A7C15)


def draws(index: Ints, *key: int) -> Ints:
    """A random 64-bit number for each of ``index`` (int64) under ``key`` (numbers from 0).

    Counter-based (the finaliser of SplitMix64; Steele et al., OOPSLA 2014): each number is computed on its own,
    so a resumed training does not repeat earlier draws.

    >>> bool((draws(np.array([7, 8]), 1, 2) == draws(np.array([8, 7]), 1, 2)[::-1]).all())
    True
    """
    start = np.random.SeedSequence(key).generate_state(1, np.uint64)
    z = start + index.astype(np.uint64) * _INCREMENT
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed: Ints = (z ^ (z >> np.uint64(31))).view(np.int64)
    return mixed
