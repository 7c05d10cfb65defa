"""Detector ``distilbert``: a language model that reads the words of a session."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final

import numpy as np
import numpy.typing as npt
from pydantic import ConfigDict, Field

from logradar.core.config import Config
from logradar.core.documents import Saved
from logradar.core.sequences import Sequences
from logradar.core.session_view import SessionView
from logradar.core.training_set import TrainingSet
from logradar.detectors.base import Finding, Scored
from logradar.detectors.neural.surprisal import most_surprising, together
from logradar.detectors.neural.validation_learning import learn_in_parts
from logradar.detectors.text.adapters import adapted
from logradar.detectors.text.body import LIKE, Reason, TextDetector, TextSettings
from logradar.detectors.text.reasons import missing, surprising
from logradar.detectors.text.texts import SessionTexts
from logradar.detectors.text.word_surprise import WordSurprise
from logradar.training.ragged import RaggedRows
from logradar.training.settings import TrainingSettings

if TYPE_CHECKING:
    import torch

Floats = npt.NDArray[np.float64]
_EVENTS: Final = 1 << 14  # events that are scored together
_USUAL: Final = 0.995  # the quantile of validation sessions at which both parts of the score are made equal
_LEAST: Final = math.log(2)  # nats; below this nothing is surprising
_CLEAR: Final = 0.1  # nats; below this a session counts as complete
_HEAVIEST: Final = 1000.0  # that a missing event can weigh


class DistilbertSettings(TextSettings):
    """Settings of ``distilbert``: what is hidden and taken out in training, and how a session is read."""

    mask: float = Field(0.15, gt=0, lt=1, description="share of the events whose words are all hidden in training")
    mask_words: float = Field(0.05, ge=0, lt=1, description="share of single words that are hidden too")
    holes: float = Field(
        0.3,
        ge=0,
        lt=1,
        description="share of rows that are asked what is missing; from half of these, events are taken out",
    )
    updates: int = Field(
        2,
        ge=0,
        description="parts of the validation sessions, in order of time: each is scored and then learnt, so that the "
        "newest normal behaviour is known; 0: they are scored and not learnt",
    )
    passes: int = Field(5, ge=1, description="times that a session is read, each with other events hidden")


class _Weight(Saved):
    model_config = ConfigDict(extra="ignore", frozen=True, allow_inf_nan=False, strict=True)

    weight: float = Field(ge=1, le=_HEAVIEST)


class Distilbert(TextDetector):
    """Reads the words of a session with DistilBERT; words that nobody would expect there are unusual.

    A masked language model (Devlin et al., NAACL 2019; Sanh et al., 2019) of sessions: their templates in words, with
    its own tokenizer. To score, all words of an event are hidden, and each is compared with what the model expects from
    all other events; an event is as surprising as its most surprising word. It is also asked, as LogBERT is, where an
    event is missing. A template that training did not have is judged by its words.
    """

    Settings: ClassVar[type[Config]] = DistilbertSettings
    parts = ("hidden", "missing")
    outputs = 2
    weight = 1.0  # of missing events, relative to surprising words
    before_validation: Any = None  # as it was before it learnt the validation sessions

    def example(self) -> dict[str, npt.NDArray[Any]]:
        return {"tokens": np.full((2, 9), 5, np.int32), "targets": np.full((2, 9), 5, np.int32)}

    def _learn(self, training: TrainingSet) -> Floats:
        self._begin(training)
        valid, network = training.valid_view(self.inputs), self.model.network()
        self._train(network, training, self._watched(valid))
        self._take(network)
        some = valid if len(valid) else SessionView(training.distinct.part(0, min(len(training.distinct), 1000)))
        self.weight = self._balance(some)
        if not len(valid):
            return np.empty(0)
        scores = self._score(valid).rows
        if not self.settings.updates:
            return scores
        return learn_in_parts(self, training.distinct, valid.sequences, scores, training.folder)

    def _learn_again(
        self, learnt: Sequences, watched: Sequences, settings: TrainingSettings, folder: Path | None, last: bool
    ) -> None:
        """Go on from the weights with distinct sequences ``learnt``; as `PredictsEvents._learn_again`."""
        from logradar.training.loop import fit_network

        network, words = self.model.network(), self._words(self.known.texts)
        rows, watch = (
            self._asked_of(self._frames_of(self.known.of_sequences(one), words).sequences.distinct())
            for one in (learnt, watched)
        )
        with adapted(network, self.settings.lora):
            fit_network(network, self._loss, rows, watch, settings, folder, self.seed, self.name, self.parts)
        self._take(network)

    def _asked_of(self, rows: Sequences) -> RaggedRows:
        s = self.settings
        events = Sequences.of(rows.values, rows.offsets).sums(rows.values == self._marks.end)
        words = np.maximum(rows.lengths - 1 - events, 0)
        hidden = np.maximum(s.mask, 1 / np.maximum(events, 1))
        asked = (1 - s.holes) * words * (hidden + (1 - hidden) * s.mask_words) + s.holes * (1 + 0.85 * events)
        return RaggedRows(rows, predictions=asked, like=LIKE)

    def _loss(self, network: torch.nn.Module, batch: dict[str, torch.Tensor]) -> tuple[torch.Tensor, ...]:
        from logradar.detectors.text.word_masking import Shares, question

        s = self.settings
        asked = question(batch["tokens"], batch["draws"], Shares(s.mask, s.mask_words, s.holes), self._marks)
        losses = network(asked.tokens, asked.targets, asked.asked)
        weights = batch["weights"][:, None].expand_as(asked.asked)[asked.asked]
        return losses, weights, asked.between[asked.asked].long()

    def _balance(self, view: SessionView) -> float:
        """The factor that makes rare values of both parts equal: their nats have other distributions."""
        if not self.settings.holes or not len(view):
            return 1.0
        sessions = self.known.of_view(view)
        rows, counts = sessions.sequences, sessions.sequences.counts
        levels: list[list[float]] = [[], []]
        for part, found in self._surprises(sessions):
            own = rows.part(part.start, part.stop)
            words, gaps = found.parts(len(own.values))
            levels[0] += together(words, own).tolist()
            levels[1] += own.maxima(gaps).tolist()
        words_at, gaps_at = (_quantile(np.array(one), counts) for one in levels)
        return float(np.clip(max(words_at, _LEAST) / max(gaps_at, _CLEAR), 1.0, _HEAVIEST))

    def _surprises(self, sessions: SessionTexts) -> Iterator[tuple[slice, WordSurprise]]:
        """How surprising the words of some sessions at a time are."""
        words = self.model.tokenizer.encode(sessions.texts)
        s = self.settings
        for part, rows in sessions.sequences.parts(_EVENTS):
            frames = self._frames_of(rows, words)
            yield part, WordSurprise.of(frames, self._scorer, self._marks, s.passes, bool(s.holes))

    def _score(self, view: SessionView) -> Scored:
        sessions = self.known.of_view(view)
        rows = sessions.sequences
        lengths = rows.lengths
        return self._scored(
            rows,
            (
                (part, found.events(int(lengths[part].sum()), self.weight)[0])
                for part, found in self._surprises(sessions)
            ),
        )

    def _explain(self, view: SessionView) -> Iterator[list[Finding]]:
        sessions = self.known.of_view(view)
        rows = sessions.sequences
        reasons: list[list[Reason]] = []
        for part, found in self._surprises(sessions):
            own = rows.part(part.start, part.stop)
            events, by_gap = found.events(len(own.values), self.weight)
            for start, stop in zip(own.offsets[:-1].tolist(), own.offsets[1:].tolist(), strict=True):
                chosen = (start + most_surprising(events[start:stop], _LEAST)).tolist()
                reasons.append(
                    [
                        (
                            event - start,
                            float(events[event]),
                            missing(found, event)
                            if by_gap[event]
                            else surprising(found, event, self.model.tokenizer.words, sessions.is_known(own, event)),
                        )
                        for event in chosen
                    ]
                )
        yield from self._findings(view, rows, reasons)

    def _save(self, folder: Path) -> dict[str, Any]:
        return {**super()._save(folder), "weight": self.weight}

    def _load(self, folder: Path, state: dict[str, Any]) -> None:
        super()._load(folder, state)
        self.weight = _Weight.of(state, "state").weight


def _quantile(values: Floats, counts: npt.NDArray[np.int64]) -> float:
    order = np.argsort(values, kind="stable")
    total = np.cumsum(counts[order])
    return float(values[order][np.searchsorted(total, _USUAL * total[-1])]) if len(values) else 0.0
