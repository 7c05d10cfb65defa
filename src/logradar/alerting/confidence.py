"""Confidence: how sure it is that a session with a given score is anomalous, as a number from 0 to 1."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from logradar.core.tail import Tail, fit_tail

Floats = npt.NDArray[np.float64]
_FARTHEST: Final = 0.1  # of one validation session: how rare a score is believed to be among normal sessions
UNKNOWN_CONFIDENCE: Final = 0.5  # without validation sessions nobody knows


@dataclass(frozen=True)
class Confidence:
    """A rising map from scores to the probability that a session is anomalous.

    ``normal`` are the scores of normal validation sessions, rising; ``tail`` is the distribution of the highest ones,
    None where none can be fitted. ``prior`` is the share of sessions that are anomalous before any score is known.

    Bayes' rule for a session that scores at least as high as this one: ``prior / (prior + (1 - prior) * share)``,
    where ``share`` is the share of normal sessions that score so high, and an anomalous session is taken to do so
    always. The share is counted among the validation scores, above the start of the tail read from the tail, and never
    taken to be less than that of a tenth of one validation session: few validation sessions leave doubt.
    """

    normal: Floats
    tail: Tail | None
    prior: float

    @classmethod
    def fit(cls, scores: Floats, prior: float) -> Confidence:
        """From the validation scores of normal sessions (any order) and the share of anomalous sessions, 0 to 1."""
        return cls(np.sort(scores), fit_tail(scores), prior)

    def of(self, scores: Floats) -> Floats:
        """The confidence of each score; 0.5 where there are no validation sessions, and for a score that is NaN."""
        count = len(self.normal)
        if not count:
            return np.full(len(scores), UNKNOWN_CONFIDENCE)
        above = count - np.searchsorted(self.normal, scores, side="left")
        share = (above + 1.0) / (count + 1.0)
        if self.tail is not None:
            share = np.where(
                scores > self.tail.start, self.tail.share_above(scores), np.maximum(share, self.tail.share)
            )
        share = np.clip(share, _FARTHEST / count, 1.0)
        found: Floats = self.prior / (self.prior + (1.0 - self.prior) * share)
        return np.where(np.isnan(scores), UNKNOWN_CONFIDENCE, found)
