"""numba kernels that search and extend Drain's parse tree; used by `Tree`, on flat arrays of numbers.

A node stores its parent, the token that leads to it, and its first and last cluster. A cluster stores the
next cluster of its leaf. ``edges`` is a hash table from (parent, token) to the child node.
"""

from __future__ import annotations

from typing import Final

import numba
import numpy as np

from logradar.core.kernels import inner, kernel

WILDCARD: Final = 0  # the token id of <*>
ROOT: Final = 0
NODE: Final = np.dtype(
    [("parent", "i4"), ("token", "i4"), ("children", "i4"), ("first", "i4"), ("last", "i4"), ("version", "i4")]
)
CLUSTER: Final = np.dtype(
    [(name, "i4") for name in ("number", "node", "next", "length")]
    + [(name, "i8") for name in ("start", "size", "used")]
)
MEMO: Final = np.dtype([("cluster", "i4"), ("node", "i4"), ("version", "i4")])
# Positions in `Tree.state`. MARKED: entries in ``marks``; NEXT and QUEUED: first and last of what is left in ``queue``.
NODES, CLUSTERS, TOKENS, NUMBER, ALIVE, CLOCK, MARKED, NEXT, QUEUED = range(9)
SPARSE: Final = 8  # bytes of ``marks`` for each entry, at least: so few places are taken by chance


@numba.njit(inline="always")
def _slot(parent, token, mask):  # type: ignore[no-untyped-def]
    code = (np.uint64(parent) << np.uint64(32) | np.uint64(token)) * np.uint64(0x9E3779B97F4A7C15)
    return np.int64((code >> np.uint64(32)) & np.uint64(mask))


@inner
def _child(edges, nodes, parent, token):  # type: ignore[no-untyped-def]
    """The child of a node for a token, -1 if there is none."""
    slot = _slot(parent, token, len(edges) - 1)
    while edges[slot] >= 0:
        child = np.int64(edges[slot])
        if nodes[child].parent == parent and nodes[child].token == token:
            return child
        slot = (slot + 1) & (len(edges) - 1)
    return np.int64(-1)


@inner
def _add_child(edges, nodes, state, parent, token):  # type: ignore[no-untyped-def]
    """Add a child to a node; returns its index."""
    new = state[NODES]
    nodes[new].parent, nodes[new].token = parent, token
    nodes[new].first = nodes[new].last = -1
    nodes[parent].children += 1
    state[NODES] += 1
    _link(edges, nodes, new)
    return new


@inner
def _link(edges, nodes, child):  # type: ignore[no-untyped-def]
    slot = _slot(nodes[child].parent, nodes[child].token, len(edges) - 1)
    while edges[slot] >= 0:
        slot = (slot + 1) & (len(edges) - 1)
    edges[slot] = child


@kernel
def link_all(edges, nodes, count):  # type: ignore[no-untyped-def]
    """Fill the empty hash table ``edges`` with the first ``count`` nodes."""
    for child in range(1, count):
        _link(edges, nodes, child)


@kernel
def append(nodes, clusters, node, slot):  # type: ignore[no-untyped-def]
    """Append cluster ``slot`` to the list of a leaf."""
    clusters[slot].next = -1
    if nodes[node].last < 0:
        nodes[node].first = slot
    else:
        clusters[nodes[node].last].next = slot
    nodes[node].last = slot


@inner
def leaf_of(edges, nodes, line, depth):  # type: ignore[no-untyped-def]
    """The leaf of a line, -1 if the tree has none for it."""
    node = _child(edges, nodes, np.int64(ROOT), len(line))
    for level in range(min(depth - 3, len(line) - 1)):
        if node < 0:
            return np.int64(-1)
        below = _child(edges, nodes, node, np.int64(line[level]))
        node = below if below >= 0 else _child(edges, nodes, node, np.int64(WILDCARD))
    return node


