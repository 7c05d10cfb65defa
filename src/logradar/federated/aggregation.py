"""Aggregation: many updates become one."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from logradar.federated.settings import TrustSettings

Floats = npt.NDArray[np.float64]


def together(updates: Floats, weights: Floats, trust: TrustSettings) -> Floats:
    """One update (numbers,) of several (clients, numbers), whose clients learnt from ``weights`` sessions.

    The mean is that of FedAvg (McMahan et al., AISTATS 2017). `trimmed` is coordinate-wise (Yin et al., ICML 2018),
    `krum` the mean of those with the smallest sum of distances to their neighbours (multi-Krum; Blanchard et al.,
    NeurIPS 2017); both ignore the weights, which a hostile client could choose.
    """
    if trust.clip:
        lengths = np.linalg.norm(updates, axis=1)
        longest = trust.clip * np.median(lengths)
        updates = updates * np.minimum(1.0, longest / np.maximum(lengths, 1e-12))[:, None]
    suspects = min(int(np.ceil(trust.suspects * len(updates))), (len(updates) - 1) // 2)
    if trust.mode == "mean" or not suspects:
        whole: Floats = np.average(updates, axis=0, weights=weights)
        return whole
    if trust.mode == "trimmed":
        inner: Floats = np.sort(updates, axis=0)[suspects : len(updates) - suspects].mean(0)
        return inner
    apart = ((updates[:, None] - updates[None]) ** 2).sum(-1)
    near = max(len(updates) - suspects - 2, 1)
    doubt = np.sort(apart, axis=1)[:, 1 : near + 1].sum(1)
    chosen = np.sort(np.argsort(doubt, kind="stable")[: len(updates) - suspects])
    kept: Floats = updates[chosen].mean(0)
    return kept
