"""Detector ``logbert``: a network that predicts masked events, and says which event is missing."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final, Self

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from logradar.core.columns import numbers
from logradar.core.config import Config
from logradar.core.distinct import Distinct
from logradar.core.sequences import Sequences
from logradar.core.session_view import SessionView
from logradar.core.tables import FIRST_TEMPLATE
from logradar.detectors.base import Finding
from logradar.detectors.neural import windows
from logradar.detectors.neural.body import NeuralDetector, NeuralSettings
from logradar.detectors.neural.mask_patterns import SPECIAL, WHOLE, Framed, Patterns
from logradar.detectors.neural.surprisal import (
    UNSEEN,
    Surprise,
    classes_of,
    finding,
    measure,
    missing,
    most_surprising,
    together,
)
from logradar.training.ragged import RaggedRows
from logradar.training.rows import Rows
from logradar.training.settings import SessionTraining

if TYPE_CHECKING:
    import torch

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]

NOTHING: Final = 0  # the class of "nothing is missing"
_USUAL: Final = 0.995  # the quantile of validation sessions at which both parts of the score are made equal
_LEAST: Final = math.log(2)  # nats; below this nothing is surprising
_ASKED: Final = 512  # questions at least of which the validation loss is the mean
_HEAVIEST: Final = 1000.0  # that a missing event can weigh: as much as scores go above `_CLEAR`
_CLEAR: Final = 0.1  # nats; below this a session counts as complete


class LogBERTSettings(NeuralSettings):
    """Settings of ``logbert``; the sizes train on a CPU in minutes."""

    vocabulary: int = Field(0, ge=0, description="tokens that the network has room for at least")
    hidden: int = Field(64, ge=1, description="dimensions of an event")
    layers: int = Field(2, ge=1, description="blocks of BERT")
    heads: int = Field(4, ge=1, description="attention heads of a block; they share `hidden`")
    intermediate: int = Field(256, ge=1, description="units between the two layers of a block's network")
    positions: int = Field(
        512, ge=16, description="events that are read at once, plus two; a longer session is read in overlapping spans"
    )
    dropout: float = Field(0.1, ge=0, lt=1, description="share of units left out in training")
    mask: float = Field(0.15, gt=0, lt=1, description="share of the events that are masked in training")
    holes: float = Field(
        0.5, ge=0, lt=1, description="share of rows with events removed instead of masked, to learn what is missing"
    )
    hypersphere: float = Field(
        0.0, ge=0, description="weight of the paper's second objective: normal sessions lie close together"
    )
    passes: int = Field(7, ge=1, description="patterns of masks that a session is scored under; each event is in one")
    training: SessionTraining = SessionTraining()

    @model_validator(mode="after")
    def _heads(self) -> LogBERTSettings:
        if self.hidden % self.heads:
            raise ValueError(f"hidden ({self.hidden}) must be a multiple of heads ({self.heads})")
        return self


class LogBERT(NeuralDetector):
    """Predicts masked events of a session from all others with BERT; unlikely events and missing events are unusual.

    LogBERT (Guo et al., IJCNN 2021) with one more question. Where a step is missing, all remaining events
    still look likely, so masks alone do not find it; here the network also learns from sessions with events
    removed, and says which event is missing, if any. A session scores by its surprising events
    and by how certain the network is that an event is missing; both are made equal on validation sessions.
    """

    Settings: ClassVar[type[Config]] = LogBERTSettings
    ragged = True
    parts = ("masked", "missing", "hypersphere")
    weight = 1.0  # of missing events, relative to surprising events

    @property
    def _room(self) -> int:
        """Tokens that the network knows, without those that mark the ends of sessions."""
        return max(len(self.vocabulary), int(self.settings.vocabulary))

    @property
    def choices(self) -> int:
        """As `PredictsEvents.choices`: the answers that the network has room for."""
        return self._room - FIRST_TEMPLATE + 1

    def _network(self) -> torch.nn.Module:
        from logradar.detectors.neural.bert import EventBERT

        s, tokens = self.settings, self._room
        sizes = s.hidden, s.layers, s.heads, s.intermediate, s.positions, s.dropout
        return EventBERT(tokens + SPECIAL, tokens - FIRST_TEMPLATE + 1, *sizes)

    def _example(self) -> dict[str, npt.NDArray[Any]]:
        return {"tokens": np.full((2, 5), FIRST_TEMPLATE, np.int32), "asks": np.zeros((2, 5), np.int32)}

    def _pieces(self, tokens: Sequences) -> Sequences:
        return self._framed(tokens).sequences

    def _rows(self, pieces: Sequences) -> Rows:
        from logradar.detectors.neural.event_masking import predictions

        return RaggedRows(pieces, predictions=predictions(pieces.lengths, self.settings.mask, self.settings.holes))

    def _watched(self, pieces: Sequences) -> Rows:
        rows = self._rows(pieces)  # few rows are asked several times, so that the validation loss is stable
        return rows.even(float(min(rows.weights.sum() / _ASKED, rows.weights.mean()))) if len(rows) else rows

    def _loss(self, network: torch.nn.Module, batch: dict[str, torch.Tensor]) -> tuple[torch.Tensor, ...]:
        import torch

        from logradar.detectors.neural.event_masking import MISSING, question

        s, templates = self.settings, len(self.vocabulary) - FIRST_TEMPLATE
        q = question(batch["tokens"], batch["draws"], s.mask, s.holes, templates)
        log_probabilities, far = network(q.tokens, q.asks, q.places)
        losses = -log_probabilities.gather(2, q.classes[:, :, None])[:, :, 0]
        weights = batch["weights"][:, None] * q.valid
        part = torch.where(q.asks == MISSING, 1, 0)
        if s.hypersphere and network.training:  # the validation loss is that of predictions alone
            losses = torch.cat([losses, s.hypersphere * far[:, None]], 1)
            weights = torch.cat([weights, batch["weights"][:, None]], 1)
            part = torch.cat([part, torch.full_like(part[:, :1], 2)], 1)
        return losses, weights, part

    def _fit(self, train: Distinct, valid: Sequences, folder: Path | None) -> None:
        super()._fit(train, valid, folder)
        watched = valid if len(valid) else train.part(0, min(len(train), self.settings.training.buffer))
        self.weight = self._balance(watched)

    def with_weights(self, weights: bytes, valid: Sequences | None = None) -> Self:
        """As `NeuralDetector.with_weights`; both parts of the score are made equal again."""
        other = super().with_weights(weights, valid)
        if valid is not None and len(valid):
            other.weight = other._balance(valid)
        return other

    def _balance(self, watched: Sequences) -> float:
        """The factor that makes rare values of both parts equal: their nats have other distributions."""
        if self.settings.score == "rank" or not self.settings.holes:
            return 1.0
        doubts = self._doubts(self._tokens(watched))
        holes = watched.maxima(doubts.spread(watched))
        levels = [_quantile(part, watched.counts) for part in (together(doubts.events, watched), holes)]
        return max(max(levels[0], _LEAST) / max(levels[1], _CLEAR), 1.0)

    def _holes(self, doubts: _Doubts, tokens: Sequences) -> Floats:
        """Missing events as scores of the events at their places, 0 elsewhere; weighted only up to `UNSEEN`."""
        holes = doubts.spread(tokens)
        if self.settings.score == "rank":
            return holes
        weighed: Floats = np.minimum(np.float32(self.weight) * holes, np.where(holes > 0, UNSEEN + holes, 0))
        return weighed.astype(np.float32)

    def _predicted_events(self, tokens: Sequences) -> Surprise:
        return Surprise(self._doubts(tokens).events, np.zeros(len(tokens), np.float32))

    def _surprise(self, tokens: Sequences) -> Surprise:
        doubts = self._doubts(tokens)
        events = np.maximum(doubts.events, self._holes(doubts, tokens))
        return Surprise(events, np.zeros(len(tokens), np.float32))

    def _explain(self, view: SessionView) -> Iterator[list[Finding]]:
        sequences = view.sequences
        for _, part in self._chunks(sequences):
            yield from self._findings(part)

    def _findings(self, sequences: Sequences) -> Iterator[list[Finding]]:
        tokens = self._tokens(sequences)
        doubts = self._doubts(tokens)
        holes = self._holes(doubts, tokens)
        scores, by_hole = np.maximum(doubts.events, holes), holes > doubts.events
        ordinary = 1.0 if self.settings.score == "rank" else _LEAST
        bounds = pairwise(sequences.offsets.tolist())
        picked = [start + most_surprising(scores[start:stop], ordinary) for start, stop in bounds]
        events = np.concatenate([*picked, np.empty(0, np.int64)])
        log_probabilities = self._asked(tokens, events, by_hole[events])
        classes, places = classes_of(tokens.values), sequences.positions
        behind = doubts.behind(tokens)
        findings = {}
        for row, event in zip(log_probabilities, events.tolist(), strict=True):
            place, template, score = int(places[event]), int(sequences.values[event]), float(scores[event])
            if by_hole[event]:
                side = "after" if behind[event] else "before"
                reason = missing(row, side, place, template, score, self.vocabulary, self.settings.shown)
            else:
                came, shown = int(classes[event]), self.settings.shown
                reason = finding(row, came, place, template, score, self.vocabulary, shown)
            findings[event] = reason
        for chosen in picked:
            yield [findings[event] for event in chosen.tolist()]

    def _predictions(self, tokens: Sequences, rows: Ints, places: Ints) -> Floats:
        return self._asked(tokens, tokens.offsets[rows] + places, np.zeros(len(rows), bool))

    def _asked(self, tokens: Sequences, events: Ints, holes: npt.NDArray[np.bool_]) -> Floats:
        """Log-probabilities for each of ``events``: of the event at its place, or of the one missing in its span."""
        framed = self._framed(tokens)
        span = np.searchsorted(framed.own[:-1], events, side="right") - 1
        inside = events - framed.first[span]
        count = np.maximum(np.minimum(framed.sequences.lengths[span] - 2, self.settings.passes), 1)
        rows = Patterns.of(framed, span, np.where(holes, WHOLE, inside % count), self.settings.passes)
        log_probabilities = np.empty((len(events), len(self.vocabulary) - FIRST_TEMPLATE + 1), np.float32)
        for index, output in self._answers(rows):
            place = np.where(holes[index], 0, inside[index] + 1)
            log_probabilities[index] = output[np.arange(len(index)), place, : log_probabilities.shape[1]]
        return log_probabilities

    def _doubts(self, tokens: Sequences) -> _Doubts:
        events, holes, places = np.zeros(len(tokens.values), np.float32), [], []
        for rows, part in self._chunks(tokens):
            first = int(tokens.offsets[rows.start])
            framed = self._framed(part)
            by_span, gaps = self._measured(framed, part, events[first : first + len(part.values)])
            holes.append(by_span)
            places.append(np.where(gaps == _NOWHERE, gaps, np.where(gaps < 0, gaps - first, gaps + first)))
        return _Doubts(events, np.concatenate([*holes, np.empty(0, np.float32)]), np.concatenate([*places, _NONE]))

    def _chunks(self, tokens: Sequences) -> Iterator[tuple[slice, Sequences]]:
        return tokens.parts(max(windows.CHUNK // (self.settings.passes + 1), 1))  # each event is part of so many rows

    def _measured(self, framed: Framed, part: Sequences, events: Floats) -> tuple[Floats, Ints]:
        """Write the scores of all events; return the score of a missing event in each span, and its place."""
        patterns = Patterns.every(framed, self.settings.passes)
        classes = classes_of(part.values)
        holes, places = np.zeros(len(framed.row), np.float32), np.full(len(framed.row), _NOWHERE)
        for index, log_probabilities in self._answers(patterns):
            offsets = patterns.shown.offsets[index]
            lengths = patterns.shown.offsets[index + 1] - offsets
            row, column = np.nonzero(np.arange(log_probabilities.shape[1]) < lengths[:, None])
            value = offsets[row] + column
            kept = patterns.masked[value]
            row, column, value = row[kept], column[kept], value[kept]
            span, event = patterns.span[index[row]], patterns.event[value]
            own = (event >= framed.own[span]) & (event < framed.own[span + 1])
            row, column, event = row[own], column[own], event[own]
            events[event] = self._measure(log_probabilities[row, column], classes[event])
            whole = np.flatnonzero(patterns.pattern[index] == WHOLE)
            if len(whole) and self.settings.holes:
                span = patterns.span[index[whole]]
                # That something is missing surprises; which event it is may be uncertain, so no entropy is taken away.
                score = "surprisal" if self.settings.score == "excess" else self.settings.score
                holes[span] = measure(log_probabilities[whole, 0], np.full(len(whole), NOTHING), score)
                gaps = np.where(
                    np.arange(log_probabilities.shape[1] - 1) < lengths[whole, None] - 1,
                    log_probabilities[whole, 1:, NOTHING],
                    1.0,
                )
                gap, last = gaps.argmin(1), lengths[whole] - 2
                event = framed.first[span] + np.minimum(gap, last - 1)
                places[span] = np.where(gap < last, event, -1 - event)
        return holes, places

    def _answers(self, rows: Patterns) -> Iterator[tuple[Ints, Floats]]:
        asks = np.repeat(rows.pattern == WHOLE, rows.shown.lengths).astype(np.int32)
        return self._scorer.ragged({"tokens": rows.shown.values, "asks": asks}, rows.shown.offsets)

    def _framed(self, tokens: Sequences) -> Framed:
        return Framed.of(tokens, self.settings.positions, self._room)

    def _save(self, folder: Path) -> dict[str, Any]:
        return {**super()._save(folder), "weight": self.weight}

    def _load(self, folder: Path, state: dict[str, Any]) -> None:
        super()._load(folder, state)
        self.weight = float(numbers([state["weight"]], np.float64, "'weight'", (1, _HEAVIEST))[0])


_NONE: Final = np.empty(0, np.int64)
_NOWHERE: Final = np.iinfo(np.int64).min


@dataclass(frozen=True, eq=False)
class _Doubts:
    """How surprising each event is; for each span how certain it is that an event is missing, and where.

    ``places`` are numbers of events of all rows: the missing one is before event ``p``, or after event ``-1 - p``.
    """

    events: Floats
    holes: Floats
    places: Ints

    def spread(self, tokens: Sequences) -> Floats:
        """Missing events as scores of the events at their places, 0 elsewhere."""
        out = np.zeros(len(tokens.values), np.float32)
        somewhere = self.places != _NOWHERE
        places = self.places[somewhere]
        np.maximum.at(out, np.where(places >= 0, places, -1 - places), self.holes[somewhere])
        return out

    def behind(self, tokens: Sequences) -> npt.NDArray[np.bool_]:
        """After which events, and not before them, an event is missing."""
        out = np.zeros(len(tokens.values), bool)
        out[-1 - self.places[(self.places < 0) & (self.places != _NOWHERE)]] = True
        return out


def _quantile(values: npt.NDArray[Any], counts: Ints) -> float:
    order = np.argsort(values, kind="stable")
    total = np.cumsum(counts[order])
    return float(values[order][np.searchsorted(total, _USUAL * total[-1])]) if len(values) else 0.0