@inner
def _leaf_for_new(edges, nodes, state, line, numeric, rules):  # type: ignore[no-untyped-def]
    """The leaf for a new cluster of this line; missing nodes are created."""
    root, no_word = np.int64(ROOT), np.int64(WILDCARD)
    node = _child(edges, nodes, root, len(line))
    if node < 0:
        node = _add_child(edges, nodes, state, root, len(line))
    for level in range(min(rules[0] - 3, len(line) - 1)):
        token = np.int64(line[level])
        below = _child(edges, nodes, node, token)
        if below < 0:
            wildcard = _child(edges, nodes, node, no_word)
            children = nodes[node].children
            if wildcard >= 0 and ((rules[3] and numeric[token]) or children >= rules[1]):
                below = wildcard
            elif wildcard >= 0:
                below = _add_child(edges, nodes, state, node, token)
                _invalidate_below(nodes, state, wildcard)
            elif (rules[3] and numeric[token]) or children + 1 >= rules[1]:
                below = _add_child(edges, nodes, state, node, no_word)
            else:
                below = _add_child(edges, nodes, state, node, token)
        node = below
    return node


@inner
def _invalidate_below(nodes, state, top):  # type: ignore[no-untyped-def]
    """Increase the versions of all leaves below a wildcard node: some of their lines belong to another node now."""
    for node in range(top, state[NODES]):
        above = node
        while above > top:
            above = nodes[above].parent
        if above == top:
            nodes[node].version += 1


@inner
def _nearest(nodes, clusters, tokens, leaf, line):  # type: ignore[no-untyped-def]
    """The cluster of a leaf that has most tokens in common with a line, and their number.

    Of several, the one with most wildcards is taken.
    """
    best, most, most_wild = -1, -1, -1
    slot = nodes[leaf].first
    while slot >= 0:
        start = clusters[slot].start
        same, wild = 0, 0
        for i in range(len(line)):
            token = tokens[start + i]
            wild += token == WILDCARD
            same += token != WILDCARD and token == line[i]
        if same > most or (same == most and wild > most_wild):
            best, most, most_wild = slot, same, wild
        slot = clusters[slot].next
    return best, most


@inner
def _mark(leaf, place, token, size):  # type: ignore[no-untyped-def]
    """Where ``marks`` says whether a cluster of this leaf may have this token at this place."""
    code = (np.uint64(leaf) * np.uint64(0xC2B2AE3D27D4EB4F) + np.uint64(place)) ^ (
        np.uint64(token) * np.uint64(0x9E3779B97F4A7C15)
    )
    code = (code ^ (code >> np.uint64(29))) * np.uint64(0xBF58476D1CE4E5B9)
    return np.int64((code >> np.uint64(32)) & np.uint64(size - 1))


@inner
def _hopeless(marks, leaf, line, sim_th):  # type: ignore[no-untyped-def]
    """Whether no cluster of a leaf can be similar enough to a line: too few of its tokens are where any has them."""
    possible = 0
    for i in range(len(line)):
        possible += marks[_mark(leaf, i, line[i], len(marks))]
    return possible / len(line) < sim_th


@kernel
def mark_all(marks, clusters, tokens, count):  # type: ignore[no-untyped-def]
    """Enter the templates of the first ``count`` clusters into the empty ``marks``; returns the number of entries."""
    entries = 0
    for slot in range(count):
        if clusters[slot].number > 0:
            for i in range(clusters[slot].length):
                token = tokens[clusters[slot].start + i]
                if token != WILDCARD:
                    marks[_mark(clusters[slot].node, i, token, len(marks))] = 1
                    entries += 1
    return entries


@inner
def _drop_used(clusters, state, queue):  # type: ignore[no-untyped-def]
    """Skip those in the queue that were used since it was made, or are gone."""
    while state[NEXT] < state[QUEUED]:
        slot = queue[state[NEXT], 0]
        if clusters[slot].number > 0 and clusters[slot].used == queue[state[NEXT], 1]:
            return
        state[NEXT] += 1


