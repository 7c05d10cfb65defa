"""Spells: rare events of training sessions, and events in a rare order, with the time in which they came."""

from __future__ import annotations

from typing import Final

import numpy as np
import pyarrow.compute as pc

from logradar.core.sequences import Ints, Sequences
from logradar.detectors.density import DensitySettings
from logradar.model.training_sessions import TrainingSessions

SHOWN: Final = 2  # rare events, or orders, of a kind


class Spells:
    """For every event, and every event right after another one, how many training sessions have it, and since when."""

    def __init__(self, sessions: TrainingSessions) -> None:
        self._sessions = sessions
        rows = sessions.rows
        start = sessions.table["start"]
        self._timed = not start.null_count
        at = start.cast("int64").to_numpy() if self._timed else np.zeros(len(sessions), np.int64)
        first = np.full(len(rows), np.iinfo(np.int64).max)
        last = np.full(len(rows), np.iinfo(np.int64).min)
        np.minimum.at(first, sessions.row_of, at)
        np.maximum.at(last, sessions.row_of, at)
        codes, row = _codes(rows)
        self._names, number = np.unique(codes, return_inverse=True)
        both = np.unique(number.astype(np.int64) * len(rows) + row)
        item, of = both // len(rows), both % len(rows)
        self._held = np.bincount(item, rows.counts[of], minlength=len(self._names)).astype(np.int64)
        self._first = np.full(len(self._names), np.iinfo(np.int64).max)
        self._last = np.full(len(self._names), np.iinfo(np.int64).min)
        np.minimum.at(self._first, item, first[of])
        np.maximum.at(self._last, item, last[of])

    def sentences(self, chosen: Ints, texts: dict[int, str]) -> list[str]:
        """What is rare about the ``chosen`` sessions of one kind: what the fewest sessions have, `SHOWN` at most."""
        rows = np.unique(self._sessions.row_of[chosen])
        worst = int(rows[np.argmax(self._sessions.suspicion[rows])])
        codes, _ = _codes(self._sessions.rows.part(worst, worst + 1))
        places = np.unique(np.searchsorted(self._names, codes))
        rare = places[self._held[places] < DensitySettings().share * len(self._sessions)]
        rare = rare[np.argsort(self._held[rare], kind="stable")][:SHOWN]
        return [self._sentence(int(place), texts) for place in rare]

    def _sentence(self, place: int, texts: dict[int, str]) -> str:
        code = int(self._names[place])
        before, event = code >> 32, code & 0xFFFFFFFF
        name = f"«{texts.get(event, '')}»" if event else "the end of the session"
        if before != _ALONE:
            name += f" right after «{texts.get(before, '')}»" if before else " as the first event"
        held = int(self._held[place])
        count = "1 session" if held == 1 else f"{held:,} sessions"
        if not self._timed:
            return f"{name} is in {count}"
        return f"{name} is in {count}, which began {_between(int(self._first[place]), int(self._last[place]))}"


_ALONE: Final = 0x7FFFFFFF  # in place of the event before: the event alone, wherever it is


def _codes(rows: Sequences) -> tuple[Ints, Ints]:
    """Events and runs of two (with start and end, which are 0) as numbers, and the row of each."""
    runs, row = rows.closed().runs()
    return np.concatenate([_ALONE << 32 | rows.values.astype(np.int64), runs]), np.concatenate([rows.rows, row])


def _between(first: int, last: int) -> str:
    begin, end = (pc.strftime(np.datetime64(moment, "us"), "%Y-%m-%d %H:%M").as_py() for moment in (first, last))
    if begin == end:
        return f"at {begin}"
    return f"from {begin} to {end[11:] if begin[:10] == end[:10] else end}"
