"""The questions that LogBERT is asked about sessions: framed spans, and masks that cover every event once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from logradar.core.sequences import Sequences
from logradar.core.tables import MASK, UNKNOWN
from logradar.detectors.neural.spans import Spans, spans

Ints = npt.NDArray[np.int64]
Ids = npt.NDArray[np.int32]
Bools = npt.NDArray[np.bool_]

FRAME: Final = 2  # tokens around a span
SPECIAL: Final = 3  # tokens after the vocabulary: BEGIN and END of a session, CUT where a span ends inside one
WHOLE: Final = -1  # the pattern that masks nothing


@dataclass(frozen=True, eq=False)
class Framed:
    """Spans of several rows, each between two tokens that say whether the session begins and ends there.

    ``sequences[i]`` is span ``i`` with its frame. Its first event is event ``first[i]`` of all rows'
    values; of these it gives scores to ``own[i]`` up to ``own[i + 1]``; the border is the middle of what
    two spans share, so that every event has context on both sides.
    """

    sequences: Sequences
    row: Ints
    first: Ints
    own: Ints

    @classmethod
    def of(cls, tokens: Sequences, positions: int, vocabulary: int) -> Framed:
        """Spans of at most ``positions`` tokens, a quarter of them shared; the vocabulary has ``vocabulary`` tokens."""
        begin, end, cut = range(vocabulary, vocabulary + SPECIAL)
        longest = positions - FRAME
        pieces = spans(tokens, longest, longest // 4)
        inner, last = pieces.sequences, _last(pieces)
        offsets = inner.offsets + FRAME * np.arange(len(inner) + 1)
        values = np.empty(int(offsets[-1]), np.int32)
        values[offsets[:-1]] = np.where(pieces.start == 0, begin, cut)
        values[offsets[1:] - 1] = np.where(last, end, cut)
        values[np.arange(len(inner.values)) + FRAME * inner.rows + 1] = inner.values
        framed = Sequences(values, offsets, inner.counts, np.arange(len(inner), dtype=np.int64))
        first = tokens.offsets[pieces.row] + pieces.start
        own = np.append(first + pieces.known // 2, len(tokens.values))
        return cls(framed, pieces.row, first, own)


@dataclass(frozen=True, eq=False)
class Patterns:
    """Spans shown with some events masked: row ``i`` is span ``span[i]`` under ``pattern[i]``.

    Pattern p of n masks the events p, p + n, p + 2n …, so that n patterns mask each event once;
    `WHOLE` masks none. ``masked`` says for every value whether it is masked, ``event`` which event of
    all rows it is (without meaning for values that are no events).
    """

    shown: Sequences
    span: Ints
    pattern: Ints
    masked: Bools
    event: Ints

    @classmethod
    def of(cls, framed: Framed, span: Ints, pattern: Ints, passes: int) -> Patterns:
        """The named patterns of the named spans; a span with fewer events than ``passes`` has that many patterns."""
        rows = framed.sequences.take(span)
        place, row = rows.positions, rows.rows
        count = np.maximum(np.minimum(framed.sequences.lengths[span] - FRAME, passes), 1)
        inside = (place > 0) & (place < rows.lengths[row] - 1)
        masked = inside & ((place - 1) % count[row] == pattern[row])
        values = np.where(masked | (rows.values == UNKNOWN), MASK, rows.values).astype(np.int32)
        shown = Sequences(values, rows.offsets, rows.counts, rows.inverse)
        return cls(shown, span, pattern, masked, framed.first[span][row] + place - 1)

    @classmethod
    def every(cls, framed: Framed, passes: int) -> Patterns:
        """All patterns of all spans, and each span whole; a span without events has neither."""
        events = framed.sequences.lengths - FRAME
        count = np.where(events > 0, np.minimum(events, passes) + 1, 0)
        span = np.repeat(np.arange(len(count), dtype=np.int64), count)
        pattern = np.arange(len(span)) - np.repeat(np.cumsum(count) - count, count) + WHOLE
        return cls.of(framed, span, pattern, passes)


def _last(pieces: Spans) -> Bools:
    """Which spans are the last of their row."""
    return np.append(pieces.row[1:] != pieces.row[:-1], True)[: len(pieces.row)]
