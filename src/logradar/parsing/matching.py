"""Find the known template that a masked line matches, without learning from it.

A template matches a line that has the same number of tokens and the same constant tokens; wildcards match any
token. If several match, the one with the most constants is taken, first in the line's leaf of the tree, then among
all templates: the tree may have got a new branch since the line was learnt. Thus every line that a template was
learnt from still matches it, and a line with a changed constant word matches nothing.
"""

from __future__ import annotations

import numba
import numpy as np

from logradar.core.tables import FIRST_TEMPLATE, UNKNOWN
from logradar.parsing.drain import Drain
from logradar.parsing.interning import Ids, grown
from logradar.parsing.tree_kernels import WILDCARD, leaf_of

_NEW = 0  # not matched yet; template ids are never 0


class TemplateMatcher:
    """Finds the template ids of lines of a `Drain`, which must not learn while this object is in use."""

    def __init__(self, drain: Drain) -> None:
        self.drain = drain
        clusters = drain.tree.slots
        alive = np.flatnonzero(clusters["number"])
        self._slots = alive[np.argsort(clusters["length"][alive], kind="stable")]
        self._lengths = clusters["length"][self._slots].astype(np.int64)
        self._template_ids = np.full(1 << 10, _NEW, np.int32)

    def match(self, lines: Ids) -> Ids:
        """The template id of every line (given by its id in the drain), `UNKNOWN` where none matches."""
        drain, tree = self.drain, self.drain.tree
        self._template_ids = grown(self._template_ids, len(drain.lines))
        new = np.unique(lines[self._template_ids[lines] == _NEW])
        if len(new):
            _match(
                *(new, self._template_ids, drain.starts, drain.tokens),
                *(tree.edges, tree.nodes, tree.clusters, tree.tokens, drain.settings.depth),
                *(self._slots, self._lengths),
            )
        return self._template_ids[lines]


@numba.njit(cache=True, nogil=True)
def _constants(tokens, start, line):  # type: ignore[no-untyped-def]
    """Number of constants of a template; -1 if the line differs in one of them."""
    count = 0
    for i in range(len(line)):
        if tokens[start + i] != WILDCARD:
            if tokens[start + i] != line[i]:
                return -1
            count += 1
    return count


@numba.njit(cache=True, nogil=True)
def _match(lines, out, starts, words, edges, nodes, clusters, tokens, depth, slots, lengths):  # type: ignore[no-untyped-def]
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
            for k in range(np.searchsorted(lengths, len(line)), np.searchsorted(lengths, len(line) + 1)):
                constants = _constants(tokens, clusters[slots[k]].start, line)
                if constants > most:
                    best, most = slots[k], constants
        out[lines[i]] = UNKNOWN if best < 0 else clusters[best].number + FIRST_TEMPLATE - 1
