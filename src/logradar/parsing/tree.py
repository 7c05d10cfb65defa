"""Drain's parse tree as flat arrays, and the kernels that walk and grow it.

Lines and tokens are integers here. The root's children are one node for each token count, below
them one level for each of the first ``depth - 3`` tokens; clusters hang at the last level in the
order of their creation. A line remembers the cluster it went to and the version of its leaf: as
long as that version stands, the same line goes the same way and nothing is searched.
"""

from __future__ import annotations

from typing import Any, Final

import numba
import numpy as np
import numpy.typing as npt
import polars as pl

from logradar.parsing.interning import Ids, Ints, grown

WILDCARD: Final = 0  # the token id of <*>
_ROOT: Final = 0
_NODE: Final = np.dtype(
    [("parent", "i4"), ("token", "i4"), ("children", "i4"), ("first", "i4"), ("last", "i4"), ("version", "i4")]
)
_CLUSTER: Final = np.dtype(
    [(name, "i4") for name in ("number", "node", "next", "length")]
    + [(name, "i8") for name in ("start", "size", "used")]
)
MEMO: Final = np.dtype([("cluster", "i4"), ("node", "i4"), ("version", "i4")])
_NODES, _CLUSTERS, _TOKENS, _NUMBER, _ALIVE, _CLOCK = range(6)  # places in `Tree.state`

Records = npt.NDArray[np.void]


