"""Self-test: made-up sessions that a bundle alerts after its training, and must still alert whenever it is loaded.

No bound on single numbers tells a detector that works from one that was disarmed: a cut of 2.5 is right for one log and
silences another. So a training writes down what its detector says of plain faults, and loading asks it again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from logradar.core.columns import HIGHEST_ID, Columns
from logradar.core.sequences import Sequences
from logradar.core.tables import PADDING, SESSIONS, UNKNOWN, conform
from logradar.detectors.base import Detector

FILE: Final = "self-test.parquet"
_NORMAL: Final = 8  # normal sessions that faults are made of
_LONGEST: Final = 128  # events of each of them
_ROOM: Final = 1 << 16  # events of all made-up sessions
_ROOM_OF_NETWORKS: Final = 1 << 11  # which are slower
_CLEAR: Final = 0.01  # share of a score by which it must be above the threshold to be kept
_LEFT: Final = 0.5  # share of that distance that must be left; rounding of other processors takes far less
_PAUSE: Final = 1e7  # seconds
Ids = npt.NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class SelfTest:
    """Made-up ``sessions`` as SESSIONS, and how far above the threshold each was; 0 where it was not alerted."""

    sessions: pa.Table
    margins: npt.NDArray[np.float64]

    @classmethod
    def of(cls, detector: Detector, threshold: float, normal: Sequences | None) -> SelfTest:
        """Of a detector that was just trained; ``normal`` are distinct normal sequences, as many as are kept."""
        sessions = _faults(normal, detector)
        scores = detector.score(sessions)["score"].to_numpy()
        margins = scores - threshold
        margins = np.where(margins > _CLEAR * np.maximum(np.abs(scores), 1.0), margins, 0.0)
        rows = np.flatnonzero((margins > 0) | sessions["service"].is_valid().to_numpy())
        return cls(sessions.take(pa.array(rows)), margins[rows])

    @property
    def alerted(self) -> int:
        """How many of the sessions were alerted."""
        return int((self.margins > 0).sum())

    def silent(self, detector: Detector, threshold: float) -> int:
        """How many of the sessions are not alerted any more, or hardly.

        `ValueError` where the detector judges a service in another way that it did not do so when it was trained.
        """
        if other := set(detector.services) - set(self.sessions["service"].to_pylist()):
            raise ValueError(f"its training says nothing of service '{min(other)}'")
        if not len(self.margins):
            return 0
        left = detector.score(self.sessions)["score"].to_numpy() - threshold
        return int((~(left >= _LEFT * self.margins) & (self.margins > 0)).sum())

    def save(self, folder: Path) -> None:
        """Write the sessions and their margins as Parquet."""
        table = self.sessions.select(["template_ids", "gaps", "service"])
        table = table.set_column(2, "service", table["service"].cast(pa.string()).fill_null(""))
        pq.write_table(table.append_column("margin", pa.array(self.margins)), folder / FILE, compression="zstd")

    @classmethod
    def load(cls, folder: Path) -> SelfTest | None:
        """What `save` wrote; None in a bundle from before there were self-tests. `ValueError` where it is damaged."""
        if not (folder / FILE).is_file():
            return None
        saved = Columns(folder / FILE, ["service"]).only("template_ids", "gaps", "service", "margin")
        events, gaps = saved.sequences("template_ids", (UNKNOWN, HIGHEST_ID)), saved.seconds("gaps")
        if len(gaps) != len(events.values):
            raise ValueError(f"{FILE} has {len(events.values)} events, and {len(gaps)} gaps")
        services = [name or None for name in saved.texts("service").to_pylist()]
        return cls(_table(list(events), gaps, services), saved.numbers("margin", np.float64, (0, None)))


def _faults(normal: Sequences | None, detector: Detector) -> pa.Table:
    """Made-up faults as SESSIONS: unknown events, missing and repeated ones, another order, endless pauses."""
    kinds = [detector, *detector.members.values()]
    room = _ROOM_OF_NETWORKS if any(hasattr(kind.settings, "training") for kind in kinds) else _ROOM
    events, pauses = [], []
    for row, pause in _made_up(normal):
        room -= len(row)
        if room >= 0:
            events.append(row)
            pauses.append(pause)
    services: list[str | None] = [None] * len(events)
    for name in detector.services:  # a surprise counts less in some
        events, pauses, services = [*events, *events[:2]], [*pauses, *pauses[:2]], [*services, name, name]
    gaps = np.repeat(np.array(pauses, np.float32), [len(row) for row in events])
    return _table(events, gaps, services)


def _made_up(normal: Sequences | None) -> Iterator[tuple[Ids, float]]:
    """Events, and the pause before each of them in seconds; the shorter ones first."""
    for length in (1, 4, 16):
        yield np.full(length, UNKNOWN, np.int32), 0.0
    if normal is None:
        return
    usable = np.flatnonzero((normal.lengths > 0) & (normal.lengths <= _LONGEST))
    chosen = usable[np.linspace(0, len(usable) - 1, min(_NORMAL, len(usable))).astype(np.int64)]
    rows = [row[row != PADDING] for row in map(normal.__getitem__, chosen.tolist())]
    for row in rows:
        middle = len(row) // 2
        yield np.append(row, np.int32(UNKNOWN)), 0.0
        yield row, _PAUSE
        yield from ((part, 0.0) for part in _others(row[:middle], row[middle:], row[::-1], np.delete(row, middle)))
    longest = int(normal.lengths.max(initial=1))
    for row in rows:
        yield np.tile(row, 5), 0.0
    for row in rows[:2]:
        yield np.tile(row, -(-4 * longest // len(row))), 0.0


def _others(*parts: Ids) -> Iterable[Ids]:
    return (np.ascontiguousarray(part) for part in parts if len(part))


def _table(events: list[Ids], gaps: npt.NDArray[np.float32], services: list[str | None]) -> pa.Table:
    offsets = np.concatenate([[0], np.cumsum([len(row) for row in events])]).astype(np.int32)

    def lists(values: npt.NDArray[Any]) -> pa.ListArray:
        return pa.ListArray.from_arrays(pa.array(offsets), pa.array(values))

    columns = {
        "session_id": [str(row) for row in range(len(events))],
        "service": pa.array(services, pa.string()),
        "record_ids": lists(np.arange(int(offsets[-1]))),
        "template_ids": lists(np.concatenate([np.empty(0, np.int32), *events])),
        "gaps": lists(gaps),
    }
    return conform(pa.table(columns), SESSIONS)
