"""Examples: the different masked lines of each cluster of Drain, which the refinement of templates works on.

They are kept while templates are learnt. Where a cluster has very many, its most varied place is closed: from then on
any word there is written as ``<*>``, so memory is bounded and every line that was learnt from still has its example.
What is kept depends on the order of the lines alone, not on how they are divided into batches.
"""

from __future__ import annotations

from collections.abc import Iterator
from operator import itemgetter
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl

from logradar.core.columns import HIGHEST_ID, Columns
from logradar.core.columns import MOST as HIGHEST
from logradar.core.kernels import kernel
from logradar.parsing.drain import WILDCARD_TEXT, Drain
from logradar.parsing.interning import Ids, grown
from logradar.parsing.lists import outside_lists
from logradar.parsing.words import in_list

EXAMPLES: Final = "examples.parquet"
CLOSED: Final = "closed-places.parquet"
MOST: Final = 256  # examples of a cluster, if it is one of the first
LEAST: Final = 32  # of one behind very many others
_FIRST: Final = 200  # clusters that may have `MOST` examples; those behind them have fewer, in proportion
_BYTES: Final = 256 << 10  # characters of the examples of a cluster
_NONE: Final = -1
_COLUMNS = pl.Schema({"cluster": pl.Int32, "line": pl.String, "first": pl.Int64, "count": pl.Int64})
_CLOSED_COLUMNS = pl.Schema({"cluster": pl.Int32, "length": pl.Int32, "place": pl.Int32})


