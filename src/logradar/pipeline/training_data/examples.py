"""Examples: what a bundle keeps of judged training sessions, with lines of one session of each kind for people."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from logradar.core.sequences import Ints, Sequences
from logradar.detectors.density import sorted_rows
from logradar.detectors.fusion.suspects import Suspects
from logradar.model.training_sessions import CHARACTERS, LINES, Examples, TrainingSessions

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
    suspicion = np.maximum(suspicion, -1e9)
    table = sessions.select(["start", "end", "service"])
    found = TrainingSessions(rows, suspicion, rows.inverse, trained, table, judged.rules, {})
    if not found.fits:
        return None
    vectors = sorted_rows(rows).distinct()
    kind_of = vectors.inverse[rows.inverse]
    suspect = np.zeros(len(vectors), bool)
    suspect[kind_of[judged.mask]] = True
    order = np.argsort(-vectors.counts, kind="stable")
    chosen = np.concatenate([order[suspect[order]][:SUSPECT], order[~suspect[order]][:OTHERS]])
    examples = _examples(sessions, kind_of, chosen, vectors, lines) if lines else {}
    return TrainingSessions(rows, suspicion, rows.inverse, trained, table, judged.rules, examples)


def _examples(sessions: pa.Table, kind_of: Ints, chosen: Ints, vectors: Sequences, lines: Lines) -> Examples:
    """The first lines of the first session of each chosen kind."""
    kinds, first = np.unique(kind_of, return_index=True)
    at = first[np.searchsorted(kinds, chosen)]
    names = kind_names(vectors)[chosen]
    records = [ids[:LINES] for ids in sessions["record_ids"].take(pa.array(at)).to_pylist()]
    wanted = sorted({number for ids in records for number in ids})
    table = lines(wanted) if wanted else None
    texts: dict[int, str] = {}
    if table is not None:
        heads = pc.utf8_slice_codeunits(table["body"].cast(pa.large_string()), 0, CHARACTERS)
        texts = dict(zip(table["record_id"].to_pylist(), heads.to_pylist(), strict=True))
    return {
        name: [texts[number].split("\n")[0] for number in ids if number in texts]
        for name, ids in zip(names.tolist(), records, strict=True)
    }


def kind_names(vectors: Sequences) -> np.ndarray:
    """The name of each kind, given as its sorted row of template ids: sixteen hex digits."""
    return np.array([f"{int(value):016x}" for value in vectors.fingerprints()])