class Tree:
    """The state of one Drain; ``rules`` are (depth, max children, max clusters or -1, numeric tokens vary)."""

    def __init__(self, sim_th: float, rules: tuple[int, int, int, int]) -> None:
        self.sim_th, self.rules = sim_th, np.array(rules, np.int64)
        self.edges = np.full(1 << 8, -1, np.int32)
        self.nodes: Records = np.zeros(1 << 6, _NODE)
        self.clusters: Records = np.zeros(1 << 6, _CLUSTER)
        self.tokens = np.zeros(1 << 10, np.int32)  # of all templates, one after the other
        self.state = np.zeros(6, np.int64)
        self.state[_NODES] = 1
        self.nodes[_ROOT]["first"] = self.nodes[_ROOT]["last"] = -1

    @property
    def made(self) -> int:
        """How many clusters were ever made."""
        return int(self.state[_NUMBER])

    @property
    def slots(self) -> Records:
        """The clusters in order of creation; evicted ones have the number 0."""
        return self.clusters[: self.state[_CLUSTERS]]

    @property
    def alive(self) -> Records:
        """The clusters that were not evicted, in order of creation."""
        return self.slots[self.slots["number"] > 0]

    @property
    def branches(self) -> Records:
        """All nodes; the first is the root, a parent comes before its children."""
        return self.nodes[: self.state[_NODES]]

    def template(self, cluster: Any) -> Ids:
        """The token ids of a cluster's template."""
        return self.tokens[cluster["start"] : cluster["start"] + cluster["length"]]

    def scan(self, lines: Ids, starts: Ints, tokens: Ids, numeric: npt.NDArray[np.uint8], memo: Records) -> Ids:
        """Cluster numbers (from 1) of lines fed in this order.

        Line ``i`` has the tokens ``tokens[starts[i]:starts[i + 1]]``, ``memo`` one entry a line.
        """
        out = np.empty(len(lines), np.int32)
        done = 0
        while True:
            done = _scan(
                *(lines, done, out, starts, tokens, numeric, memo),
                *(self.edges, self.nodes, self.clusters, self.tokens, self.state, self.sim_th, self.rules),
            )
            if done == len(lines):
                return out
            if self.make_room(int(starts[lines[done] + 1] - starts[lines[done]])):
                memo["cluster"] = -1

    def make_room(self, length: int) -> bool:
        """Room for one more cluster of ``length`` tokens and its nodes; True if clusters were renumbered."""
        nodes, clusters, tokens = (int(self.state[i]) for i in (_NODES, _CLUSTERS, _TOKENS))
        more = int(self.rules[0]) + 1
        self.nodes = grown(self.nodes, nodes + more)
        if 2 * (nodes + more) > len(self.edges):
            self.edges = np.full(2 * len(self.edges), -1, np.int32)
            self._hang()
        full = clusters == len(self.clusters) or tokens + length > len(self.tokens)
        packed = full and 2 * int(self.state[_ALIVE]) < clusters
        if packed:
            self._pack()
            clusters, tokens = int(self.state[_CLUSTERS]), int(self.state[_TOKENS])
        self.clusters = grown(self.clusters, clusters + 1)
        self.tokens = grown(self.tokens, tokens + length)
        return packed

    def _pack(self) -> None:
        made, self.clusters = self.alive, np.zeros(len(self.clusters), _CLUSTER)
        old, self.tokens = self.tokens, np.zeros(len(self.tokens), np.int32)
        self.nodes["first"] = self.nodes["last"] = -1
        self.state[_CLUSTERS] = self.state[_TOKENS] = 0
        for cluster in made:
            start, length = int(cluster["start"]), int(cluster["length"])
            self._place(cluster, old[start : start + length])

    def words(self) -> Ints:
        """The ids of all tokens in use, sorted; the wildcard is one of them."""
        below = self.branches[self.branches["parent"] != _ROOT]["token"]
        return np.unique(np.concatenate([[WILDCARD], below, self.tokens[: self.state[_TOKENS]]]))

    def rename(self, words: Ids) -> None:
        """Token ``i`` becomes ``words[i]``."""
        below = np.flatnonzero(self.branches["parent"] != _ROOT)
        self.nodes["token"][below] = words[self.nodes["token"][below]]
        self.tokens[: self.state[_TOKENS]] = words[self.tokens[: self.state[_TOKENS]]]
        self._hang()

    def restore(
        self, parents: Ids, tokens: Ids, clusters: pl.DataFrame, lengths: Ints, templates: Ids, made: int
    ) -> None:
        """Take over nodes and clusters that were saved; a `ValueError` if they cannot be a tree's."""
        _refuse_nonsense(parents, tokens, clusters, lengths, made)
        count = len(parents) + 1
        self.nodes = grown(self.nodes, count)
        self.nodes["parent"][1:count], self.nodes["token"][1:count] = parents, tokens
        self.nodes["first"][1:count] = self.nodes["last"][1:count] = -1
        self.nodes["children"] += np.bincount(parents, minlength=len(self.nodes)).astype(np.int32)
        self.state[_NODES] = count
        self._hang()
        self.clusters = grown(self.clusters, len(clusters))
        self.tokens = grown(self.tokens, len(templates))
        record = np.zeros(1, _CLUSTER)[0]
        ends = np.cumsum(lengths)
        for row, end, length in zip(clusters.iter_rows(named=True), ends, lengths, strict=True):
            for name in ("number", "node", "size", "used"):
                record[name] = row[name]
            self._place(record, templates[end - length : end])
        self.state[_NUMBER], self.state[_ALIVE] = made, len(clusters)
        self.state[_CLOCK] = clusters["used"].max() + 1 if len(clusters) else 0

    def _hang(self) -> None:
        size = len(self.edges)
        while size < 4 * int(self.state[_NODES]):
            size *= 2
        self.edges = np.full(size, -1, np.int32)
        _hang(self.edges, self.nodes, int(self.state[_NODES]))

    def _place(self, cluster: Any, template: Ids) -> None:
        """Hang a cluster record behind the others of its leaf; there must be room."""
        slot, used = int(self.state[_CLUSTERS]), int(self.state[_TOKENS])
        self.tokens[used : used + len(template)] = template
        self.clusters[slot] = cluster
        self.clusters[slot]["start"], self.clusters[slot]["length"] = used, len(template)
        self.state[_TOKENS] += len(template)
        self.state[_CLUSTERS] += 1
        _append(self.nodes, self.clusters, int(cluster["node"]), slot)


def _refuse_nonsense(parents: Ids, tokens: Ids, clusters: pl.DataFrame, lengths: Ints, made: int) -> None:
    # The kernels do not check bounds, so nothing that was read from a file may point outside.
    nodes, numbers = clusters["node"].to_numpy(), clusters["number"].to_numpy()
    if (parents < 0).any() or (parents > np.arange(len(parents))).any() or (tokens < 0).any():
        raise ValueError("the nodes are no tree")
    if (nodes < 1).any() or (nodes > len(parents)).any() or (np.diff(numbers, prepend=0) < 1).any():
        raise ValueError("the clusters do not hang in the tree in order")
    if len(numbers) and numbers[-1] > made:
        raise ValueError(f"there is a cluster {numbers[-1]} although {made} were made")
    counts = np.zeros(len(parents) + 1, np.int64)  # how many tokens the lines below each node have
    for node, (parent, token) in enumerate(zip(parents, tokens, strict=True), start=1):
        counts[node] = counts[parent] if parent else token
    if (counts[nodes] != lengths).any():
        raise ValueError("a template hangs in a part of the tree for lines of another length")


