"""Detectors that read a session from its start and predict each next event, and the end."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from logradar.core.config import Config
from logradar.core.sequences import Sequences
from logradar.core.tables import FIRST_TEMPLATE, PADDING, UNKNOWN
from logradar.detectors.neural.body import NeuralDetector, NeuralSettings
from logradar.detectors.neural.spans import Spans, spans
from logradar.detectors.neural.surprisal import END, Surprise, classes_of
from logradar.detectors.neural.windows import chunks
from logradar.training.ragged import RaggedRows, padded
from logradar.training.settings import TrainingSettings

if TYPE_CHECKING:
    import torch

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]


class CausalTraining(TrainingSettings):
    """`TrainingSettings` for whole sessions, which are fewer than windows; chosen by validation loss."""

    learning_rate: float = Field(3e-3, gt=0, description="highest learning rate of AdamW")
    batch_size: int = Field(64, ge=1, description="rows per step and device")


class CausalSettings(NeuralSettings):
    """Settings of detectors that read whole sessions."""

    embedding: int = Field(32, ge=1, description="dimensions of an event")
    dropout: float = Field(0.0, ge=0, lt=1, description="share of units left out in training")
    ends: bool = Field(True, description="predict the end of a session as well, so that a missing tail is found")
    longest: int = Field(1024, ge=2, description="events read at once; a longer session is read in overlapping spans")
    context: int = Field(256, ge=1, description="events before a span that are read again as its context")
    training: CausalTraining = CausalTraining()

    @model_validator(mode="after")
    def _moves_on(self) -> CausalSettings:
        if self.context >= self.longest:
            raise ValueError(f"context is {self.context}; it must be below longest, which is {self.longest}")
        return self


class CausalDetector(NeuralDetector):
    """Predicts every event of a session, and its end, from all that came before.

    A session is one row: `PADDING` for its start, its tokens, and `PADDING` for its end. It is read
    once, distinct sessions only, with their counts as weights. A row above ``longest`` is cut into
    spans: what a span predicts rests on its own events and on ``context`` before them, in
    training and in scoring alike, so that memory is bounded. A subclass gives the network:
    tokens (rows, length) -> log-probabilities (rows, length, classes) of what comes after each.
    """

    Settings: ClassVar[type[Config]] = CausalSettings
    ragged = True

    @property
    def _classes(self) -> int:
        return len(self.vocabulary) - FIRST_TEMPLATE + 1

    def _example(self) -> dict[str, npt.NDArray[Any]]:
        return {"tokens": np.zeros((2, 8), np.int32)}

    def _spans(self, framed: Sequences) -> Spans:
        return spans(framed, self.settings.longest + 1, self.settings.context)

    def _pieces(self, tokens: Sequences) -> Sequences:
        return self._spans(_framed(tokens, self.settings.ends)).sequences

    def _rows(self, pieces: Sequences) -> RaggedRows:
        first = pieces.offsets[:-1][pieces.lengths > 0]
        known = np.zeros(len(pieces), np.int64)  # a span that continues another one does not begin with the start
        known[pieces.lengths > 0] = np.where(pieces.values[first] == PADDING, 1, self.settings.context)
        asked = (pieces.positions >= np.repeat(known, pieces.lengths)) & (pieces.values != UNKNOWN)
        predictions = pieces.sums(asked).astype(np.int64)
        learnable = np.flatnonzero(predictions)  # without a prediction there is nothing to learn
        kept = pieces.take(learnable)
        rows = Sequences(kept.values, kept.offsets, pieces.counts[learnable], kept.inverse)
        return RaggedRows(rows, predictions=predictions[learnable])

    def _loss(self, network: torch.nn.Module, batch: dict[str, torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
        import torch

        tokens = batch["tokens"]
        log_probabilities, target = network(tokens[:, :-1]), tokens[:, 1:].long()
        place = torch.arange(1, tokens.shape[1], device=tokens.device)[None]
        known = torch.where(tokens[:, :1] == PADDING, 1, self.settings.context)
        asked = (place >= known) & (place < batch["lengths"][:, None]) & (target != UNKNOWN)
        came = torch.where(target >= FIRST_TEMPLATE, target - FIRST_TEMPLATE + 1, END)
        return -log_probabilities.gather(2, came[:, :, None])[:, :, 0], batch["weights"][:, None] * asked

    def _surprise(self, tokens: Sequences) -> Surprise:
        events, ends = np.zeros(len(tokens.values), np.float32), np.zeros(len(tokens), np.float32)
        for rows, part in chunks(tokens):
            framed = _framed(part, self.settings.ends)
            scores = self._framed_scores(framed, self._spans(framed))
            last = framed.offsets[1:] - 1
            within = framed.positions > 0
            if self.settings.ends:
                ends[rows] = scores[last]
                within[last] = False
            events[tokens.offsets[rows.start] : tokens.offsets[rows.stop]] = scores[within]
        return Surprise(events, ends)

    def _framed_scores(self, framed: Sequences, cut: Spans) -> Floats:
        """The score of every value but the first of each row, which nothing predicts."""
        pieces = cut.sequences
        classes = np.where(pieces.values == PADDING, END, classes_of(pieces.values))
        piece_scores = np.zeros(len(pieces.values), np.float32)
        for index, log_probabilities in self._outputs(pieces):
            width = log_probabilities.shape[1]
            came = padded(classes, pieces.offsets, index, width + 1)[:, 1:]
            scores = self._measure(log_probabilities.reshape(-1, log_probabilities.shape[2]), came.ravel()).reshape(
                came.shape
            )
            inside = np.arange(1, width + 1) < pieces.lengths[index][:, None]
            piece_scores[(pieces.offsets[:-1][index][:, None] + np.arange(1, width + 1))[inside]] = scores[inside]
        fresh = pieces.positions >= np.repeat(cut.known, pieces.lengths)
        scores = piece_scores[fresh]  # spans are in order: these are the framed values, each once
        assert len(scores) == len(framed.values)
        return scores

    def _outputs(self, pieces: Sequences) -> Iterator[tuple[Ints, Floats]]:
        """For batches of pieces: which they are, and the log-probabilities after each value but the last."""
        last = np.zeros(len(pieces.values), bool)
        last[pieces.offsets[1:] - 1] = True
        return self._scorer.ragged({"tokens": pieces.values[~last]}, pieces.offsets - np.arange(len(pieces) + 1))

    def _predictions(self, tokens: Sequences, rows: Ints, places: Ints) -> Floats:
        predictions = np.empty((len(rows), self._classes), np.float32)
        wanted, row = np.unique(rows, return_inverse=True)
        cut = self._spans(_framed(tokens.take(wanted), True))
        step = self.settings.longest + 1 - self.settings.context
        which = np.maximum((places + 1 - self.settings.context) // step, 0)  # the span in which a place is new
        piece = np.searchsorted(cut.row, row) + which
        column = places - cut.start[piece]
        for index, log_probabilities in self._outputs(cut.sequences):
            place = np.full(len(cut.row), -1, np.int64)
            place[index] = np.arange(len(index))
            chosen = np.flatnonzero(place[piece] >= 0)
            predictions[chosen] = log_probabilities[place[piece[chosen]], column[chosen]]
        return predictions


def _framed(tokens: Sequences, ends: bool) -> Sequences:
    """Every row with a ``PADDING`` before it for the start, and one behind it for the end; with its count."""
    lengths = tokens.lengths + 1 + ends
    offsets = np.zeros(len(tokens) + 1, np.int64)
    np.cumsum(lengths, out=offsets[1:])
    values = np.full(int(offsets[-1]), PADDING, np.int32)
    values[np.arange(len(tokens.values)) + tokens.rows * (1 + ends) + 1] = tokens.values
    return Sequences(values, offsets, tokens.counts, np.arange(len(tokens), dtype=np.int64))
