"""Detector ``new_message``: messages that training did not have, weighed by what they say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, ClassVar, Final

import numpy as np
import numpy.typing as npt
import polars as pl
from pydantic import Field

from logradar.core.columns import HIGHEST_ID, numbers
from logradar.core.distinct import Distinct
from logradar.core.documents import Saved
from logradar.core.sequences import Sequences
from logradar.core.session_view import SessionView
from logradar.core.tables import FIRST_TEMPLATE
from logradar.core.telling_words import MEDIUM, STRONG, weights
from logradar.core.training_set import TrainingSet
from logradar.detectors.base import Finding, Floats, Incremental, Scored
from logradar.detectors.text.nearest_text import NearestText
from logradar.detectors.text.texts import KnownTexts

Ints = npt.NDArray[np.int32]
_WORDS: Final = 0.6  # the part of a score that telling words give; the rest is how far the nearest known message is
_NEAR: Final = 0.3  # distances up to which a message is like a known one,
_FAR: Final = 0.7  # and from which on it is unlike all
_LENGTH: Final = 2000  # characters of a message that are searched for telling words


class _State(Saved):
    ids: list[int]
    texts: list[str] = Field(max_length=HIGHEST_ID)


class NewMessage(Incremental):
    """How alarming the most alarming new message of a session is, from 0 to 1.

    `new_template` reports every message that training did not have. Of these most are harmless: another version
    writes other words. Here a new message counts 0.6 for words that say that something failed (less for those that only
    warn, see `core.telling_words`), and 0.4 for how far its words are from those of the nearest known message (the
    cosine, see `text.nearest_text`). A message whose text is not known counts 1, because nothing speaks for it.
    """

    inputs: ClassVar[frozenset[str]] = frozenset({"template_ids", "texts"})
    prefix_safe: ClassVar[bool] = True

    known: KnownTexts
    _named: Mapping[int, str] = {}
    _nearest: NearestText | None = None

    def _learn(self, training: TrainingSet) -> Floats:
        self._named = training.templates()
        scores = super()._learn(training)
        self._named = {}
        return scores

    def _fit(self, train: Distinct, valid: Sequences, folder: Path | None) -> None:
        self.known = KnownTexts.of(np.empty(0, np.int32), {})
        for chunk in train.chunks():
            self._learn_more(chunk)

    def _learn_more(self, new: Sequences) -> None:
        more = KnownTexts.of(new.values, self._named)
        if len(np.setdiff1d(more.ids, self.known.ids)):
            self.known, self._nearest = self.known.joined(more), None

    def _score(self, view: SessionView) -> Scored:
        places, texts = self._read(view)
        values = self._alarms(texts)[places]
        return Scored(view.sequences.maxima(values), values.astype(np.float32))

    def _read(self, view: SessionView) -> tuple[Ints, list[str | None]]:
        """As `KnownTexts.of_events`; while it learns, templates of validation sessions have texts too."""
        places, texts = self.known.of_events(view)
        if self._named:
            ids = view.sequences.values
            for id_ in np.unique(ids[places == len(self.known)]).tolist():
                if id_ in self._named:
                    places[ids == id_] = len(texts)
                    texts.append(self._named[id_])
        return places, texts

    def _alarms(self, texts: Sequence[str | None]) -> Floats:
        """How alarming each of the texts is, where `KnownTexts.of_events` gave them: 0 for known ones."""
        alarms, known = np.zeros(len(texts)), len(self.known)
        alarms[known] = 1.0
        new = [(text or "")[:_LENGTH] for text in texts[known + 1 :]]
        if new:
            if self._nearest is None:
                self._nearest = NearestText(self.known.texts)
            said = weights(pl.Series(new, dtype=pl.String)).to_numpy() / STRONG
            alarms[known + 1 :] = _WORDS * said + (1 - _WORDS) * self._nearest.distances(new)
        return alarms

    def _explain(self, view: SessionView) -> Iterator[list[Finding]]:
        sequences = view.sequences
        places, texts = self._read(view)
        alarms = self._alarms(texts)
        new = np.flatnonzero(alarms[places] > 0)
        bounds = np.searchsorted(new, sequences.offsets)
        for start, (first, last) in zip(sequences.offsets.tolist(), pairwise(bounds.tolist()), strict=False):
            yield [
                Finding(
                    _reason(texts[places[place]], self._nearest),
                    position=place - start,
                    template_id=int(sequences.values[place]),
                    weight=float(alarms[places[place]]),
                )
                for place in new[first:last].tolist()
            ]

    def _save(self, folder: Path) -> dict[str, Any]:
        return {"ids": self.known.ids.tolist(), "texts": list(self.known.texts)}

    def _load(self, folder: Path, state: dict[str, Any]) -> None:
        saved = _State.of(state, "state")
        ids = numbers(saved.ids, np.int32, "'ids'", (FIRST_TEMPLATE, HIGHEST_ID), "strictly")
        if len(ids) != len(saved.texts):
            raise ValueError("'ids' and 'texts' differ in length")
        self.known = KnownTexts(ids, tuple(saved.texts))


def _reason(text: str | None, nearest: NearestText | None) -> str:
    """Why a new message is alarming, or not."""
    if text is None or nearest is None:
        return "never seen in training"
    said = float(weights(pl.Series([text[:_LENGTH]])).item())
    distance = float(nearest.distances([text[:_LENGTH]])[0])
    words = "and says that something failed" if said >= MEDIUM else "and warns" if said else "and says nothing alarming"
    near = (
        "like a known one"
        if distance < _NEAR
        else "unlike any known one"
        if distance > _FAR
        else "a bit like known ones"
    )
    return f"never seen in training, {near}, {words}"