@numba.njit(cache=True, nogil=True, inline="always")
def _slot(parent, token, mask):  # type: ignore[no-untyped-def]
    code = (np.uint64(parent) << np.uint64(32) | np.uint64(token)) * np.uint64(0x9E3779B97F4A7C15)
    return np.int64((code >> np.uint64(32)) & np.uint64(mask))


@numba.njit(cache=True, nogil=True)
def _child(edges, nodes, parent, token):  # type: ignore[no-untyped-def]
    """The child of a node under a token, -1 if there is none."""
    slot = _slot(parent, token, len(edges) - 1)
    while edges[slot] >= 0:
        child = edges[slot]
        if nodes[child].parent == parent and nodes[child].token == token:
            return child
        slot = (slot + 1) & (len(edges) - 1)
    return -1


@numba.njit(cache=True, nogil=True)
def _grow(edges, nodes, state, parent, token):  # type: ignore[no-untyped-def]
    """A new child of a node."""
    new = state[_NODES]
    nodes[new].parent, nodes[new].token = parent, token
    nodes[new].first = nodes[new].last = -1
    nodes[parent].children += 1
    state[_NODES] += 1
    _link(edges, nodes, new)
    return new


@numba.njit(cache=True, nogil=True)
def _link(edges, nodes, child):  # type: ignore[no-untyped-def]
    slot = _slot(nodes[child].parent, nodes[child].token, len(edges) - 1)
    while edges[slot] >= 0:
        slot = (slot + 1) & (len(edges) - 1)
    edges[slot] = child


@numba.njit(cache=True, nogil=True)
def _hang(edges, nodes, count):  # type: ignore[no-untyped-def]
    for child in range(1, count):
        _link(edges, nodes, child)


@numba.njit(cache=True, nogil=True)
def _append(nodes, clusters, node, slot):  # type: ignore[no-untyped-def]
    clusters[slot].next = -1
    if nodes[node].last < 0:
        nodes[node].first = slot
    else:
        clusters[nodes[node].last].next = slot
    nodes[node].last = slot


@numba.njit(cache=True, nogil=True)
def leaf_of(edges, nodes, line, depth):  # type: ignore[no-untyped-def]
    """The leaf that a line falls to, -1 if its way ends before."""
    node = _child(edges, nodes, _ROOT, len(line))
    for level in range(min(depth - 3, len(line) - 1)):
        if node < 0:
            return -1
        below = _child(edges, nodes, node, line[level])
        node = below if below >= 0 else _child(edges, nodes, node, WILDCARD)
    return node


@numba.njit(cache=True, nogil=True)
def _way(edges, nodes, state, line, numeric, rules):  # type: ignore[no-untyped-def]
    """The leaf that a new cluster of this line belongs to; missing nodes are made."""
    node = _child(edges, nodes, _ROOT, len(line))
    if node < 0:
        node = _grow(edges, nodes, state, _ROOT, len(line))
    for level in range(min(rules[0] - 3, len(line) - 1)):
        token = line[level]
        below = _child(edges, nodes, node, token)
        if below < 0:
            wildcard = _child(edges, nodes, node, WILDCARD)
            children = nodes[node].children
            if wildcard >= 0 and ((rules[3] and numeric[token]) or children >= rules[1]):
                below = wildcard
            elif wildcard >= 0:
                below = _grow(edges, nodes, state, node, token)
                _forget_below(nodes, state, wildcard)
            elif (rules[3] and numeric[token]) or children + 1 >= rules[1]:
                below = _grow(edges, nodes, state, node, WILDCARD)
            else:
                below = _grow(edges, nodes, state, node, token)
        node = below
    return node


@numba.njit(cache=True, nogil=True)
def _forget_below(nodes, state, top):  # type: ignore[no-untyped-def]
    """Lines that went through this wildcard may have a way of their own now."""
    for node in range(top, state[_NODES]):
        above = node
        while above > top:
            above = nodes[above].parent
        if above == top:
            nodes[node].version += 1


