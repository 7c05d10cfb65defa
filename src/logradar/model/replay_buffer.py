"""Replay buffer: normal sequences that a bundle keeps, so that a later training does not forget them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Final, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from logradar.core.columns import HIGHEST_ID, Columns
from logradar.core.sequences import Sequences
from logradar.core.tables import PADDING, UNKNOWN

FILE: Final = "normal.parquet"
_EVENTS: Final = 4_000_000  # of all kept sequences together
_PROTOTYPES: Final = 2000  # most frequent count vectors that others are compared with
_REPEATS: Final = 0.9  # share of normal sessions that another one equals in its counts, so that counts mean something
_MISSING: Final = 1e-3  # of two prototypes as near, the one of which less is missing
Counts = Mapping[str, int]


class ReplayBuffer:
    """Distinct normal sequences with their counts: all that were learnt, or as many as the settings allow.

    Where there are more, half of the room is for the most frequent, half for others drawn by their hash.
    """

    def __init__(self, rows: Sequences) -> None:
        self.rows = rows

    @classmethod
    def of(cls, chunks: Iterable[Sequences], most: int) -> ReplayBuffer:
        """Keep ``most`` of the sequences in ``chunks`` (which may repeat, and have counts)."""
        kept = Sequences.from_lists([])
        for chunk in chunks:
            kept = kept.concat(chunk).distinct()
            if len(kept) > 4 * most:
                kept = _chosen(kept, most)
        return cls(_chosen(kept, most))

    def __len__(self) -> int:
        return len(self.rows)

    def holds_all(self, most: int) -> bool:
        """Whether nothing was left out for want of room, where there was room for ``most``."""
        return len(self) < most and len(self.rows.values) < _EVENTS - self.rows.lengths.max(initial=0)

    @property
    def repeats(self) -> bool:
        """Whether nearly every normal session has the same counts as another one."""
        total = self.rows.counts.sum()
        again = sum(count for count in self._vectors.values() if count > 1)
        return bool(total) and again >= _REPEATS * total

    @cached_property
    def _vectors(self) -> dict[bytes, int]:
        found: Counter[bytes] = Counter()
        for row, count in zip(self.rows, self.rows.counts.tolist(), strict=True):
            found[np.sort(row).tobytes()] += count
        return found

    @cached_property
    def _prototypes(self) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32], dict[str, int]]:
        """Ids of all templates, the most frequent count vectors over them, a row each, and the columns by name."""
        templates = np.unique(self.rows.values)
        common = [np.frombuffer(vector, np.int32) for vector, _ in Counter(self._vectors).most_common(_PROTOTYPES)]
        table = np.zeros((len(common), len(templates)), np.int32)
        for row, ids in enumerate(common):
            np.add.at(table[row], np.searchsorted(templates, ids), 1)
        return templates, table, {str(template): place for place, template in enumerate(templates.tolist())}

    @cached_property
    def _runs(self) -> frozenset[tuple[int, int]]:
        runs = np.unique(self.rows.closed().runs()[0])
        return frozenset(zip((runs >> 32).tolist(), (runs & 0xFFFFFFFF).tolist(), strict=True))

    def follows(self, before: str, event: str) -> bool:
        """Whether a normal session has ``event`` right after ``before``; the empty name is its start or end."""
        if before.startswith("?") or event.startswith("?"):
            return False
        return (int(before or PADDING), int(event or PADDING)) in self._runs

    def normal(self, counts: Counts) -> bool:
        """Whether a normal session has each event exactly that often."""
        if any(count < 0 or (count and event.startswith("?")) for event, count in counts.items()):
            return False
        counts = {event: count for event, count in counts.items() if count}
        ids = np.repeat([int(event) for event in counts], list(counts.values())).astype(np.int64)
        if len(ids) and ids.max() > np.iinfo(np.int32).max:
            return False
        return np.sort(ids.astype(np.int32)).tobytes() in self._vectors

    def added(self, counts: Counts) -> dict[str, int]:
        """How many more (or fewer) of each event there are than in the nearest normal session."""
        templates, common, known = self._prototypes
        here = np.zeros(len(templates), np.int64)
        for event, count in counts.items():
            if event in known:
                here[known[event]] = count
        if self.normal(counts) or not len(common):
            return {}
        apart = here - common
        best = int(np.argmin(np.abs(apart).sum(axis=1) + _MISSING * np.maximum(-apart, 0).sum(axis=1)))
        more = {str(templates[place]): int(apart[best, place]) for place in np.flatnonzero(apart[best])}
        return more | {event: count for event, count in counts.items() if event not in known}

    def save(self, folder: Path) -> None:
        """Write the sequences with their counts as Parquet."""
        offsets = cast(pa.Int64Array, pa.array(self.rows.offsets))
        lists = pa.LargeListArray.from_arrays(offsets, pa.array(self.rows.values, pa.int32()))
        pq.write_table(pa.table({"template_ids": lists, "count": self.rows.counts}), folder / FILE, compression="zstd")

    @classmethod
    def load(cls, folder: Path) -> ReplayBuffer | None:
        """What `save` wrote; None where a bundle keeps none. `ValueError` where it is damaged."""
        if not (folder / FILE).is_file():
            return None
        saved = Columns(folder / FILE).only("template_ids", "count")
        return cls(saved.sequences("template_ids", (UNKNOWN, HIGHEST_ID), "count"))


def _chosen(rows: Sequences, most: int) -> Sequences:
    order = np.argsort(-rows.counts, kind="stable")
    if len(rows) > most:
        frequent, others = order[: most // 2], order[most // 2 :]
        prints = rows.fingerprints()[others]
        order = np.concatenate([frequent, others[np.argsort(prints, kind="stable")[: most - len(frequent)]]])
    order = np.sort(order[np.cumsum(rows.lengths[order]) <= _EVENTS])
    kept = rows.take(order)
    return Sequences(kept.values, kept.offsets, rows.counts[order], kept.inverse)


def unseen(train: Iterable[Sequences], valid: Iterable[Sequences]) -> int:
    """How many sessions of ``valid`` have an event that ``train`` does not have."""
    known = np.unique(np.concatenate([np.empty(0, np.int32), *(np.unique(piece.values) for piece in train)]))
    return sum(int((piece.sums(~np.isin(piece.values, known)) > 0).sum()) for piece in valid)
