"""Own cut: members of an ensemble that look at values report alone, within a small budget of their own.

Their scores of normal sessions are never quite 0: among a thousand sessions some number or delay is a little unusual.
In one harmonic mean with members that see new events this noise would raise the cut for all of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from logradar.core.tail import Tail, fit_tail
from logradar.detectors.base import Floats
from logradar.detectors.fusion.p_values import EmpiricalPValues

_PART: Final = 1 / 30  # of the false alarms that all members together may have
_FARTHEST: Final = 0.1  # of one validation session: how far a fitted tail is believed beyond the scores
_HIGHEST: Final = 6.0


@dataclass(frozen=True)
class OwnCut:
    """The fitted ``tail`` of a member's scores of normal sessions, and the ``share`` that may be above its cut."""

    tail: Tail
    share: float

    @classmethod
    def of(cls, scale: EmpiricalPValues, rate: float) -> OwnCut | None:
        """From the scores of validation sessions; None where they are too few to fit a tail.

        ``rate`` is that of the ensemble. Where a thirtieth of it is less than a tenth of a validation session, the
        share is that tenth: nobody knows the tail farther out.
        """
        scores = np.repeat(scale.scores, scale.sessions)
        tail = fit_tail(scores)
        if tail is None:
            return None
        return cls(tail, min(max(rate * _PART, _FARTHEST / len(scores)), tail.share))

    def margin(self, scores: Floats) -> Floats:
        """How many times rarer than the share each score is, as log10; above 0 it is worth an alert, 6 at most."""
        with np.errstate(divide="ignore"):
            rarer = np.log10(self.share) - np.log10(self.tail.share_above(scores))
        margin: Floats = np.where(scores > self.tail.start, np.minimum(rarer, _HIGHEST), -_HIGHEST)
        return margin