@numba.njit(cache=True, nogil=True)
def _nearest(nodes, clusters, tokens, leaf, line):  # type: ignore[no-untyped-def]
    """The cluster of a leaf that shares most tokens with a line, and how many it shares."""
    best, most, vaguest = -1, -1, -1
    slot = nodes[leaf].first
    while slot >= 0:
        start = clusters[slot].start
        same, wild = 0, 0
        for i in range(len(line)):
            token = tokens[start + i]
            wild += token == WILDCARD
            same += token != WILDCARD and token == line[i]
        if same > most or (same == most and wild > vaguest):
            best, most, vaguest = slot, same, wild
        slot = clusters[slot].next
    return best, most


@numba.njit(cache=True, nogil=True)
def _evict(nodes, clusters, state):  # type: ignore[no-untyped-def]
    """Drop the cluster that was used longest ago."""
    oldest = -1
    for slot in range(state[_CLUSTERS]):
        if clusters[slot].number > 0 and (oldest < 0 or clusters[slot].used < clusters[oldest].used):
            oldest = slot
    node = clusters[oldest].node
    before, slot = -1, nodes[node].first
    while slot != oldest:
        before, slot = slot, clusters[slot].next
    if before < 0:
        nodes[node].first = clusters[oldest].next
    else:
        clusters[before].next = clusters[oldest].next
    if nodes[node].last == oldest:
        nodes[node].last = before
    nodes[node].version += 1
    clusters[oldest].number = 0
    state[_ALIVE] -= 1


@numba.njit(cache=True, nogil=True)
def _scan(  # type: ignore[no-untyped-def]
    lines, begin, out, starts, words, numeric, memo, edges, nodes, clusters, tokens, state, sim_th, rules
):
    for i in range(begin, len(lines)):
        known = memo[lines[i]]
        slot = known.cluster
        if slot < 0 or nodes[known.node].version != known.version:
            line = words[starts[lines[i]] : starts[lines[i] + 1]]
            leaf = leaf_of(edges, nodes, line, rules[0])
            slot, same = _nearest(nodes, clusters, tokens, leaf, line) if leaf >= 0 else (-1, -1)
            if slot >= 0 and len(line) and same / len(line) < sim_th:
                slot = -1
            if slot < 0:
                if (
                    state[_CLUSTERS] == len(clusters)
                    or state[_TOKENS] + len(line) > len(tokens)
                    or state[_NODES] + rules[0] >= len(nodes)
                    or 2 * (state[_NODES] + rules[0]) >= len(edges)
                ):
                    return i
                if state[_ALIVE] == rules[2]:
                    _evict(nodes, clusters, state)
                leaf = _way(edges, nodes, state, line, numeric, rules)
                slot, same = _found(nodes, clusters, tokens, state, leaf, line), len(line)
                for token in line:
                    same -= token == WILDCARD
            else:
                _merge(nodes, clusters, tokens, slot, line)
            known.node, known.version = leaf, nodes[leaf].version
            # A line of many wildcards is too unlike its own template: each time it makes a new one.
            known.cluster = slot if not len(line) or same / len(line) >= sim_th else -1
        clusters[slot].size += 1
        clusters[slot].used = state[_CLOCK]
        state[_CLOCK] += 1
        out[i] = clusters[slot].number
    return len(lines)


@numba.njit(cache=True, nogil=True)
def _found(nodes, clusters, tokens, state, leaf, line):  # type: ignore[no-untyped-def]
    """Found a new cluster whose template is the line itself."""
    slot = state[_CLUSTERS]
    state[_CLUSTERS] += 1
    state[_NUMBER] += 1
    state[_ALIVE] += 1
    clusters[slot].number, clusters[slot].node, clusters[slot].size = state[_NUMBER], leaf, 0
    clusters[slot].start, clusters[slot].length = state[_TOKENS], len(line)
    tokens[state[_TOKENS] : state[_TOKENS] + len(line)] = line
    state[_TOKENS] += len(line)
    _append(nodes, clusters, leaf, slot)
    nodes[leaf].version += 1
    return slot


@numba.njit(cache=True, nogil=True)
def _merge(nodes, clusters, tokens, slot, line):  # type: ignore[no-untyped-def]
    """Where line and template differ the template gets a wildcard."""
    changed = False
    for i in range(len(line)):
        place = clusters[slot].start + i
        if tokens[place] != line[i] and tokens[place] != WILDCARD:
            tokens[place] = WILDCARD
            changed = True
    if changed:
        nodes[clusters[slot].node].version += 1
