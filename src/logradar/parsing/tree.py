"""Drain's parse tree as flat arrays.

Lines and tokens are integers here. The root has one child for each token count; below it there is one level for
each of the first ``depth - 3`` tokens. The nodes of the last level hold lists of clusters in order of creation. For
each cached line the tree stores its cluster and the version of its leaf (``memo``). While the version is unchanged,
an equal line belongs to the same cluster and the tree is not searched.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from logradar.parsing.interning import Ids, Ints, grown
from logradar.parsing.tree_kernels import (
    ALIVE,
    CLOCK,
    CLUSTER,
    CLUSTERS,
    MARKED,
    NEXT,
    NODE,
    NODES,
    NUMBER,
    QUEUED,
    ROOT,
    SPARSE,
    TOKENS,
    WILDCARD,
    append,
    link_all,
    mark_all,
    scan,
)

Records = npt.NDArray[np.void]


class Tree:
    """The tree and clusters of one Drain.

    ``sim_th`` is the least share of equal tokens; ``rules`` are (depth, maximum of children, maximum of clusters or
    -1, whether tokens with digits get the wildcard child).
    """

    def __init__(self, sim_th: float, rules: tuple[int, int, int, int]) -> None:
        self.sim_th, self.rules = sim_th, np.array(rules, np.int64)
        self.edges = np.full(1 << 8, -1, np.int32)
        self.nodes: Records = np.zeros(1 << 6, NODE)
        self.clusters: Records = np.zeros(1 << 6, CLUSTER)
        self.tokens = np.zeros(1 << 10, np.int32)  # token ids of all templates, concatenated
        # Which tokens clusters have at which places, so that most new lines need not be compared with any cluster
        self.marks = np.zeros(1 << 12, np.uint8)
        self.queue = np.zeros((0, 2), np.int64)  # the next clusters to remove, each with the line that used it last
        self.state = np.zeros(9, np.int64)
        self.state[NODES] = 1
        self.nodes[ROOT]["first"] = self.nodes[ROOT]["last"] = -1

    @property
    def created(self) -> int:
        """Number of clusters created so far, including removed ones."""
        return int(self.state[NUMBER])

    @property
    def slots(self) -> Records:
        """The clusters in order of creation; removed ones have the number 0."""
        return self.clusters[: self.state[CLUSTERS]]

    @property
    def alive(self) -> Records:
        """The clusters that were not removed, in order of creation."""
        return self.slots[self.slots["number"] > 0]

    @property
    def branches(self) -> Records:
        """All nodes; the first is the root, and a parent comes before its children."""
        return self.nodes[: self.state[NODES]]

    def scan(self, lines: Ids, starts: Ints, tokens: Ids, numeric: npt.NDArray[np.uint8], memo: Records) -> Ids:
        """Add lines in this order; returns their cluster numbers (from 1), int32.

        Line ``i`` has the tokens ``tokens[starts[i]:starts[i + 1]]``; ``memo`` has one entry for each line.
        """
        out = np.empty(len(lines), np.int32)
        done = 0
        while True:
            done = scan(
                *(lines, done, out, starts, tokens, numeric, memo),
                *(self.edges, self.nodes, self.clusters, self.tokens, self.marks, self.queue, self.state),
                *(self.sim_th, self.rules),
            )
            if done == len(lines):
                return out
            if self.make_room(int(starts[lines[done] + 1] - starts[lines[done]])):
                memo["cluster"] = -1

    def make_room(self, length: int) -> bool:
        """Enlarge the arrays for one more cluster of ``length`` tokens and its nodes.

        Returns True if removed clusters were deleted, so that clusters have moved.
        """
        nodes, clusters, tokens = (int(self.state[i]) for i in (NODES, CLUSTERS, TOKENS))
        more = int(self.rules[0]) + 1
        self.nodes = grown(self.nodes, nodes + more)
        if 2 * (nodes + more) > len(self.edges):
            self.edges = np.full(2 * len(self.edges), -1, np.int32)
            self._rebuild_edges()
        full = clusters == len(self.clusters) or tokens + length > len(self.tokens)
        compacted = full and 2 * int(self.state[ALIVE]) < clusters
        if compacted:
            self._compact()
            clusters, tokens = int(self.state[CLUSTERS]), int(self.state[TOKENS])
        self.clusters = grown(self.clusters, clusters + 1)
        self.tokens = grown(self.tokens, tokens + length)
        if SPARSE * (int(self.state[MARKED]) + length) > len(self.marks):
            self._mark_again(length)
        if 0 < self.rules[2] <= self.state[ALIVE] and self.state[NEXT] == self.state[QUEUED]:
            self._queue_again()
        return compacted

    def _mark_again(self, length: int = 0) -> None:
        """Make ``marks`` anew from the clusters, with room for as many entries again and a line of ``length``."""
        live, size = int(self.alive["length"].sum()), len(self.marks)
        while size < SPARSE * (2 * live + length):
            size *= 2
        self.marks = np.zeros(size, np.uint8)
        self.state[MARKED] = mark_all(self.marks, self.clusters, self.tokens, int(self.state[CLUSTERS]))

    def _queue_again(self) -> None:
        """Line up those clusters for removal that were used least recently."""
        slots = np.flatnonzero(self.slots["number"] > 0)
        used = self.slots["used"][slots]
        order = np.lexsort((slots, used))[: max(64, len(slots) // 8)]
        self.queue = np.stack([slots[order], used[order]], axis=1).astype(np.int64)
        self.state[NEXT], self.state[QUEUED] = 0, len(self.queue)

    def _compact(self) -> None:
        alive, self.clusters = self.alive, np.zeros(len(self.clusters), CLUSTER)
        old, self.tokens = self.tokens, np.zeros(len(self.tokens), np.int32)
        self.nodes["first"] = self.nodes["last"] = -1
        self.state[CLUSTERS] = self.state[TOKENS] = self.state[NEXT] = self.state[QUEUED] = 0
        for cluster in alive:
            start, length = int(cluster["start"]), int(cluster["length"])
            self._place(cluster, old[start : start + length])

    def words(self) -> Ints:
        """The ids of all tokens in use, sorted; they include the wildcard."""
        below = self.branches[self.branches["parent"] != ROOT]["token"]
        return np.unique(np.concatenate([[WILDCARD], below, self.tokens[: self.state[TOKENS]]]))

    def rename(self, words: Ids) -> None:
        """Change token id ``i`` to ``words[i]`` everywhere."""
        below = np.flatnonzero(self.branches["parent"] != ROOT)
        self.nodes["token"][below] = words[self.nodes["token"][below]]
        self.tokens[: self.state[TOKENS]] = words[self.tokens[: self.state[TOKENS]]]
        self._rebuild_edges()
        self._mark_again()

    def restore(
        self, parents: Ids, tokens: Ids, clusters: pl.DataFrame, lengths: Ints, templates: Ids, created: int
    ) -> None:
        """Set nodes and clusters that were saved. Raises `ValueError` if they do not describe a valid tree."""
        _validate(parents, tokens, clusters, lengths, created)
        count = len(parents) + 1
        self.nodes = grown(self.nodes, count)
        self.nodes["parent"][1:count], self.nodes["token"][1:count] = parents, tokens
        self.nodes["first"][1:count] = self.nodes["last"][1:count] = -1
        self.nodes["children"] += np.bincount(parents, minlength=len(self.nodes)).astype(np.int32)
        self.state[NODES] = count
        self._rebuild_edges()
        self.clusters = grown(self.clusters, len(clusters))
        self.tokens = grown(self.tokens, len(templates))
        record = np.zeros(1, CLUSTER)[0]
        ends = np.cumsum(lengths)
        for row, end, length in zip(clusters.iter_rows(named=True), ends, lengths, strict=True):
            for name in ("number", "node", "size", "used"):
                record[name] = row[name]
            self._place(record, templates[end - length : end])
        self.state[NUMBER], self.state[ALIVE] = created, len(clusters)
        self.state[CLOCK] = clusters["used"].to_numpy().max(initial=-1) + 1
        self._mark_again()

    def _rebuild_edges(self) -> None:
        size = len(self.edges)
        while size < 4 * int(self.state[NODES]):
            size *= 2
        self.edges = np.full(size, -1, np.int32)
        link_all(self.edges, self.nodes, int(self.state[NODES]))

    def _place(self, cluster: Any, template: Ids) -> None:
        """Append a cluster record to the list of its leaf; the arrays must be large enough."""
        slot, used = int(self.state[CLUSTERS]), int(self.state[TOKENS])
        self.tokens[used : used + len(template)] = template
        self.clusters[slot] = cluster
        self.clusters[slot]["start"], self.clusters[slot]["length"] = used, len(template)
        self.state[TOKENS] += len(template)
        self.state[CLUSTERS] += 1
        append(self.nodes, self.clusters, int(cluster["node"]), slot)


def _validate(parents: Ids, tokens: Ids, clusters: pl.DataFrame, lengths: Ints, created: int) -> None:
    # The kernels do not check bounds, so an index from a file must be inside the arrays.
    nodes, numbers = clusters["node"].to_numpy(), clusters["number"].to_numpy()
    if clusters.null_count().sum_horizontal().item():
        raise ValueError("a cluster has an empty value")
    if (parents < 0).any() or (parents > np.arange(len(parents))).any() or (tokens < 0).any():
        raise ValueError("the nodes do not form a tree")
    if (nodes < 1).any() or (nodes > len(parents)).any() or (np.diff(numbers, prepend=0) < 1).any():
        raise ValueError("the clusters are not in the order of their numbers or their nodes do not exist")
    if len(numbers) and numbers[-1] > created:
        raise ValueError(f"there is a cluster {numbers[-1]}, but only {created} were created")
    counts = np.zeros(len(parents) + 1, np.int64)  # number of tokens of the lines below each node
    for node, (parent, token) in enumerate(zip(parents, tokens, strict=True), start=1):
        counts[node] = counts[parent] if parent else token
    if (counts[nodes] != lengths).any():
        raise ValueError("the length of a template differs from the length of its node")
