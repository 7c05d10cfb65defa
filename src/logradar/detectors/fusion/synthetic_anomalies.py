"""Synthetic anomalies: normal sessions with one change, so that detectors can be judged without labels."""

from __future__ import annotations

import numpy as np

from logradar.core.sequences import Sequences
from logradar.core.tables import UNKNOWN


def tampered(rows: Sequences, count: int, seed: int) -> Sequences:
    """About ``count`` sessions drawn from ``rows`` by their counts, each changed in one of five ways in turn.

    An event is left out, is repeated, changes places with the next one, or all events from it on are left out, or
    an unknown event is inserted. Where all rows have the same length (windows), the results have it as well: the event
    before or after replaces an event, or an unknown one does. Results that are equal to one of ``rows`` are left out.
    The order of rows does not matter.
    """
    if not len(rows):
        return Sequences.from_lists([])
    rng = np.random.default_rng(seed)
    order = np.argsort(rows.fingerprints(), kind="stable")
    weights = rows.counts[order] / rows.counts.sum()
    drawn = order[rng.choice(len(rows), count, p=weights)].tolist()
    spoil = _replaced if len(np.unique(rows.lengths)) == 1 else _spoilt
    made = [spoil(rows[row].tolist(), number % 5, rng) for number, row in enumerate(drawn)]
    changed = Sequences.from_lists([row for row in made if row])
    return changed.take(np.flatnonzero(~np.isin(changed.fingerprints(), rows.fingerprints())))


def _spoilt(row: list[int], way: int, rng: np.random.Generator) -> list[int]:
    """One session with one change; empty where nothing is left."""
    place = int(rng.integers(max(len(row), 1)))
    if way == 0:
        return row[:place] + row[place + 1 :]
    if way == 1:
        return row[: place + 1] + row[place:]
    if way == 2:
        return row[:place] + row[place : place + 2][::-1] + row[place + 2 :]
    if way == 3:
        return row[:place]
    return [*row[:place], UNKNOWN, *row[place:]]


def _replaced(row: list[int], way: int, rng: np.random.Generator) -> list[int]:
    """One session with one change and as many events as before."""
    place = int(rng.integers(max(len(row), 1)))
    before, after = row[max(place - 1, 0) : place], row[place + 1 : place + 2]
    if way == 2:
        return _spoilt(row, way, rng)
    instead = {0: after, 1: before}.get(way) or [UNKNOWN]
    return [*row[:place], *instead, *row[place + 1 :]]
