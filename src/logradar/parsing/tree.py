"""Drain's parse tree as flat arrays.

Lines and tokens are integers here. The root's children are one node for each token count, below
them one level for each of the first ``depth - 3`` tokens; clusters hang at the last level in the
order of their creation. A line remembers the cluster it went to and the version of its leaf: as
long as that version stands, the same line goes the same way and nothing is searched.
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
    NODE,
    NODES,
    NUMBER,
    ROOT,
    TOKENS,
    WILDCARD,
    append,
    hang,
    scan,
)

Records = npt.NDArray[np.void]


class Tree:
    """The state of one Drain; ``rules`` are (depth, max children, max clusters or -1, numeric tokens vary)."""

    def __init__(self, sim_th: float, rules: tuple[int, int, int, int]) -> None:
        self.sim_th, self.rules = sim_th, np.array(rules, np.int64)
        self.edges = np.full(1 << 8, -1, np.int32)
        self.nodes: Records = np.zeros(1 << 6, NODE)
        self.clusters: Records = np.zeros(1 << 6, CLUSTER)
        self.tokens = np.zeros(1 << 10, np.int32)  # of all templates, one after the other
        self.state = np.zeros(6, np.int64)
        self.state[NODES] = 1
        self.nodes[ROOT]["first"] = self.nodes[ROOT]["last"] = -1

    @property
    def created(self) -> int:
        """How many clusters were ever created."""
        return int(self.state[NUMBER])

    @property
    def slots(self) -> Records:
        """The clusters in order of creation; evicted ones have the number 0."""
        return self.clusters[: self.state[CLUSTERS]]

    @property
    def alive(self) -> Records:
        """The clusters that were not evicted, in order of creation."""
        return self.slots[self.slots["number"] > 0]

    @property
    def branches(self) -> Records:
        """All nodes; the first is the root, a parent comes before its children."""
        return self.nodes[: self.state[NODES]]

    def scan(self, lines: Ids, starts: Ints, tokens: Ids, numeric: npt.NDArray[np.uint8], memo: Records) -> Ids:
        """Cluster numbers (from 1) of lines fed in this order.

        Line ``i`` has the tokens ``tokens[starts[i]:starts[i + 1]]``, ``memo`` one entry a line.
        """
        out = np.empty(len(lines), np.int32)
        done = 0
        while True:
            done = scan(
                *(lines, done, out, starts, tokens, numeric, memo),
                *(self.edges, self.nodes, self.clusters, self.tokens, self.state, self.sim_th, self.rules),
            )
            if done == len(lines):
                return out
            if self.make_room(int(starts[lines[done] + 1] - starts[lines[done]])):
                memo["cluster"] = -1

    def make_room(self, length: int) -> bool:
        """Room for one more cluster of ``length`` tokens and its nodes; True if clusters were renumbered."""
        nodes, clusters, tokens = (int(self.state[i]) for i in (NODES, CLUSTERS, TOKENS))
        more = int(self.rules[0]) + 1
        self.nodes = grown(self.nodes, nodes + more)
        if 2 * (nodes + more) > len(self.edges):
            self.edges = np.full(2 * len(self.edges), -1, np.int32)
            self._hang()
        full = clusters == len(self.clusters) or tokens + length > len(self.tokens)
        packed = full and 2 * int(self.state[ALIVE]) < clusters
        if packed:
            self._pack()
            clusters, tokens = int(self.state[CLUSTERS]), int(self.state[TOKENS])
        self.clusters = grown(self.clusters, clusters + 1)
        self.tokens = grown(self.tokens, tokens + length)
        return packed

    def _pack(self) -> None:
        made, self.clusters = self.alive, np.zeros(len(self.clusters), CLUSTER)
        old, self.tokens = self.tokens, np.zeros(len(self.tokens), np.int32)
        self.nodes["first"] = self.nodes["last"] = -1
        self.state[CLUSTERS] = self.state[TOKENS] = 0
        for cluster in made:
            start, length = int(cluster["start"]), int(cluster["length"])
            self._place(cluster, old[start : start + length])

    def words(self) -> Ints:
        """The ids of all tokens in use, sorted; the wildcard is one of them."""
        below = self.branches[self.branches["parent"] != ROOT]["token"]
        return np.unique(np.concatenate([[WILDCARD], below, self.tokens[: self.state[TOKENS]]]))

    def rename(self, words: Ids) -> None:
        """Token ``i`` becomes ``words[i]``."""
        below = np.flatnonzero(self.branches["parent"] != ROOT)
        self.nodes["token"][below] = words[self.nodes["token"][below]]
        self.tokens[: self.state[TOKENS]] = words[self.tokens[: self.state[TOKENS]]]
        self._hang()

    def restore(
        self, parents: Ids, tokens: Ids, clusters: pl.DataFrame, lengths: Ints, templates: Ids, created: int
    ) -> None:
        """Take over nodes and clusters that were saved; a `ValueError` if they cannot be a tree's."""
        _refuse_nonsense(parents, tokens, clusters, lengths, created)
        count = len(parents) + 1
        self.nodes = grown(self.nodes, count)
        self.nodes["parent"][1:count], self.nodes["token"][1:count] = parents, tokens
        self.nodes["first"][1:count] = self.nodes["last"][1:count] = -1
        self.nodes["children"] += np.bincount(parents, minlength=len(self.nodes)).astype(np.int32)
        self.state[NODES] = count
        self._hang()
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

    def _hang(self) -> None:
        size = len(self.edges)
        while size < 4 * int(self.state[NODES]):
            size *= 2
        self.edges = np.full(size, -1, np.int32)
        hang(self.edges, self.nodes, int(self.state[NODES]))

    def _place(self, cluster: Any, template: Ids) -> None:
        """Hang a cluster record behind the others of its leaf; there must be room."""
        slot, used = int(self.state[CLUSTERS]), int(self.state[TOKENS])
        self.tokens[used : used + len(template)] = template
        self.clusters[slot] = cluster
        self.clusters[slot]["start"], self.clusters[slot]["length"] = used, len(template)
        self.state[TOKENS] += len(template)
        self.state[CLUSTERS] += 1
        append(self.nodes, self.clusters, int(cluster["node"]), slot)


def _refuse_nonsense(parents: Ids, tokens: Ids, clusters: pl.DataFrame, lengths: Ints, created: int) -> None:
    # The kernels do not check bounds, so nothing that was read from a file may point outside.
    nodes, numbers = clusters["node"].to_numpy(), clusters["number"].to_numpy()
    if clusters.null_count().sum_horizontal().item():
        raise ValueError("a cluster has an empty value")
    if (parents < 0).any() or (parents > np.arange(len(parents))).any() or (tokens < 0).any():
        raise ValueError("the nodes are no tree")
    if (nodes < 1).any() or (nodes > len(parents)).any() or (np.diff(numbers, prepend=0) < 1).any():
        raise ValueError("the clusters do not hang in the tree in order")
    if len(numbers) and numbers[-1] > created:
        raise ValueError(f"there is a cluster {numbers[-1]} although only {created} were ever created")
    counts = np.zeros(len(parents) + 1, np.int64)  # how many tokens the lines below each node have
    for node, (parent, token) in enumerate(zip(parents, tokens, strict=True), start=1):
        counts[node] = counts[parent] if parent else token
    if (counts[nodes] != lengths).any():
        raise ValueError("a template hangs in a part of the tree for lines of another length")
