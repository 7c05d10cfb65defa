"""Detector ``distilbert_classifier``: a language model that labelled anomalies have taught."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final, cast

import numpy as np
import numpy.typing as npt
from pydantic import Field

from logradar.core.config import Config
from logradar.core.distinct import Distinct
from logradar.core.errors import DataError
from logradar.core.progress import say
from logradar.core.sequences import Sequences
from logradar.core.session_set import SessionSet
from logradar.core.session_view import SessionView
from logradar.core.training_set import TrainingSet
from logradar.detectors.base import Finding, Scored
from logradar.detectors.neural.surprisal import most_surprising
from logradar.detectors.text.body import LIKE, TextDetector, TextSettings
from logradar.detectors.text.texts import SessionTexts
from logradar.training.device import seeded
from logradar.training.ragged import RaggedRows
from logradar.training.rows import Rows
from logradar.training.streaming_rows import StoredRows

if TYPE_CHECKING:
    import torch

    from logradar.detectors.text.verdict_network import VerdictNetwork

Floats = npt.NDArray[np.float64]
NORMAL, ANOMALOUS, REPLAYED = 1, 2, 3  # what a row is; 0 fills up
_EVENTS: Final = 1 << 15  # events that are scored together
_WORTH: Final = 0.001  # nats from which an event is worth a finding


class DistilbertClassifierSettings(TextSettings):
    """Settings of ``distilbert_classifier``: how much labelled anomalies and replayed sessions weigh."""

    balance: float = Field(
        0.5, gt=0, le=10, description="weight of all labelled anomalies together, relative to all normal sessions"
    )
    mask: float = Field(0.15, gt=0, lt=1, description="share of the events whose words are hidden in replayed sessions")


class DistilbertClassifier(TextDetector):
    """Reads the words of a session with DistilBERT, taught by sessions that are labelled anomalous.

    Fine-tuning (Devlin et al., NAACL 2019) with a head that gives a verdict on each event; the verdicts add up to that
    of the session. It needs labelled anomalies in the training part, rare ones weigh more, and it knows such anomalies
    only: detectors that learn what is normal find others. The score is ``-log P(normal)`` in nats.
    """

    Settings: ClassVar[type[Config]] = DistilbertClassifierSettings
    parts = ("verdict", "replayed")
    outputs = 1
    _faulty: Sequences | None = None  # rows of labelled anomalies, while it learns

    def example(self) -> dict[str, npt.NDArray[Any]]:
        return {"tokens": np.full((2, 9), 5, np.int32)}

    def _learn(self, training: TrainingSet) -> Floats:
        from logradar.detectors.text.verdict_network import VerdictNetwork

        if training.marked is None or not len(training.marked):
            raise DataError(
                f"Detector '{self.name}' learns from sessions that are labelled anomalous, and the training part has "
                "none; give labels (--labels), or choose 'distilbert', which needs none."
            )
        self._begin(training)
        with seeded(self.seed):
            network = self.model.network(VerdictNetwork)
        self._faulty = self._tokens_of(training.marked)
        say(f"{self.name}: learns from {self._faulty.counts.sum():,} labelled anomalies")
        valid = training.valid_view(self.inputs)
        watched = self._labelled(self._watched(valid), training.marked_valid)
        self._train(network, training, watched)
        self._faulty = None
        self._take(network)
        return self._score(valid).rows if len(valid) else np.empty(0)

    def network(self) -> VerdictNetwork:
        """As `TextDetector.network`, with its head."""
        from logradar.detectors.text.verdict_network import VerdictNetwork

        return cast("VerdictNetwork", self.model.network(VerdictNetwork))

    def _tokens_of(self, sessions: SessionSet) -> Sequences:
        view = SessionView.whole(sessions, self.inputs)
        found = self.known.of_view(view)
        return self._frames_of(found.sequences, self.model.tokenizer.encode(found.texts)).sequences.distinct()

    def _labelled(self, normal: Rows, marked: SessionSet | None) -> Rows:
        """Rows of normal sessions, and of anomalous ones where there are any, with what they are."""
        assert isinstance(normal, RaggedRows)
        faulty = self._tokens_of(marked) if marked is not None and len(marked) else Sequences.from_lists([])
        return self._kinds(normal.sequences, faulty, Sequences.from_lists([]))

    @contextmanager
    def _rows_of(self, train: Distinct, folder: Path | None) -> Iterator[Rows | StoredRows]:
        with super()._rows_of(train, folder) as rows:
            earlier = self.earlier if self.settings.replay else Sequences.from_lists([])
            some = rows.sample() if isinstance(rows, StoredRows) else rows
            assert isinstance(some, RaggedRows) and self._faulty is not None
            normal = some.sequences
            if some is rows:
                normal = normal.part(0, len(normal) - len(earlier))
            else:
                say(f"{self.name}: {len(normal):,} samples of normal sessions are enough beside the anomalies")
            yield self._kinds(normal, self._faulty, earlier)

    def _kinds(self, normal: Sequences, faulty: Sequences, earlier: Sequences) -> RaggedRows:
        every = normal.concat(faulty, earlier)
        kinds = np.repeat([NORMAL, ANOMALOUS, REPLAYED], [len(normal), len(faulty), len(earlier)])
        beside = {"kind": np.repeat(kinds, every.lengths).astype(np.int32)}
        rows = RaggedRows(every, beside, predictions=np.ones(len(every), np.int64), like=LIKE)
        total = max(normal.counts.sum(), 1)
        for kind, share in ((ANOMALOUS, self.settings.balance), (REPLAYED, self.settings.replay)):
            of = kinds == kind
            if of.any():
                rows.weights[of] *= share * total / rows.weights[of].sum()
        return rows

    def _loss(self, network: torch.nn.Module, batch: dict[str, torch.Tensor]) -> tuple[torch.Tensor, ...]:
        import torch

        from logradar.detectors.text.word_masking import Shares, question

        kind, tokens = batch["kind"][:, 0], batch["tokens"]
        replayed = kind == REPLAYED
        asked = question(tokens, batch["draws"], Shares(self.settings.mask, 0.05, 0.0), self._marks)
        hidden = asked.asked & replayed[:, None]
        shown = torch.where(replayed[:, None], asked.tokens, tokens.long())
        verdicts, words = network(shown, asked.targets, hidden)
        nats = torch.where(tokens == self._marks.end, verdicts[:, :, 0], 0.0).sum(1)
        anomalous = -torch.log(-torch.expm1(-nats.clamp(min=1e-6)))
        losses = torch.where(kind == ANOMALOUS, anomalous, nats)
        weights = torch.where(replayed, 0.0, batch["weights"])
        count = hidden.sum(1).clamp(min=1)  # hidden words of a row weigh as much as a verdict
        of_words = (batch["weights"] / count)[:, None].expand_as(hidden)[hidden]
        part = torch.cat([torch.zeros_like(losses), torch.ones_like(words)]).long()
        return torch.cat([losses, words]), torch.cat([weights, of_words]), part

    def _verdicts(self, sessions: SessionTexts) -> npt.NDArray[np.float32]:
        """The verdict on each event of distinct sessions, in nats."""
        words, rows = self.model.tokenizer.encode(sessions.texts), sessions.sequences
        out = np.zeros(len(rows.values), np.float32)
        for part, own in rows.parts(_EVENTS):
            first = int(rows.offsets[part.start])
            frames = self._frames_of(own, words)
            tokens = frames.sequences
            for index, output in self._scorer.ragged({"tokens": tokens.values}, tokens.offsets):
                lengths = tokens.lengths[index]
                inside = np.arange(output.shape[1]) < lengths[:, None]
                row, place = np.nonzero(inside)
                value = tokens.offsets[index][row] + place
                event = frames.event[value]
                ends = (event >= 0) & (np.append(frames.event, -1)[value + 1] != event)
                frame = index[row]
                mine = ends & (event >= frames.own[frame]) & (event < frames.own[frame + 1])
                out[first + event[mine]] = output[row[mine], place[mine], 0]
        return out

    def _score(self, view: SessionView) -> Scored:
        sessions = self.known.of_view(view)
        rows, values = sessions.sequences, self._verdicts(sessions)
        scores, filled = np.zeros(len(rows)), rows.lengths > 0
        if filled.any():
            scores[filled] = np.add.reduceat(values.astype(np.float64), rows.offsets[:-1][filled])
        return self._spread(rows, scores, values)

    def _explain(self, view: SessionView) -> Iterator[list[Finding]]:
        sessions = self.known.of_view(view)
        rows, values = sessions.sequences, self._verdicts(sessions)
        for row, session in enumerate(rows.inverse.tolist()):
            own, ids = values[rows.offsets[session] : rows.offsets[session + 1]], view.sequences[row]
            yield [
                Finding(
                    f"like events of labelled anomalies: probability {-np.expm1(-own[place]):.0%}",
                    place,
                    int(ids[place]),
                    float(own[place]),
                )
                for place in most_surprising(own, _WORTH).tolist()
            ]
