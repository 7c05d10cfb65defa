"""Texts of sessions: every event is a text, and equal texts have one number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from logradar.core.columns import HIGHEST_ID, numbers
from logradar.core.sequences import Sequences
from logradar.core.session_view import SessionView
from logradar.core.tables import FIRST_TEMPLATE

Ids = npt.NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class SessionTexts:
    """Sessions as rows of numbers of ``texts``; None stands for an event of which no text is known."""

    sequences: Sequences
    texts: Sequence[str | None]
    known: int  # so many of the texts are those of templates of training

    def is_known(self, rows: Sequences, event: int) -> bool:
        """Whether an event of some of the rows has a template of training."""
        return int(rows.values[event]) < self.known


@dataclass(frozen=True, eq=False)
class KnownTexts:
    """The texts of the templates that training had: ``texts[i]`` is that of template ``ids[i]``; ids rise strictly.

    >>> known = KnownTexts.of(np.array([4, 3], np.int32), {3: "open <NUM>"})
    >>> known.texts
    ('open <NUM>', 'event 4')
    """

    ids: Ids
    texts: tuple[str, ...]

    @classmethod
    def of(cls, ids: Ids, templates: Mapping[int, str]) -> KnownTexts:
        """Of these template ids; one without a text is called ``event`` and its id."""
        ids = np.unique(ids[ids >= FIRST_TEMPLATE]).astype(np.int32)
        return cls(ids, tuple(templates.get(id_, f"event {id_}") for id_ in ids.tolist()))

    @classmethod
    def restored(cls, ids: Sequence[int], texts: Sequence[str]) -> KnownTexts:
        """What a bundle holds of them. Raises `ValueError` where it does not fit together."""
        found = numbers(ids, np.int32, "'ids'", (FIRST_TEMPLATE, HIGHEST_ID), "strictly")
        if len(found) != len(texts):
            raise ValueError("'ids' and 'texts' differ in length")
        return cls(found, tuple(texts))

    def joined(self, more: KnownTexts) -> KnownTexts:
        """These, and those of ``more`` that are new."""
        mine = dict(zip(self.ids.tolist(), self.texts, strict=True))
        every = dict(zip(more.ids.tolist(), more.texts, strict=True)) | mine
        ids = np.array(sorted(every), np.int32)
        return KnownTexts(ids, tuple(every[id_] for id_ in ids.tolist()))

    def __len__(self) -> int:
        return len(self.ids)

    def of_sequences(self, sequences: Sequences) -> Sequences:
        """Sequences of template ids as numbers of texts; one behind the last where a template is not known."""
        return Sequences(self._numbers(sequences.values), sequences.offsets, sequences.counts, sequences.inverse)

    def of_view(self, view: SessionView) -> SessionTexts:
        """Distinct sessions of a view with all their texts; ``inverse`` leads from rows of the view to them."""
        numbers, texts = self.of_events(view)
        rows = Sequences(numbers, view.sequences.offsets, view.sequences.counts, view.sequences.inverse)
        return SessionTexts(rows.distinct(), texts, len(self))

    def of_events(self, view: SessionView) -> tuple[Ids, list[str | None]]:
        """The number of the text of each event of a view, and all texts: known ones, None, and those that are new."""
        numbers = self._numbers(view.sequences.values)
        texts: list[str | None] = [*self.texts, None]
        if view.texts is not None and view.texts.null_count < len(view.texts):
            coded = view.texts.dictionary_encode()
            new = np.flatnonzero(coded.is_valid().to_numpy(zero_copy_only=False) & (numbers == len(self)))
            names = coded.dictionary.to_pylist()
            numbers[new] = len(texts) + np.asarray(coded.indices.take(pa.array(new)).to_numpy(), np.int32)
            texts += names
        return numbers, texts

    def _numbers(self, ids: Ids) -> Ids:
        place = np.searchsorted(self.ids, ids)
        known = place < len(self.ids)
        known[known] = self.ids[place[known]] == ids[known]
        return np.where(known, place, len(self.ids)).astype(np.int32)