class Examples:
    """Examples of the lines of a `Drain`, by cluster: when each came first, and how often it came."""

    def __init__(self, drain: Drain) -> None:
        self._drain = drain
        self._rows: dict[int, dict[str, list[int]]] = {}
        self._closed: dict[int, dict[int, set[int]]] = {}  # by cluster and length
        self._seen = 0
        self._clear()

    def _clear(self) -> None:
        self._cluster = np.full(1 << 10, _NONE, np.int32)  # per line of the drain's cache: its cluster
        self._waiting = np.zeros(1 << 10, np.int64)  # per line: how often it came since it was noted

    def add(self, lines: Ids, clusters: Ids) -> None:
        """Note lines (ids of the drain's cache) in order, each with the cluster that it joined."""
        count = len(self._drain.lines)
        known = len(self._cluster)
        self._cluster, self._waiting = grown(self._cluster, count), grown(self._waiting, count)
        self._cluster[known:] = _NONE
        events = np.empty((len(lines), 4), np.int64)
        done = _note(lines, clusters, self._cluster, self._waiting, events)
        if not done:
            return
        events = events[:done]
        texts = self._drain.spaced(self._drain.lines.take(events[:, 0])).to_series()
        for text, (_, cluster, earlier, waiting) in zip(texts, events.tolist(), strict=True):
            if waiting:
                self._row(text, earlier)[1] += waiting
            self._row(text, cluster)
        if len(self._rows) > 2 * (self._drain.settings.max_clusters or len(self._rows)):
            self._remove_evicted()

    def forget(self) -> None:
        """The cache of the drain is about to be cleared: write down what waits."""
        ids = np.flatnonzero(self._waiting[: len(self._drain.lines)])
        texts = self._drain.spaced(self._drain.lines.take(ids)).to_series()
        for text, cluster, waiting in zip(texts, self._cluster[ids].tolist(), self._waiting[ids].tolist(), strict=True):
            self._row(text, cluster)[1] += waiting
        self._clear()

    def _row(self, text: str, cluster: int, room: bool = False) -> list[int]:
        """First time and count of the example of a line; a new one is added, after making ``room`` if need be."""
        rows = self._rows.setdefault(cluster, {})
        words = text.split()
        closed = self._closed.get(cluster)
        if closed is not None:
            words = _without_lists(words)
            for place in closed.get(len(words), ()):
                words[place] = WILDCARD_TEXT
        text = " ".join(words)
        row = rows.get(text)
        if row is None:
            most = max(min(LEAST, MOST), min(MOST, MOST * _FIRST // cluster))
            if not room and (len(rows) >= most or (len(rows) > 1 and len(rows) * len(text) > _BYTES)):
                self._close_places(cluster)
                return self._row(text, cluster, room=True)
            row = rows[text] = [self._seen, 0]
            self._seen += 1
        return row

    def _close_places(self, cluster: int) -> None:
        """Close the most varied places of a cluster until half of its examples are left; lists are written once."""
        closed = self._closed.setdefault(cluster, {})
        groups: dict[int, list[tuple[list[str], int, int]]] = {}
        for line, (first, count) in self._rows[cluster].items():
            words = _without_lists(line.split())
            groups.setdefault(len(words), []).append((words, first, count))
        merged = {length: _merged(group) for length, group in groups.items()}
        target = max(len(self._rows[cluster]) // 2, 1)
        while sum(map(len, merged.values())) > target:
            length = max(merged, key=lambda length: (len(merged[length]), length))
            group = [(line.split(), first, count) for line, (first, count) in merged[length].items()]
            if len(group) == 1:
                break
            variants = [len(set(column)) for column in zip(*(words for words, _, _ in group), strict=True)]
            place = variants.index(max(variants))
            closed.setdefault(length, set()).add(place)
            for words, _, _ in group:
                words[place] = WILDCARD_TEXT
            merged[length] = _merged(group)
        self._rows[cluster] = {line: row for rows in merged.values() for line, row in rows.items()}

    def _remove_evicted(self) -> None:
        alive = set(self._drain.tree.alive["number"].tolist())
        for cluster in self._rows.keys() - alive:
            del self._rows[cluster]
            self._closed.pop(cluster, None)

    def table(self) -> pl.DataFrame:
        """``cluster, line, first, count`` of all examples of clusters that were not removed, in order of ``first``."""
        self.forget()
        self._remove_evicted()
        return pl.DataFrame(sorted(self._all(), key=itemgetter(2, 0)), _COLUMNS, orient="row")

    def _all(self) -> Iterator[tuple[int, str, int, int]]:
        for cluster, rows in self._rows.items():
            for line, (first, count) in rows.items():
                yield cluster, line, first, count

    def save(self, folder: Path) -> None:
        """Write all as Parquet into ``folder``."""
        self.table().write_parquet(folder / EXAMPLES)
        closed = [
            (cluster, length, place)
            for cluster, lengths in self._closed.items()
            for length, places in [(0, {0}), *lengths.items()]  # the length 0 says that places were closed at all
            for place in sorted(places)
        ]
        pl.DataFrame(closed, _CLOSED_COLUMNS, orient="row").write_parquet(folder / CLOSED)

    @classmethod
    def load(cls, folder: Path, drain: Drain, clusters: int) -> Examples:
        """What `save` wrote, of a drain that has made so many ``clusters``; `ValueError` where it is something else."""
        examples = cls(drain)
        saved = Columns(folder / EXAMPLES, ["line"]).only("cluster", "line", "first", "count")
        rows = zip(
            saved.numbers("cluster", np.int32, (0, clusters)).tolist(),
            saved.texts("line").to_pylist(),
            saved.numbers("first", np.int64, (0, HIGHEST)).tolist(),
            saved.numbers("count", np.int64, (0, HIGHEST)).tolist(),
            strict=True,
        )
        for cluster, line, first, count in rows:
            examples._rows.setdefault(cluster, {})[line] = [first, count]
            examples._seen = max(examples._seen, first + 1)
        closed = Columns(folder / CLOSED).only("cluster", "length", "place")
        places = zip(
            closed.numbers("cluster", np.int32, (0, clusters)).tolist(),
            closed.numbers("length", np.int32, (0, HIGHEST_ID)).tolist(),
            closed.numbers("place", np.int32, (0, HIGHEST_ID)).tolist(),
            strict=True,
        )
        for cluster, length, place in places:
            lengths = examples._closed.setdefault(cluster, {})
            if length:
                if place >= length:
                    raise ValueError(f"{CLOSED} names place {place} of lines of {length} words")
                lengths.setdefault(length, set()).add(place)
        return examples


def _merged(group: list[tuple[list[str], int, int]]) -> dict[str, list[int]]:
    """Lines with their first time and count; equal ones become one."""
    merged: dict[str, list[int]] = {}
    for words, first, count in group:
        row = merged.setdefault(" ".join(words), [first, 0])
        row[0], row[1] = min(row[0], first), row[1] + count
    return merged


def _without_lists(words: list[str]) -> list[str]:
    """The words of a line with its lists shortened, as lines are when they are matched."""
    number: dict[str, int] = {}
    forms = [in_list(word) for word in words]
    tokens = np.arange(len(words), dtype=np.int32)
    bare = np.array(
        [
            -1 if word == WILDCARD_TEXT else number.setdefault(form, len(number))
            for word, (form, _) in zip(words, forms, strict=True)
        ],
        np.int32,
    )
    masked = np.array([value for _, value in forms], np.bool_)
    kept = outside_lists(tokens, np.array([0, len(words)]), bare, masked)
    return [word for word, stays in zip(words, kept.tolist(), strict=True) if stays]


@kernel
def _note(lines, clusters, of_line, waiting, events):  # type: ignore[no-untyped-def]
    """Count lines whose cluster is the same as before; the others go to ``events``: line, cluster, earlier, waiting."""
    done = 0
    for i in range(len(lines)):
        line, cluster = lines[i], clusters[i]
        if of_line[line] != cluster:
            events[done, 0], events[done, 1], events[done, 2] = line, cluster, of_line[line]
            events[done, 3] = waiting[line]
            done += 1
            of_line[line], waiting[line] = cluster, 0
        waiting[line] += 1
    return done
