"""A federation of sketches: one message of each client, merged into a detector of count vectors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from logradar.core.sequences import Sequences
from logradar.core.session_view import SessionView
from logradar.core.tables import FIRST_TEMPLATE
from logradar.detectors.count_vector import CountVector
from logradar.federated.sketch import fingerprint, renumbered, sketched, unsketched


@dataclass(frozen=True, eq=False)
class Sketched:
    """What came of the sketches of all clients: the detector, and how many bytes they took.

    ``left_out`` counts rows that did not fit into a sketch, ``unlike`` pairs of templates with one fingerprint.
    """

    detector: CountVector
    up: int
    largest: int
    left_out: int
    unlike: int


def federated_counts(
    train: Sequence[Sequences], valid: Sequence[Sequences], texts: Mapping[int, str], largest: int
) -> Sketched:
    """Count vectors of clients, each with sequences to learn and later ones to score; only sketches pass.

    A client sends one sketch of what it learns and one of its validation sessions. The latter are scored by all that
    is known before that client's, then learnt, as ``Incremental`` does in order of time. The detector has the ids of
    ``texts``, since a bundle has its own templates.
    """
    known: dict[int, int] = {}
    whole: CountVector | None = None
    sizes, left_out = [], 0
    later = []
    for learn, watch in zip(train, valid, strict=True):
        for part, rows in ((0, learn), (1, watch)):
            if not len(rows):
                continue
            message, missing = sketched(rows.sorted().distinct(), texts, largest)
            sizes.append(len(message))
            left_out += missing
            prints, found = unsketched(message)
            own = CountVector.of_counts(found).renumber(renumbered(prints, known))
            if part:
                later.append(own.counts)
            elif whole is None:
                whole = own
            else:
                whole.merge(own)
    assert whole is not None
    back = {known[fingerprint(text)]: id_ for id_, text in texts.items() if fingerprint(text) in known}
    for number in known.values():
        back.setdefault(number, FIRST_TEMPLATE + (1 << 29) + number)
    whole = whole.renumber(back)
    scores: list[npt.NDArray[np.float64]] = [np.empty(0)]
    for rows in later:
        own = CountVector.of_counts(rows).renumber(back)
        scores.append(np.repeat(whole._score(SessionView(own.counts)).rows, own.counts.counts))
        whole.merge(own)
    whole.validation_scores = np.concatenate(scores)
    unlike = len(texts) - len({fingerprint(text) for text in texts.values()})
    return Sketched(whole, sum(sizes), max(sizes), left_out, unlike)
