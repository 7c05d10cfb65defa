"""Changes: the kinds that are new, gone, more or less in a bad run, ranked, and one number for the whole run.

The score of a new kind is its urgency (level and words) times the share of such new kinds that chance does not explain;
of the others less, by how sure and how large the change is. Of new kinds with equal scores the one whose words are
farthest from those of the good runs comes first. The unusualness of a run is the sum over its changes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from logradar.detectors.text.nearest_text import NearestText
from logradar.pipeline.differences.counts import Compared, compared
from logradar.pipeline.differences.table import ERRORS, WARNINGS, KindTable
from logradar.pipeline.differences.verdict import Group, group

NEW, GONE, MORE, LESS = "new", "gone", "more", "less"
RATE: Final = 0.05  # false discovery rate up to which a kind is more or less
TIMES: Final = 2.0  # as many, or as few, at least
_FLOOR: Final = 0.1  # share of a score that stays where chance explains all
_WEIGHT: Final = {MORE: 0.5, LESS: 0.25, GONE: 0.25}
_LARGE: Final = 3.0  # doublings from which on a change counts in full


@dataclass(frozen=True)
class Change:
    """A kind (row of the `KindTable`) that differs: ``what`` it is, its score, and the ``q`` of its counts."""

    kind: int
    what: str
    score: float
    expected: float
    q: float


@dataclass(frozen=True)
class Changes:
    """All changes, highest score first; how the runs compare; the groups by which new kinds are judged."""

    ranked: list[Change]
    compared: Compared
    groups: list[Group]
    cut_off: int

    @property
    def unusualness(self) -> float:
        """One number for the bad run: the sum of the scores."""
        return sum(change.score for change in self.ranked)


def changes(table: KindTable, ends: frozenset[int]) -> Changes:
    """The changes of a bad run; ``ends`` are the ids of the last records of its files, which may be cut off."""
    good, bad = table.good, table.bad
    result = compared(good, bad)
    new = (bad > 0) & ~(good > 0).any(axis=1)
    gone = (bad == 0) & (good > 0).all(axis=1)
    cut = np.array(list(_cut_off(table, np.flatnonzero(new), ends)), np.int64)
    new[cut] = False
    both = (bad > 0) & (good > 0).any(axis=1) & (result.q <= RATE)
    more, less = both & (result.ratio >= TIMES), both & (result.ratio <= 1 / TIMES)
    errors, warnings = table.urgency >= ERRORS, table.urgency >= WARNINGS
    sides = [
        _group(name, table, new, chosen, result.scale)
        for name, chosen in (("errors", errors), ("warnings", warnings & ~errors), ("others", ~warnings))
    ]
    score = np.zeros(len(bad))
    for one, chosen in zip(sides, (errors, warnings & ~errors, ~warnings), strict=True):
        real = max(1 - one.expected / max(one.new, 1), _FLOOR)
        score[new & chosen] = (table.urgency * real)[new & chosen]
    size = np.minimum(np.abs(np.log2(result.ratio)) / _LARGE, 1) * (1 - result.q) * table.urgency
    for what, chosen in ((MORE, more), (LESS, less), (GONE, gone)):
        score[chosen] = _WEIGHT[what] * size[chosen]
    named = np.select([new, gone, more, less], [NEW, GONE, MORE, LESS], "")
    first = np.where(bad > 0, table.first[:, -1], np.iinfo(np.int64).max)
    order = np.lexsort((np.arange(len(bad)), first, bad, -_alien(table, new), -score))
    ranked = [
        Change(int(kind), str(named[kind]), float(score[kind]), float(result.expected[kind]), float(result.q[kind]))
        for kind in order
        if named[kind]
    ]
    judged = [
        _group("errors", table, new, errors, result.scale),
        _group("warnings or errors", table, new, warnings, result.scale),
    ]
    return Changes(ranked, result, judged, len(cut))


def _alien(table: KindTable, new: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
    """How far each new kind is from the nearest kind of the good runs, by its words; 0 for all others."""
    texts = table.kinds["template"]
    distance = np.zeros(len(texts))
    nearest = NearestText(texts.filter(pl.Series((table.good > 0).any(axis=1))).to_list())
    distance[new] = nearest.distances(texts.filter(pl.Series(new)).to_list())
    return distance


def _group(
    name: str, table: KindTable, new: npt.NDArray[np.bool_], chosen: npt.NDArray[np.bool_], scale: float
) -> Group:
    """New kinds of some urgency, and what chance gives: by the kinds that are in one good run alone.

    A bad run that is ``scale`` times as long as a good one has as many times more chances.
    """
    seen = table.good > 0
    alone = (seen.sum(axis=1) == 1) & (table.bad == 0)
    known = float(seen[chosen].sum()) / seen.shape[1] * max(scale, 1.0)
    return group(name, int((new & chosen).sum()), known, int(alone.sum()), int(seen.sum()))


def _cut_off(table: KindTable, new: npt.NDArray[np.intp], ends: frozenset[int]) -> Iterator[int]:
    """New kinds that are the end of a file and the beginning of a known line."""
    known = [
        text for text, count in zip(table.kinds["template"], table.good.sum(axis=1).tolist(), strict=True) if count
    ]
    for kind in new.tolist():
        if table.bad[kind] == 1 and int(table.first[kind, -1]) in ends:
            beginning = str(table.kinds["template"][kind]).rpartition(" ")[0]
            if beginning and any(text.startswith(beginning) for text in known):
                yield kind
