"""The base class of neural detectors: vocabulary, training, ONNX, and the score of a surprise."""

from __future__ import annotations

import math
import sys
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import redirect_stdout
from copy import copy
from dataclasses import replace
from functools import cached_property
from itertools import islice, pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal, Self

import numpy as np
import numpy.typing as npt
from pydantic import ConfigDict, Field

from logradar.core.columns import HIGHEST_ID, numbers
from logradar.core.config import Config
from logradar.core.distinct import Distinct
from logradar.core.documents import Saved
from logradar.core.progress import Progress, say
from logradar.core.sequences import Sequences
from logradar.core.session_view import TEMPLATE_IDS, SessionView
from logradar.core.tables import FIRST_TEMPLATE
from logradar.core.training_set import TrainingSet
from logradar.detectors.base import Finding, Scored
from logradar.detectors.neural.inference_api import PredictsEvents
from logradar.detectors.neural.scorer import Scorer, export
from logradar.detectors.neural.surprisal import END, Surprise, classes_of, finding, measure, most_surprising, together
from logradar.detectors.neural.validation_learning import learn_in_parts
from logradar.detectors.neural.vocabulary import Vocabulary
from logradar.training.device import choose_device, choose_precision, require, seeded
from logradar.training.rows import Rows
from logradar.training.settings import TrainingSettings
from logradar.training.streaming_rows import StoredRows

if TYPE_CHECKING:
    import torch

WEIGHTS: Final = "weights.safetensors"
NETWORK: Final = "network.onnx"
Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]


class NeuralSettings(Config):
    """Settings that all neural detectors have."""

    score: Literal["excess", "surprisal", "rank"] = Field(
        "excess",
        description="event: -log of its probability, this less its expected value (`excess`), or its rank; session: "
        "its events combined, or the worst rank",
    )
    updates: int = Field(
        4,
        ge=0,
        description="parts of the validation sessions, in order of time: each is scored and then learnt, so that the "
        "newest normal behaviour is known; 0: they are scored and not learnt",
    )
    shown: int = Field(3, ge=1, description="expected templates named per finding")
    training: TrainingSettings = TrainingSettings()


class _State(Saved):
    model_config = ConfigDict(extra="ignore")  # a subclass has more

    vocabulary: list[Any]
    whole: bool = True


