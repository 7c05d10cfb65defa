"""Score cache: logs repeat, so the score of a sequence that came before is looked up, not computed again.

It serves small batches, as they come from a stream; in a large batch the detectors score distinct sequences once
anyway. A session's score does not depend on its batch, so a remembered score is the same to the last bit.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from logradar.core.sequences import Sequences
from logradar.core.session_view import TEMPLATE_IDS
from logradar.core.tables import SCORES
from logradar.detectors.base import Detector

SMALL: Final = 256  # sessions of a batch up to which the cache is used
_EVENTS: Final = 1_000_000  # events of remembered sequences; beyond that all are forgotten
_Known = tuple[float, npt.NDArray[np.float32]]


class ScoreCache:
    """SCORES that ``detector`` gives by its method ``score``, remembered by sequence and service.

    Only detectors that read nothing but template ids are remembered; others score every session.
    """

    def __init__(self, detector: Detector, score: Callable[[pa.Table], pa.Table]) -> None:
        self._score = score
        self._remembers = detector.inputs == TEMPLATE_IDS
        self._known: dict[tuple[bytes, str | None], _Known] = {}
        self._events = 0

    def score(self, sessions: pa.Table) -> pa.Table:
        """SCORES of SESSIONS, in the same order."""
        if not self._remembers or len(sessions) > SMALL:
            return self._score(sessions)
        services = sessions["service"].to_pylist()
        sequences = Sequences.from_arrow(sessions["template_ids"])
        keys = [(row.tobytes(), service) for row, service in zip(sequences, services, strict=True)]
        new = {key: row for row, key in enumerate(keys) if key not in self._known}
        if new:
            rows = list(new.values())
            self._remember(list(new), self._score(sessions.take(pa.array(rows))))
        known = [self._known[key] for key in keys]
        if self._events > _EVENTS:
            self._known, self._events = {}, 0
        offsets = pa.array(sequences.offsets.astype(np.int32))
        events = pa.array(np.concatenate([np.empty(0, np.float32), *(found[1] for found in known)]))
        columns = [sessions["session_id"], pa.array([found[0] for found in known], pa.float64())]
        return pa.table([*columns, pa.ListArray.from_arrays(offsets, events)], schema=SCORES)

    def _remember(self, keys: list[tuple[bytes, str | None]], scores: pa.Table) -> None:
        lists = scores["event_scores"].combine_chunks()
        bounds, flat = lists.offsets.to_numpy(), lists.values.to_numpy()
        for row, (key, score) in enumerate(zip(keys, scores["score"].to_pylist(), strict=True)):
            self._known[key] = score, flat[bounds[row] : bounds[row + 1]].copy()
            self._events += int(bounds[row + 1] - bounds[row]) + 16
