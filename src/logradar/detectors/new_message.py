"""Detector ``new_message``: messages that training did not have, weighed by what they say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, ClassVar, Final

import numpy as np
import numpy.typing as npt
import polars as pl
from pydantic import Field

from logradar.core.columns import HIGHEST_ID
from logradar.core.distinct import Distinct
from logradar.core.documents import Saved
from logradar.core.sequences import Sequences
from logradar.core.session_view import SessionView
from logradar.core.telling_words import MEDIUM, READ, STRONG, weights
from logradar.core.training_set import TrainingSet
from logradar.detectors.base import Finding, Floats, Incremental, Scored
from logradar.detectors.text.nearest_text import NearestText
from logradar.detectors.text.texts import KnownTexts

Ints = npt.NDArray[np.int32]
UNREAD: Final = "never seen in training"  # all that is known where there is no text
_WORDS: Final = 0.6  # the part of a score that telling words give; the rest is how far the nearest known message is
_NEAR: Final = 0.3  # distances up to which a message is like a known one,
_FAR: Final = 0.7  # and from which on it is unlike all


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
        values = self._judged(texts).alarms[places]
        return Scored(view.sequences.maxima(values), values.astype(np.float32))

    def _read(self, view: SessionView) -> tuple[Ints, list[str | None]]:
        """As `KnownTexts.of_events`; while it learns, templates of validation sessions have texts too."""
        places, texts = self.known.of_events(view)
        if self._named:
            new = np.flatnonzero(places == len(self.known))
            ids, which = np.unique(view.sequences.values[new], return_inverse=True)
            named = [self._named.get(id_) for id_ in ids.tolist()]
            places[new] = (len(texts) + which).astype(np.int32)
            texts += named
        return places, texts

    def _judged(self, texts: Sequence[str | None]) -> Judged:
        """Of the texts that `_read` gave: 0 for known ones, 1 where there is none."""
        known = len(self.known)
        new = [place for place in range(known + 1, len(texts)) if texts[place] is not None]
        said, distance = np.ones(len(texts)), np.ones(len(texts))
        said[:known] = distance[:known] = 0.0
        if new:
            if self._nearest is None:
                self._nearest = NearestText(self.known.texts)
            found = judged([str(texts[place]) for place in new], self._nearest)
            said[new], distance[new] = found.said, found.distance
        return Judged(said, distance)

    def _explain(self, view: SessionView) -> Iterator[list[Finding]]:
        sequences = view.sequences
        places, texts = self._read(view)
        found = self._judged(texts)
        alarms, reasons = found.alarms, found.reasons(texts)
        new = np.flatnonzero(alarms[places] > 0)
        bounds = np.searchsorted(new, sequences.offsets)
        for start, (first, last) in zip(sequences.offsets.tolist(), pairwise(bounds.tolist()), strict=False):
            yield [
                Finding(
                    reasons[places[place]],
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
        self.known = KnownTexts.restored(saved.ids, saved.texts)


@dataclass(frozen=True, eq=False)
class Judged:
    """Of some messages what their words say, and how far the nearest known one is; each from 0 to 1."""

    said: Floats
    distance: Floats

    @property
    def alarms(self) -> Floats:
        """How alarming each message is."""
        return _WORDS * self.said + (1 - _WORDS) * self.distance

    def reasons(self, texts: Sequence[str | None]) -> list[str]:
        """Why each of the messages, which are ``texts``, is alarming or not."""
        return [
            UNREAD if text is None else _reason(said * STRONG, distance)
            for text, said, distance in zip(texts, self.said.tolist(), self.distance.tolist(), strict=True)
        ]


def judged(texts: Sequence[str], nearest: NearestText) -> Judged:
    """Judge new messages beside the known ones of ``nearest``."""
    read = [text[:READ] for text in texts]
    return Judged(weights(pl.Series(read, dtype=pl.String)).to_numpy() / STRONG, nearest.distances(read))


def _reason(said: float, distance: float) -> str:
    words = "says that something failed" if said >= MEDIUM else "warns" if said else "says nothing alarming"
    like = "like a known one" if distance < _NEAR else "a bit like known ones"
    return f"{UNREAD}, {'unlike any known one' if distance > _FAR else like}, and {words}"
