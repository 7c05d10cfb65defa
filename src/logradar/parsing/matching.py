"""Fitting: which known template a masked line belongs to, without learning from it.

A template fits a line that has as many tokens and the same constant tokens; wildcards take any
token. Of several, the one with the most constants wins, first in the line's own leaf of the tree,
then among all: a line that once went through a wildcard branch may have a branch of its own by now.
So every line that a template was learnt from still fits it, and a changed word fits nothing.
"""

from __future__ import annotations

import numpy as np

from logradar.core.kernels import inner, kernel, lower_bound
from logradar.core.tables import FIRST_TEMPLATE, UNKNOWN
from logradar.parsing.drain import Drain
from logradar.parsing.interning import Ids, grown
from logradar.parsing.tree_kernels import WILDCARD, leaf_of

_NEW = 0  # not looked at yet; template ids are never 0


class TemplateMatcher:
    """Template ids of line ids for a `Drain` that stands still while this lives."""

    def __init__(self, drain: Drain) -> None:
        self.drain = drain
        made = drain.tree.slots
        alive = np.flatnonzero(made["number"])
        self._slots = alive[np.argsort(made["length"][alive], kind="stable")]
        self._lengths = made["length"][self._slots].astype(np.int64)
        self._found = np.full(1 << 10, _NEW, np.int32)

    def of(self, lines: Ids) -> Ids:
        """The template id of every line, `UNKNOWN` where none fits."""
        drain, tree = self.drain, self.drain.tree
        self._found = grown(self._found, len(drain.lines))
        new = np.unique(lines[self._found[lines] == _NEW])
        if len(new):
            _fit(
                *(new, self._found, drain.starts, drain.tokens),
                *(tree.edges, tree.nodes, tree.clusters, tree.tokens, drain.settings.depth),
                *(self._slots, self._lengths),
            )
        return self._found[lines]


@inner
def _constants(tokens, start, line):  # type: ignore[no-untyped-def]
    """How many constants a template has; -1 if the line lacks one of them."""
    count = 0
    for i in range(len(line)):
        if tokens[start + i] != WILDCARD:
            if tokens[start + i] != line[i]:
                return -1
            count += 1
    return count


@kernel
def _fit(lines, found, starts, words, edges, nodes, clusters, tokens, depth, slots, lengths):  # type: ignore[no-untyped-def]
    for i in range(len(lines)):
        line = words[starts[lines[i]] : starts[lines[i] + 1]]
        best, most = -1, -1
        leaf = leaf_of(edges, nodes, line, depth)
        slot = nodes[leaf].first if leaf >= 0 else -1
        while slot >= 0:
            constants = _constants(tokens, clusters[slot].start, line)
            if constants > most:
                best, most = slot, constants
            slot = clusters[slot].next
        if best < 0:
            for k in range(lower_bound(lengths, len(line)), lower_bound(lengths, len(line) + 1)):
                constants = _constants(tokens, clusters[slots[k]].start, line)
                if constants > most:
                    best, most = slots[k], constants
        found[lines[i]] = UNKNOWN if best < 0 else clusters[best].number + FIRST_TEMPLATE - 1