class NeuralDetector(PredictsEvents):
    """Learns to predict events; the score of a session is about that of its most surprising event.

    Where a subclass predicts the end of a session, the end is an event as well: its score counts for the last
    event, so that a missing tail is found. A subclass gives the network, the rows to learn from,
    the loss, and the surprises of sequences.
    """

    Settings: ClassVar[type[Config]] = NeuralSettings
    vocabulary: Vocabulary
    parts: ClassVar[tuple[str, ...]] = ()  # names of the objectives, where the loss is that of several together
    _brief = False  # whether the network goes on learning, so that the graph of its scorer may be a quick one
    ragged: ClassVar[bool] = False  # rows of unequal length: `RaggedRows` to learn from, `Scorer.ragged` to score

    @abstractmethod
    def _network(self) -> torch.nn.Module:
        """A new network for ``self.vocabulary``; its random start is seeded by the caller."""

    @abstractmethod
    def _example(self) -> dict[str, npt.NDArray[Any]]:
        """Inputs of two rows (and several columns), named as ``forward`` of the network names them."""

    def _pieces(self, tokens: Sequences) -> Sequences:
        """The rows to learn from, which may repeat, with their counts; here the sequences themselves."""
        return tokens

    @abstractmethod
    def _rows(self, pieces: Sequences) -> Rows:
        """Distinct pieces as the rows that the network takes."""

    def _watched(self, pieces: Sequences) -> Rows:
        """Distinct validation pieces as the rows whose loss is the validation loss."""
        return self._rows(pieces)

    @abstractmethod
    def _loss(self, network: torch.nn.Module, batch: dict[str, torch.Tensor]) -> tuple[torch.Tensor, ...]:
        """Losses and weights of the predictions in a batch; see `logradar.training.loop.fit_network`."""

    @abstractmethod
    def _surprise(self, tokens: Sequences) -> Surprise:
        """The scores of all events and ends of distinct sequences of tokens; `_measure` gives them."""

    @abstractmethod
    def _predictions(self, tokens: Sequences, rows: Ints, places: Ints) -> Floats:
        """Log-probabilities, a row each, of what comes at ``places`` of ``rows``; a place may be the end."""

    def _learn(self, training: TrainingSet) -> npt.NDArray[np.float64]:
        self._brief = bool(self.settings.updates) and len(training.valid) > 0
        scores = super()._learn(training)
        if not self._brief:
            return scores
        valid = training.valid_view(TEMPLATE_IDS).sequences
        return learn_in_parts(self, training.distinct, valid, scores, training.folder)

    def _learn_again(
        self, learnt: Sequences, watched: Sequences, settings: TrainingSettings, folder: Path | None, last: bool
    ) -> None:
        """As `PredictsEvents._learn_again`."""
        from logradar.training.loop import fit_network

        before = self.vocabulary
        ids = np.union1d(before.ids, self._new_templates(learnt, before))
        self.vocabulary = Vocabulary(ids.astype(np.int32), before.whole)
        with seeded(self.seed):
            network = self._network()
        self._continue(network, before)
        rows = self._rows(self._pieces(self._tokens(learnt)).distinct())
        watch = self._watched(self._pieces(self._tokens(watched)).distinct())
        fit_network(network, self._loss, rows, watch, settings, folder, self.seed, self.name, self.parts)
        self._brief = not last
        self._take(network)

    def _new_templates(self, learnt: Sequences, before: Vocabulary) -> npt.NDArray[np.int32]:
        """Templates that a trained network can take up: behind those that it knows, where it knows all of training."""
        new = Vocabulary.of(learnt.values).ids
        return new[new > before.ids.max(initial=0)] if before.whole else new[:0]

    def check_machine(self) -> None:
        """As `Detector.check_machine`: the packages, the device and the precision of the settings."""
        require()
        choose_precision(self.settings.training, choose_device(self.settings.training))

    def _fit(self, train: Distinct, valid: Sequences, folder: Path | None) -> None:
        require()
        with redirect_stdout(sys.stderr):  # transformers prints a line where WANDB_MODE is offline
            from logradar.training.loop import fit_network

        training = self.settings.training
        before = self.vocabulary if self.warm else Vocabulary(np.empty(0, np.int32))
        self.vocabulary = self._vocabulary(train, before)
        watch = self._watched(_thinned(self._pieces(self._tokens(valid)).distinct(), training.watched))
        with seeded(self.seed):
            network = self._network()
        if self.warm:
            self._continue(network, before)
        with self._learnt(train, folder) as pieces:
            if pieces.whole is not None:
                learn: Rows | StoredRows = self._rows(pieces.whole)
            else:
                say(f"{self.name}: {len(pieces):,} samples are streamed from disk, {training.buffer:,} at a time")
                learn = StoredRows(pieces, self._rows, training.buffer, training.batch_size)
            done = fit_network(network, self._loss, learn, watch, training, folder, self.seed, self.name, self.parts)
        self.history = done.epochs
        self._take(network)

    def _vocabulary(self, train: Distinct, before: Vocabulary) -> Vocabulary:
        """The templates that the network knows: those of the training sessions, and those that it knew before."""
        new = Vocabulary.of(np.concatenate([np.unique(chunk.values) for chunk in train.chunks()]))
        return Vocabulary(np.union1d(before.ids, new.ids))

    def _continue(self, network: torch.nn.Module, before: Vocabulary) -> None:
        """Put the weights of a network for the vocabulary ``before`` into a new one; new templates start at random."""
        from safetensors.torch import load as read_weights

        if not np.array_equal(before.ids, self.vocabulary.ids[: len(before.ids)]):
            say(f"{self.name}: new templates have ids among the old ones, so the network is trained from the beginning")
            return
        known, weights = read_weights(self._weights), network.state_dict()
        for name, old in known.items():
            new = weights[name]
            if old.shape == new.shape:
                new.copy_(old)
            elif old.shape[1:] == new.shape[1:]:  # a row for each token or class, and other rows after them
                rows = min(len(before), len(old))
                new[:rows] = old[:rows]
                if rows < len(old):
                    new[rows - len(old) :] = old[rows:]
        network.load_state_dict(weights)

    def _take(self, network: torch.nn.Module) -> None:
        import safetensors.torch

        self._weights = safetensors.torch.save(network.state_dict())
        self._scorer = Scorer(export(network, self._example(), self.ragged, self._brief))

    def _learnt(self, train: Distinct, folder: Path | None) -> Distinct:
        """All pieces of the training sequences, on disk or in memory as the settings say."""
        with Progress(f"{self.name}: preparing samples", len(train), "sequences") as bar:

            def pieces(part: Sequences) -> Sequences:
                bar.advance(len(part))
                return self._pieces(self._tokens(part))

            derived = train.derived(pieces)
        if self.settings.training.stream == "always":
            return derived.stored(folder)
        if self.settings.training.stream == "never" and derived.whole is None:
            with derived:
                return replace(derived, whole=derived.loaded(), files=())
        return derived

    def network(self) -> torch.nn.Module:
        """The trained network in torch, in evaluation mode, to train on or to look inside."""
        from safetensors.torch import load as read_weights

        network = self._network()
        network.load_state_dict(read_weights(self._weights))
        return network.eval()

    def begin(self, ids: npt.NDArray[np.int32], templates: Mapping[int, str]) -> None:
        """Have a new network for these templates, as several sites have them, with random weights."""
        self.vocabulary = Vocabulary.of(ids)
        with seeded(self.seed):
            network = self._network()
        self._take(network)
        self.warm = True

    def learnable(self, sequences: Sequences) -> Rows:
        """Sequences of template ids as the rows that the network learns from."""
        return self._rows(self._pieces(self._tokens(sequences)).distinct())

    def objective(self, network: torch.nn.Module, batch: dict[str, torch.Tensor]) -> tuple[torch.Tensor, ...]:
        """Losses and weights of a batch of learnable rows, for a training that is not the detector's own."""
        return self._loss(network, batch)

    def take(self, network: torch.nn.Module, valid: SessionView) -> None:
        """Score with a network that was trained elsewhere; ``valid`` are normal sessions that it did not learn."""
        self._take(network)
        self.validation_scores = self._score(valid).rows if len(valid) else np.empty(0)

    def with_weights(self, weights: bytes, valid: Sequences | None = None) -> Self:
        """A copy with other weights for the same network, as safetensors; `RuntimeError` where they do not fit.

        ``valid`` are distinct validation sequences, for what is fitted on them after the weights.
        """
        require()
        other = copy(self)
        other._weights = weights
        other.network()  # whether they fit
        vars(other).pop("_scorer", None)
        return other

    @cached_property
    def _scorer(self) -> Scorer:  # type: ignore[override]
        """That of these weights; tracing a network takes seconds, so one that scores nothing is not traced."""
        return Scorer(export(self.network(), self._example(), self.ragged, self._brief))

    def _tokens(self, sequences: Sequences) -> Sequences:
        tokens = self.vocabulary.tokens(sequences.values)
        return Sequences(tokens, sequences.offsets, sequences.counts, sequences.inverse)

    def _measure(self, log_probabilities: Floats, classes: Ints) -> Floats:
        return measure(log_probabilities, classes, self.settings.score)

    def _score(self, view: SessionView) -> Scored:
        sequences = view.sequences
        events, _ = self._surprise(self._tokens(sequences)).joined(sequences)
        ranked = self.settings.score == "rank"
        return Scored(sequences.maxima(events) if ranked else together(events, sequences), events)

    def _explain(self, view: SessionView) -> Iterator[list[Finding]]:
        sequences = view.sequences
        tokens = self._tokens(sequences)
        scores, by_end = self._surprise(tokens).joined(sequences)
        ordinary = 1.0 if self.settings.score == "rank" else math.log(2)
        bounds = pairwise(sequences.offsets.tolist())
        picked = [start + most_surprising(scores[start:stop], ordinary) for start, stop in bounds]
        events = np.concatenate([*picked, np.empty(0, np.int64)])
        rows, places = sequences.rows[events], sequences.positions[events]
        classes = np.where(by_end[events], END, classes_of(tokens.values[events]))
        predicted = self._predictions(tokens, rows, places + by_end[events])
        findings = (
            finding(
                predicted[i],
                int(classes[i]),
                int(places[i]),
                int(sequences.values[event]),
                float(scores[event]),
                self.vocabulary,
                self.settings.shown,
            )
            for i, event in enumerate(events.tolist())
        )
        for chosen in picked:
            yield list(islice(findings, len(chosen)))

    def _save(self, folder: Path) -> dict[str, Any]:
        (folder / WEIGHTS).write_bytes(self._weights)
        (folder / NETWORK).write_bytes(self._scorer.network)
        return {"vocabulary": self.vocabulary.ids.tolist(), "whole": self.vocabulary.whole}

    def _load(self, folder: Path, state: dict[str, Any]) -> None:
        saved = _State.of(state, "state")
        within = (FIRST_TEMPLATE, HIGHEST_ID)
        self.vocabulary = Vocabulary(
            numbers(saved.vocabulary, np.int32, "'vocabulary'", within, "strictly"), saved.whole
        )
        self._weights = (folder / WEIGHTS).read_bytes()
        self._scorer = Scorer((folder / NETWORK).read_bytes())
        example = self._example()
        tokens = next(iter(example))
        example[tokens] = np.full_like(example[tokens], len(self.vocabulary) - 1)  # the last one that there is
        self._scorer.require(example, self.choices)


def _thinned(pieces: Sequences, most: int) -> Sequences:
    """At most ``most`` of distinct rows, evenly spaced, with their counts."""
    if len(pieces) <= most:
        return pieces
    rows = np.arange(0, len(pieces), -(-len(pieces) // most))
    kept = pieces.take(rows)
    return Sequences(kept.values, kept.offsets, pieces.counts[rows], kept.inverse)
