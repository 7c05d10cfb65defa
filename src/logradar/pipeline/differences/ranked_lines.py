"""Ranked lines: the lines of one run that most probably tell why it failed, with nothing normal beside it.

The score of a line grows with its telling words and its level, with how rare its template is, and with its place: late
in the log, and shortly before a mark of the builder that a step failed. The first and the last records of a kind count
more than those between. A line near a high one gets a part of its score, because an error is explained around it. What
stands behind the numbers was chosen on the four ``dev`` logs of LogDx (docs/studies.md).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from logradar.core.tables import ERROR, FATAL, WARN
from logradar.core.telling_words import MEDIUM, STRONG, weights
from logradar.pipeline.differences.kinds import Miner

Floats = npt.NDArray[np.float64]
MARGIN: Final = 200  # records before and after a batch that its scores depend on
LINES: Final = 8  # lines of a record that are shown at most
_BASE: Final = 0.3  # score of a line that tells nothing
_COMMON: Final = 0.4  # factor of a template with very many records
_EARLY: Final = 0.6  # factor at the beginning of the log
_REPEATED: Final = 0.35  # exponent by which further records of a kind count less
_REACH: Final = 25  # records before a failed step in which the influence of its mark falls to a third
_STEP: Final = 0.6  # added to a line at a failed step
_AROUND: Final = 4  # records around a line that get a part of its score
_AFTER: Final = 0.6
_BEFORE: Final = 0.48
_FARTHER: Final = 0.8  # factor for each further record
FAILED_STEP: Final = r"##\[error\]"
_CHUNK: Final = 16_384  # records that are scored together; what is scored does not depend on it


class RankedLines:
    """Keeps the ``most`` best lines of one run; batches come in order, of any size."""

    def __init__(self, miner: Miner, counts: dict[int, int], records: int, most: int) -> None:
        self._miner, self._records, self._most = miner, records, most
        size = max(counts, default=0) + 1
        self._total = np.zeros(size, np.int64)
        self._total[list(counts)] = list(counts.values())
        self._seen = np.zeros(size, np.int64)
        self._place = 0
        self._best = pl.DataFrame()

    def ranked(self, batches: Iterable[pl.DataFrame]) -> pl.DataFrame:
        """``record_id, template_id, score`` of records, best first: as many as make ``most`` lines."""
        waiting: deque[pl.DataFrame] = deque(maxlen=3)
        for chunk in _chunks(self._scored(batch) for batch in batches):
            waiting.append(chunk)
            if len(waiting) == 1:
                continue
            self._take(waiting[-3] if len(waiting) == 3 else None, waiting[-2], waiting[-1])
        if waiting:
            self._take(waiting[-2] if len(waiting) > 1 else None, waiting[-1], None)
        best = self._best
        if not len(best):
            return best
        kept = best.filter(pl.col("lines").cum_sum() <= self._most)
        return kept if len(kept) else best.head(1)

    def _scored(self, batch: pl.DataFrame) -> pl.DataFrame:
        """Each record with its own score but for the marks of failed steps."""
        first = batch["body"].str.split("\n").list.first()
        ids = self._miner.kinds_of(batch)["template_id"]
        numbers = ids.to_numpy()
        occurrence = pl.DataFrame({"t": ids}).select(pl.int_range(pl.len()).over("t")).to_series().to_numpy()
        occurrence = occurrence + self._seen[numbers]
        np.add.at(self._seen, numbers, 1)
        total = self._total[numbers]
        turn = np.minimum(occurrence, 2 * (total - 1 - occurrence) + 1)  # first, last, second, last but one
        rarity = _COMMON + (1 - _COMMON) / (1 + np.log2(np.maximum(total, 1)))
        place = (self._place + np.arange(len(batch))) / max(self._records - 1, 1)
        self._place += len(batch)
        tells = np.maximum(weights(first).to_numpy(), _of_level(batch["level"]))
        own = (tells + _BASE) * rarity * (_EARLY + (1 - _EARLY) * place) / (1 + turn) ** _REPEATED
        return pl.DataFrame(
            {
                "record_id": batch["record_id"],
                "template_id": ids,
                "lines": (batch["body"].str.count_matches("\n", literal=True) + 1)
                .clip(upper_bound=LINES)
                .cast(pl.Int64),
                "own": own,
                "rarity": rarity,
                "step": first.str.contains(FAILED_STEP),
            }
        )

    def _take(self, before: pl.DataFrame | None, chunk: pl.DataFrame, after: pl.DataFrame | None) -> None:
        sides = [before.tail(MARGIN) if before is not None else chunk.clear(), chunk]
        whole = pl.concat([*sides, after.head(MARGIN) if after is not None else chunk.clear()])
        # the scores of a margin are not complete, but what lies in reach of the chunk is
        score = _spread(_at_steps(whole), whole["step"].to_numpy())[len(sides[0]) : len(sides[0]) + len(chunk)]
        rows = chunk.select("record_id", "template_id", "lines", score=pl.Series(score))
        self._best = (
            pl.concat([self._best, rows]).sort(["score", "record_id"], descending=[True, False]).head(self._most)
        )


def _of_level(levels: pl.Series) -> Floats:
    weight = pl.when(levels >= FATAL).then(STRONG).when(levels >= ERROR).then(STRONG).when(levels >= WARN).then(MEDIUM)
    return pl.select(weight.otherwise(0.0)).to_series().to_numpy()


def _at_steps(rows: pl.DataFrame) -> Floats:
    """Own scores, higher shortly before the mark of a failed step."""
    count = len(rows)
    marks = np.flatnonzero(rows["step"].to_numpy())
    own, near = rows["own"].to_numpy(), np.zeros(count)
    if len(marks):
        following = np.searchsorted(marks, np.arange(count))
        there = following < len(marks)
        distance = np.where(there, marks[np.minimum(following, len(marks) - 1)] - np.arange(count), MARGIN)
        near = np.where((distance > 0) & (distance < MARGIN // 2), np.exp(-distance / _REACH), 0.0)
    result: Floats = own * (1 + near) + _STEP * near * rows["rarity"].to_numpy()
    return result


def _spread(own: Floats, marks: npt.NDArray[np.bool_]) -> Floats:
    """Each score, or the part of a higher one that is near; after ``marks`` of failed steps another step begins."""
    score, ahead = own.copy(), np.where(marks, 0, own)
    for distance in range(1, min(_AROUND, len(own) - 1) + 1):
        part = _FARTHER ** (distance - 1)
        score[distance:] = np.maximum(score[distance:], _AFTER * part * ahead[:-distance])
        score[:-distance] = np.maximum(score[:-distance], _BEFORE * part * own[distance:])
    return score


def _chunks(frames: Iterable[pl.DataFrame]) -> Iterator[pl.DataFrame]:
    """The same rows in frames of `_CHUNK` rows, the last one shorter."""
    waiting: list[pl.DataFrame] = []
    size = 0
    for frame in frames:
        waiting.append(frame)
        size += len(frame)
        if size >= _CHUNK:
            rows = pl.concat(waiting)
            whole = size - size % _CHUNK
            yield from rows.head(whole).iter_slices(_CHUNK)
            waiting, size = [rows.slice(whole)], size - whole
    if size:
        yield pl.concat(waiting)
