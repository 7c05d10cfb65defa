"""Examples: what a bundle keeps of judged training sessions, with lines of one session of each kind for people."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from logradar.core.sequences import Ints, Sequences
from logradar.detectors.baselines.count_tails import Rarity
from logradar.detectors.fusion.suspects import Suspects
from logradar.model.training_sessions import CHARACTERS, LIMIT, LINES, Examples, TrainingSessions

SUSPECT: Final = 200  # kinds of suspect sessions that have an example, the most frequent first
OTHERS: Final = 100  # kinds of other sessions
Lines = Callable[[list[int]], pa.Table]


def training_sessions(
    sessions: pa.Table, trained: int, judged: Suspects, lines: Lines | None = None
) -> TrainingSessions | None:
    """What a bundle keeps of SESSIONS in order, of which the first ``trained`` are of the training part.

    ``lines`` fetches LOG_RECORDS by record id. None where there are too many to keep.
    """
    rows = Sequences.from_arrow(sessions["template_ids"]).distinct()
    suspicion = np.full(len(rows), -np.inf)
    np.maximum.at(suspicion, rows.inverse, judged.scores)
    suspicion = np.maximum(suspicion, -LIMIT)
    table = sessions.select(["start", "end", "service"])
    found = TrainingSessions(rows, suspicion, rows.inverse, trained, table, judged.rules, {})
    if not found.fits:
        return None
    if lines is None:
        return found
    vectors, kind_of_row = found.kinds
    kind_of = kind_of_row[rows.inverse]
    suspect = found.kind_suspicion > 0
    order = np.argsort(-vectors.counts, kind="stable")
    chosen = np.concatenate([order[suspect[order]][:SUSPECT], order[~suspect[order]][:OTHERS]])
    names = [found.kind_names[kind] for kind in chosen.tolist()]
    return replace(found, examples=_examples(sessions, kind_of, chosen, names, Rarity.none().and_of(vectors), lines))


def _examples(
    sessions: pa.Table, kind_of: Ints, chosen: Ints, names: list[str], rarity: Rarity, lines: Lines
) -> Examples:
    """Lines of the first session of each chosen kind, in order: those whose templates the fewest sessions have."""
    kinds, first = np.unique(kind_of, return_index=True)
    some = sessions.take(pa.array(first[np.searchsorted(kinds, chosen)]))
    records = []
    for ids, templates in zip(some["record_ids"].to_pylist(), some["template_ids"].to_pylist(), strict=True):
        held = rarity.held[np.searchsorted(rarity.templates, templates)]
        records.append([ids[place] for place in np.sort(np.argsort(held, kind="stable")[:LINES]).tolist()])
    wanted = sorted({number for ids in records for number in ids})
    texts: dict[int, str] = {}
    if wanted:
        table = lines(wanted)
        heads = pc.utf8_slice_codeunits(table["body"], 0, CHARACTERS)
        texts = dict(zip(table["record_id"].to_pylist(), heads.to_pylist(), strict=True))
    return {
        name: [texts[number].split("\n")[0] for number in ids if number in texts]
        for name, ids in zip(names, records, strict=True)
    }
