"""Calibration: whether of sessions that are anomalous with a confidence of 0.8, eight of ten are."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
BINS: Final = 10


def calibration(labels: Bools, confidence: Floats) -> dict[str, Any]:
    """The calibration error of ``confidence`` (0 to 1), and what it was among ten ranges of equal width.

    ``error`` is the expected calibration error (Naeini et al., AAAI 2015): how far the mean confidence of a range is
    from the share of its sessions that are anomalous, averaged over all sessions; None without sessions. Ranges without
    sessions are left out.

    >>> round(calibration(np.array([False, True, True]), np.array([0.1, 0.8, 0.9]))["error"], 3)
    0.133
    """
    place = np.minimum((confidence * BINS).astype(np.int64), BINS - 1)
    count = np.bincount(place, minlength=BINS)
    said = np.bincount(place, confidence, BINS) / np.maximum(count, 1)
    true = np.bincount(place, labels, BINS) / np.maximum(count, 1)
    return {
        "error": float((np.abs(said - true) * count).sum() / len(labels)) if len(labels) else None,
        "ranges": [
            {"from": n / BINS, "sessions": int(count[n]), "confidence": float(said[n]), "anomalous": float(true[n])}
            for n in np.flatnonzero(count).tolist()
        ],
    }