@inner
def _evict(nodes, clusters, state, queue):  # type: ignore[no-untyped-def]
    """Remove the least recently used cluster, the first of the queue.

    The queue has the clusters that were used least recently when it was made, in order. Of all others each was used
    later, and what was used since was skipped, so its first one is the least recently used of all.
    """
    oldest = queue[state[NEXT], 0]
    state[NEXT] += 1
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
    state[ALIVE] -= 1


@kernel
def scan(  # type: ignore[no-untyped-def]
    lines, begin, out, starts, words, numeric, memo, edges, nodes, clusters, tokens, marks, queue, state, sim_th, rules
):
    """Give each of ``lines`` from ``begin`` on its cluster, as Drain does; ``out`` takes the cluster numbers.

    ``lines`` are numbers of shapes, whose words are ``words[starts[i] : starts[i + 1]]``; ``memo`` remembers for each
    shape the cluster that it had last. Stops early where a table is full; the caller grows the tables and calls again.
    Returns the number of lines that are done.
    """
    for i in range(begin, len(lines)):
        known = memo[lines[i]]
        slot = known.cluster
        if slot < 0 or nodes[known.node].version != known.version:
            line = words[starts[lines[i]] : starts[lines[i] + 1]]
            leaf = leaf_of(edges, nodes, line, rules[0])
            slot, same = -1, -1
            if leaf >= 0:
                several = nodes[leaf].first != nodes[leaf].last
                if not (several and len(line) and _hopeless(marks, leaf, line, sim_th)):
                    slot, same = _nearest(nodes, clusters, tokens, leaf, line)
            if slot >= 0 and len(line) and same / len(line) < sim_th:
                slot = -1
            if slot < 0:
                if (
                    state[CLUSTERS] == len(clusters)
                    or state[TOKENS] + len(line) > len(tokens)
                    or state[NODES] + rules[0] >= len(nodes)
                    or 2 * (state[NODES] + rules[0]) >= len(edges)
                    or SPARSE * (state[MARKED] + len(line)) > len(marks)
                ):
                    return i
                if 0 < rules[2] <= state[ALIVE]:
                    _drop_used(clusters, state, queue)
                    if state[NEXT] == state[QUEUED]:
                        return i
                    _evict(nodes, clusters, state, queue)
                leaf = _leaf_for_new(edges, nodes, state, line, numeric, rules)
                slot, same = _create(nodes, clusters, tokens, marks, state, leaf, line), len(line)
                for token in line:
                    same -= token == WILDCARD
            else:
                _merge(nodes, clusters, tokens, slot, line)
            known.node, known.version = leaf, nodes[leaf].version
            # A line with many wildcards is not similar enough to its own template: each time it creates a new one.
            known.cluster = slot if not len(line) or same / len(line) >= sim_th else -1
        clusters[slot].size += 1
        clusters[slot].used = state[CLOCK]
        state[CLOCK] += 1
        out[i] = clusters[slot].number
    return len(lines)


@inner
def _create(nodes, clusters, tokens, marks, state, leaf, line):  # type: ignore[no-untyped-def]
    """Create a cluster whose template is the line itself; returns its index."""
    slot = state[CLUSTERS]
    state[CLUSTERS] += 1
    state[NUMBER] += 1
    state[ALIVE] += 1
    clusters[slot].number, clusters[slot].node, clusters[slot].size = state[NUMBER], leaf, 0
    clusters[slot].start, clusters[slot].length = state[TOKENS], len(line)
    for i in range(len(line)):
        tokens[state[TOKENS]] = line[i]
        state[TOKENS] += 1
        marks[_mark(leaf, i, line[i], len(marks))] = 1
    state[MARKED] += len(line)
    append(nodes, clusters, leaf, slot)
    nodes[leaf].version += 1
    return slot


@inner
def _merge(nodes, clusters, tokens, slot, line):  # type: ignore[no-untyped-def]
    """Put a wildcard into the template of a cluster wherever the line differs from it."""
    changed = False
    for i in range(len(line)):
        place = clusters[slot].start + i
        if tokens[place] != line[i] and tokens[place] != WILDCARD:
            tokens[place] = WILDCARD
            changed = True
    if changed:
        nodes[clusters[slot].node].version += 1
