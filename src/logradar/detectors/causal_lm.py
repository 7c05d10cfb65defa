"""Detector ``causal_lm``: a language model that predicts each next word of a session."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Final

import numpy as np
import numpy.typing as npt
from pydantic import Field

from logradar.core.config import Config
from logradar.core.sequences import Sequences
from logradar.core.session_view import SessionView
from logradar.core.training_set import TrainingSet
from logradar.detectors.base import Finding, Scored
from logradar.detectors.neural.surprisal import UNSEEN, most_surprising
from logradar.detectors.text.body import LIKE, Reason, TextDetector, TextSettings, TextTraining
from logradar.detectors.text.causal_model import CausalModel
from logradar.detectors.text.frames import Frames
from logradar.detectors.text.reasons import percent, surprising
from logradar.detectors.text.texts import SessionTexts
from logradar.detectors.text.word_surprise import WordSurprise
from logradar.training.ragged import RaggedRows

if TYPE_CHECKING:
    import torch

    from logradar.detectors.text.causal_network import CausalNetwork

Floats = npt.NDArray[np.float64]
_EVENTS: Final = 1 << 14  # events that are scored together
_LEAST: Final = 0.7  # nats; below this nothing is surprising
_MOST: Final = 300.0  # nats of an event: what an exponential can still hold


class CausalLmTraining(TextTraining):
    """`TextTraining` for a model that learns from every word, so that fewer passes are enough."""

    epochs: int = Field(20, ge=1, description="passes over the rows at most; early stopping may end it sooner")
    learning_rate: float = Field(3e-3, gt=0, description="highest learning rate of AdamW")


class CausalLmSettings(TextSettings):
    """Settings of ``causal_lm``; with ``start`` the sizes are those of the model that it begins with."""

    start: str | None = Field(
        None,
        description="where its knowledge begins: a bundle with a causal_lm, or a Llama (such as SmolLM2) as a folder "
        "of `transformers` or as a name on the hub; without it everything is learnt from the logs",
    )
    intermediate: int = Field(128, ge=1, le=1 << 16, description="units between the two layers of a block's network")
    dropout: float = Field(0.0, ge=0, lt=1, description="not used by Llama")
    training: CausalLmTraining = CausalLmTraining()


class CausalLm(TextDetector):
    """Predicts the words of each next event of a session, and the end, from all that came before (Llama).

    A causal language model (Radford et al., 2018; Touvron et al., 2023) of sessions: their templates in words, with its
    own tokenizer. The score of an event is the excess of the surprisal of its words, together, over what the model
    expected there; the end of a session counts to its last event. A template that training did not have is judged by
    its words. `logradar federate` trains it at several sites without showing a log.
    """

    Settings: ClassVar[type[Config]] = CausalLmSettings
    model_kind: ClassVar[Any] = CausalModel
    starts_with: ClassVar[str] = "causal_lm"
    outputs = 2

    def example(self) -> dict[str, npt.NDArray[Any]]:
        return {"tokens": np.full((2, 9), 5, np.int32)}

    def _learn(self, training: TrainingSet) -> Floats:
        self._begin(training)
        valid, network = training.valid_view(self.inputs), self.model.network()
        self._train(network, training, self._watched(valid))
        self._take(network)
        return self._score(valid).rows if len(valid) else np.empty(0)

    def _started(self) -> CausalModel:
        from pathlib import Path

        start = Path(str(self.settings.start))
        if any((folder / "detector.json").is_file() for folder in (start, start / "detectors" / self.starts_with)):
            return super()._started()  # type: ignore[no-any-return]
        return CausalModel.of_llama(str(self.settings.start), self.known.texts, self.settings)

    def network(self) -> CausalNetwork:  # type: ignore[override]
        return self.model.network()  # type: ignore[no-any-return]

    @property
    def _positions(self) -> int:
        return super()._positions - 1  # one more for the end of a session

    def _frames_of(self, rows: Sequences, words: Sequences) -> Frames:
        """As `TextDetector._frames_of`; where a session ends, the mark of a beginning follows."""
        found = super()._frames_of(rows, words)
        ends = found.stop == rows.offsets[found.row + 1]
        place = found.sequences.offsets[1:][ends]
        tokens = np.insert(found.sequences.values, place, self._marks.begin)
        last = np.where(found.stop > found.first, found.stop - 1, -1)[ends]
        offsets = found.sequences.offsets + np.concatenate([[0], np.cumsum(ends)])
        sequences = replace(found.sequences, values=tokens, offsets=offsets)
        return replace(found, sequences=sequences, event=np.insert(found.event, place, last))

    def _asked_of(self, rows: Sequences) -> RaggedRows:
        return RaggedRows(rows, predictions=np.maximum(rows.lengths - 1, 0), like=LIKE)

    def _loss(self, network: torch.nn.Module, batch: dict[str, torch.Tensor]) -> tuple[torch.Tensor, ...]:
        import torch

        tokens = batch["tokens"]
        place = torch.arange(tokens.shape[1], device=tokens.device)[None]
        asked = (place > 0) & (place < batch["lengths"][:, None])
        return network(tokens, asked), batch["weights"][:, None].expand_as(asked)[asked]

    def tokens_of(self, view: SessionView) -> tuple[Sequences, npt.NDArray[np.int64]]:
        """Distinct sessions as rows of tokens (of a long one its beginning), and for each row of a view its row."""
        sessions = self.known.of_view(view)
        frames = self._frames_of(sessions.sequences, self.model.tokenizer.encode(sessions.texts))
        first = np.searchsorted(frames.row, np.arange(len(sessions.sequences)))
        return frames.sequences.take(first), sessions.sequences.inverse

    def surprises(self, sessions: SessionTexts) -> Iterator[tuple[slice, NextWords]]:
        """How surprising each next word of some sessions at a time is."""
        words = self.model.tokenizer.encode(sessions.texts)
        for part, rows in sessions.sequences.parts(_EVENTS):
            frames = self._frames_of(rows, words)
            yield part, NextWords.of(frames, self._scorer, len(rows.values), self._marks.begin)

    def _score(self, view: SessionView) -> Scored:
        sessions = self.known.of_view(view)
        return self._scored(sessions.sequences, ((part, found.events) for part, found in self.surprises(sessions)))

    def _explain(self, view: SessionView) -> Iterator[list[Finding]]:
        sessions = self.known.of_view(view)
        rows = sessions.sequences
        reasons: list[list[Reason]] = []
        for part, found in self.surprises(sessions):
            own = rows.part(part.start, part.stop)
            shown = WordSurprise(found.frames, found.words, np.zeros_like(found.words))
            for start, stop in zip(own.offsets[:-1].tolist(), own.offsets[1:].tolist(), strict=True):
                chosen = (start + most_surprising(found.events[start:stop], _LEAST)).tolist()
                reasons.append([])
                for event in chosen:
                    nats = float(found.events[event])
                    sentence = (
                        f"the session ends here, which was not expected ({percent(float(np.exp(-nats)))} as likely as "
                        "what was expected)"
                        if found.by_end[event]
                        else surprising(shown, event, self.model.tokenizer.words, sessions.is_known(own, event))
                    )
                    reasons[-1].append((event - start, nats, sentence))
        yield from self._findings(view, rows, reasons)


@dataclass(frozen=True, eq=False)
class NextWords:
    """``words``: the excess surprisal (nats) of every token of the frames; ``events``: one score for each event.

    ``by_end`` says for which events it is the end of the session behind them that counts.
    """

    frames: Frames
    words: npt.NDArray[np.float32]
    events: npt.NDArray[np.float32]
    by_end: npt.NDArray[np.bool_]

    @classmethod
    def of(cls, frames: Frames, scorer: Any, count: int, begin: int) -> NextWords:
        """Ask the network once about ``frames`` of ``count`` events; ``begin`` is the mark that closes a session."""
        tokens = frames.sequences
        excess = np.zeros(len(tokens.values), np.float32)
        for rows, output in scorer.ragged({"tokens": tokens.values}, tokens.offsets):
            lengths = tokens.lengths[rows]
            row, place = np.nonzero(np.arange(output.shape[1]) < (lengths - 1)[:, None])
            nats = np.maximum(np.minimum(output[row, place, 0], UNSEEN) - output[row, place, 1], 0)
            excess[tokens.offsets[rows][row] + place + 1] = nats
        frame = tokens.rows
        own = (frames.event >= frames.own[frame]) & (frames.event < frames.own[frame + 1])
        ends = (tokens.values == begin) & (tokens.positions > 0)
        inner = own & ~ends
        events = np.zeros(count, np.float32)
        np.add.at(events, frames.event[inner], excess[inner])
        closing = np.zeros(count, np.float32)
        closed = ends & own
        closing[frames.event[closed]] = excess[closed]
        return cls(frames, excess, np.minimum(np.maximum(events, closing), _MOST), closing > events)
