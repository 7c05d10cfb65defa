"""Detector ``deeplog``: a network that predicts the next event from those before it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt
from pydantic import Field

from logradar.core.config import Config
from logradar.core.distinct import Distinct
from logradar.core.sequences import Sequences
from logradar.core.tables import FIRST_TEMPLATE, PADDING
from logradar.detectors.neural.body import NeuralDetector, NeuralSettings
from logradar.detectors.neural.surprisal import END, Surprise, classes_of
from logradar.detectors.neural.vocabulary import Vocabulary
from logradar.detectors.neural.windows import Windows, chunks, rows_of, windows, windows_of
from logradar.training.rows import Rows
from logradar.training.settings import TrainingSettings

if TYPE_CHECKING:
    import torch

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]


class DeepLogTraining(TrainingSettings):
    """`TrainingSettings` with a higher learning rate, chosen by validation loss: a few dozen epochs, not hundreds."""

    learning_rate: float = Field(3e-3, gt=0, description="highest learning rate of AdamW")


class DeepLogSettings(NeuralSettings):
    """Settings of ``deeplog``; the sizes are those of the paper."""

    vocabulary: int = Field(
        0,
        ge=0,
        description="templates that the network knows at most, the most frequent ones; rarer events count as "
        "unknown; 0: all of training",
    )
    window: int = Field(10, ge=1, description="events before the predicted one that the network reads")
    hidden: int = Field(64, ge=1, description="units of an LSTM layer")
    layers: int = Field(2, ge=1, description="LSTM layers")
    embedding: int = Field(32, ge=0, description="dimensions of an event; 0: one-hot, as in the paper")
    dropout: float = Field(0.0, ge=0, lt=1, description="share of units left out in training")
    ends: bool = Field(True, description="predict the end of a session as well, so that a missing tail is found")
    training: DeepLogTraining = DeepLogTraining()


class DeepLog(NeuralDetector):
    """Predicts each event of a session from the 10 before it with an LSTM; unlikely events are unusual.

    The log-key model of DeepLog (Du et al., CCS 2017). The first events of a session are predicted
    as well, from a window padded at the front. It learns from distinct windows weighted by their
    counts. With ``score=rank`` the score is the worst rank of any event: a threshold of 9 is
    the paper's rule "not among the top 9".
    """

    Settings: ClassVar[type[Config]] = DeepLogSettings

    def _network(self) -> torch.nn.Module:
        from logradar.detectors.neural.lstm import WindowLSTM

        s = self.settings
        classes = len(self.vocabulary) - FIRST_TEMPLATE + 1
        return WindowLSTM(len(self.vocabulary), classes, s.embedding, s.hidden, s.layers, s.dropout)

    def _vocabulary(self, train: Distinct, before: Vocabulary) -> Vocabulary:
        most = self.settings.vocabulary
        if not most:
            return super()._vocabulary(train, before)
        return Vocabulary.most_frequent(train.chunks(), most, before.ids)

    def _new_templates(self, learnt: Sequences, before: Vocabulary) -> npt.NDArray[np.int32]:
        new, most = super()._new_templates(learnt, before), self.settings.vocabulary
        return new[: max(most - len(before.ids), 0)] if most else new

    def _example(self) -> dict[str, npt.NDArray[Any]]:
        return {"history": np.zeros((2, self.settings.window), np.int32)}

    def _pieces(self, tokens: Sequences) -> Sequences:
        return rows_of(self._windows(tokens))

    def _rows(self, pieces: Sequences) -> Rows:
        distinct = windows_of(pieces, self.settings.window)
        target = _targets(distinct)
        known = target >= 0  # a target that cannot be predicted cannot be learnt
        return Rows({"history": distinct.history[known], "target": target[known]}, distinct.counts[known])

    def _loss(self, network: torch.nn.Module, batch: dict[str, torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
        log_probabilities = network(batch["history"])
        return -log_probabilities.gather(1, batch["target"][:, None])[:, 0], batch["weights"]

    def _surprise(self, tokens: Sequences) -> Surprise:
        events, ends = np.zeros(len(tokens.values), np.float32), np.zeros(len(tokens), np.float32)
        for rows, part in chunks(tokens):
            distinct = self._windows(part)
            scores = self._measured(distinct)[distinct.inverse]
            first = int(tokens.offsets[rows.start])
            events[first : first + len(part.values)] = scores[: len(part.values)]
            if self.settings.ends:
                ends[rows] = scores[len(part.values) :]
        return Surprise(events, ends)

    def _measured(self, distinct: Windows) -> Floats:
        target, done = _targets(distinct), 0
        scores = np.empty(len(target), np.float32)
        for log_probabilities in self._scorer({"history": distinct.history}):
            scores[done : done + len(log_probabilities)] = self._measure(
                log_probabilities, target[done : done + len(log_probabilities)]
            )
            done += len(log_probabilities)
        return scores

    def _windows(self, tokens: Sequences) -> Windows:
        return windows(tokens, self.settings.window, self.settings.ends)

    def _predictions(self, tokens: Sequences, rows: Ints, places: Ints) -> Floats:
        size = self.settings.window
        before = places[:, None] - size + np.arange(size)
        value = np.maximum(tokens.offsets[rows][:, None] + before, 0)
        history = np.where(before >= 0, tokens.values[value], PADDING) if len(rows) else np.empty((0, size))
        log_probabilities = list(self._scorer({"history": history.astype(np.int32)}))
        return np.concatenate(log_probabilities) if log_probabilities else np.empty((0, 1), np.float32)


def _targets(distinct: Windows) -> Ints:
    """The class of each target; padding after the last event is the end."""
    return np.where(distinct.target == PADDING, END, classes_of(distinct.target))
