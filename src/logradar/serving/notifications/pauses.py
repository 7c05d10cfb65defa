"""Pauses: how long a receiver is left alone after a failure.

Exponential backoff with full jitter, or what the receiver asks for by Retry-After.

Source: https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/.
"""

from __future__ import annotations

import random
import time
from typing import Final

from logradar.alerting.endpoint import Reply

_LONGEST_ASKED: Final = 3_600.0  # seconds
_DOUBLED: Final = 16  # times at most


class Pauses:
    """Seconds: at random up to ``first``, doubled with every failure up to ``longest``."""

    def __init__(self, first: float, longest: float) -> None:
        self._first, self._longest = first, longest
        self._failures = 0  # one after the other
        self._until = 0.0

    @property
    def left(self) -> float:
        """Seconds for which the receiver is still left alone; 0: none."""
        return max(0.0, self._until - time.monotonic())

    def failed(self, reply: Reply, attempts: int = 0) -> float:
        """Leave the receiver alone; in how many seconds a document that failed ``attempts`` times is due again."""
        asked = None if reply.wait is None else min(reply.wait, _LONGEST_ASKED)
        wait = self._jitter(self._failures) if asked is None else asked
        self._failures += 1
        self._until = time.monotonic() + wait
        return max(wait, self._jitter(attempts))

    def worked(self) -> None:
        """The receiver accepted something."""
        self._failures, self._until = 0, 0.0

    def _jitter(self, failures: int) -> float:
        return random.uniform(0, min(self._first * 2 ** min(failures, _DOUBLED), self._longest))
