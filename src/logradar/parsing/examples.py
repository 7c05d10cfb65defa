"""Examples: the different masked lines of each cluster of Drain, which the refinement of templates works on.

They are kept while templates are learnt. Where a cluster has very many, its most varied place is closed: from then on
any word there is written as ``<*>``, so memory is bounded and every line that was learnt from still has its example.
What is kept depends on the order of the lines alone, not on how they are divided into batches.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from operator import itemgetter
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl

from logradar.core.kernels import kernel
from logradar.parsing.drain import WILDCARD_TEXT, Drain
from logradar.parsing.interning import Ids, grown
from logradar.parsing.lists import LONGEST, outside_lists

EXAMPLES: Final = "examples.parquet"
CLOSED: Final = "closed-places.parquet"
MOST: Final = 256  # examples of a cluster, if it is one of the first
LEAST: Final = 32  # of one behind very many others
_FIRST: Final = 200  # clusters that may have `MOST` examples; those behind them have fewer, in proportion
_BYTES: Final = 256 << 10  # characters of the examples of a cluster
_NONE: Final = -1
_MASK: Final = re.compile("<[A-Z]+>")
_COLUMNS = pl.Schema({"cluster": pl.Int32, "line": pl.String, "first": pl.Int64, "count": pl.Int64})
_CLOSED_COLUMNS = pl.Schema({"cluster": pl.Int32, "place": pl.Int32})


class Examples:
    """Examples of the lines of a `Drain`, by cluster: when each came first, and how often it came."""

    def __init__(self, drain: Drain) -> None:
        self._drain = drain
        self._rows: dict[int, dict[str, list[int]]] = {}
        self._closed: dict[int, set[int]] = {}
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

    def _row(self, text: str, cluster: int) -> list[int]:
        """First time and count of the example of a line; a new one is added."""
        rows = self._rows.setdefault(cluster, {})
        text = _written(text, self._closed.get(cluster, ()))
        row = rows.get(text)
        if row is None:
            most = max(min(LEAST, MOST), min(MOST, MOST * _FIRST // cluster))
            if len(rows) >= most or (len(rows) > 1 and len(rows) * len(text) > _BYTES):
                self._close_places(cluster)
                return self._row(text, cluster)
            row = rows[text] = [self._seen, 0]
            self._seen += 1
        return row

    def _close_places(self, cluster: int) -> None:
        """Close the most varied places of a cluster until half of its examples are left."""
        rows, closed = self._rows[cluster], self._closed.setdefault(cluster, set())
        target = max(len(rows) // 2, 1)
        while len(rows) > target:
            closed.add(_most_varied([line.split() for line in rows]))
            merged: dict[str, list[int]] = {}
            for line, (first, count) in rows.items():
                row = merged.setdefault(_written(line, closed), [first, 0])
                row[0], row[1] = min(row[0], first), row[1] + count
            rows = self._rows[cluster] = merged

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
        closed = [(cluster, place) for cluster, places in self._closed.items() for place in sorted(places)]
        pl.DataFrame(closed, _CLOSED_COLUMNS, orient="row").write_parquet(folder / CLOSED)

    @classmethod
    def load(cls, folder: Path, drain: Drain) -> Examples:
        """What `save` wrote. Raises what Polars raises where the files are damaged."""
        examples = cls(drain)
        rows: Any = pl.read_parquet(folder / EXAMPLES).cast(_COLUMNS).iter_rows()
        for cluster, line, first, count in rows:
            examples._rows.setdefault(cluster, {})[line] = [first, count]
            examples._seen = max(examples._seen, first + 1)
        for cluster, place in pl.read_parquet(folder / CLOSED).cast(_CLOSED_COLUMNS).iter_rows():
            examples._closed.setdefault(cluster, set()).add(place)
        return examples


def _most_varied(lines: list[list[str]]) -> int:
    """The place with most different words; one inside a list only where no other varies, as lists have any length."""
    number = {word: i for i, word in enumerate(dict.fromkeys(word for words in lines for word in words))}
    bare = np.array([number.setdefault(word.rstrip(",;"), len(number)) for word in list(number)], np.int32)
    if WILDCARD_TEXT in number:
        bare[number[WILDCARD_TEXT]] = -1
    masked = np.array([_MASK.search(word) is not None for word in number], np.bool_)
    tokens = np.array([number[word] for words in lines for word in words], np.int32)
    width = len(lines[0])
    kept = outside_lists(tokens, np.arange(len(lines) + 1, dtype=np.int64) * width, bare, masked)
    dropped = np.flatnonzero(~kept.reshape(len(lines), width).all(axis=0)).tolist()
    in_lists = {place + behind for place in dropped for behind in range(LONGEST + 1)}
    variants = [len(set(column)) for column in zip(*lines, strict=True)]
    return max(range(len(variants)), key=lambda place: (variants[place] > 1 and place not in in_lists, variants[place]))


def _written(line: str, closed: Iterable[int]) -> str:
    """The words of a line with one blank between them, and a wildcard at each of the closed places."""
    words = line.split()
    for place in closed:
        words[place] = WILDCARD_TEXT
    return " ".join(words)


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
