"""The base class of detectors that read words: known texts, tokenizer, network, training, files."""

from __future__ import annotations

import sys
from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import ConfigDict, Field, model_validator

from logradar.core.columns import Columns
from logradar.core.config import Config, kept
from logradar.core.distinct import Distinct
from logradar.core.documents import Saved
from logradar.core.errors import BundleError, ConfigError
from logradar.core.progress import Progress, say
from logradar.core.sequences import Sequences
from logradar.core.session_view import SessionView
from logradar.core.training_set import TrainingSet
from logradar.detectors.base import Detector, Finding, Scored
from logradar.detectors.neural.body import NETWORK, WEIGHTS
from logradar.detectors.neural.scorer import Scorer, export, ladder
from logradar.detectors.neural.surprisal import together
from logradar.detectors.text.adapters import adapted
from logradar.detectors.text.frames import Frames
from logradar.detectors.text.model import LanguageModel
from logradar.detectors.text.normaliser import NormaliserSettings
from logradar.detectors.text.texts import KnownTexts
from logradar.detectors.text.tokenizer import TextTokenizer, document_of
from logradar.training.device import choose_device, choose_precision, require
from logradar.training.ragged import RaggedRows
from logradar.training.rows import Rows
from logradar.training.settings import SessionTraining
from logradar.training.streaming_rows import StoredRows

if TYPE_CHECKING:
    import torch

    from logradar.detectors.text.language_network import LanguageNetwork

Floats = npt.NDArray[np.float64]
Reason = tuple[int, float, str]  # the place of an event in its session, its weight, and why
ROWS: Final = "rows.parquet"
_TEXT: Final = 20_000  # characters of a template
LIKE: Final = 1.5  # rows of a batch are long, so what is filled up costs more than their likeness


class TextTraining(SessionTraining):
    """`SessionTraining` for rows of many words: batches are smaller, and there is more to learn."""

    epochs: int = Field(40, ge=1, description="passes over the rows at most; early stopping may end it sooner")
    batch_size: int = Field(32, ge=1, description="rows per step and device")


class TextSettings(Config):
    """What all detectors that read words can set; the sizes train on a CPU in minutes."""

    start: str | None = Field(
        None,
        description="where its knowledge begins: a bundle with a distilbert, a folder of `transformers`, or a name on "
        "the hub; then sizes and tokenizer are those. Without it everything is learnt from the logs",
    )
    tokenizer: str | None = Field(
        None, description="a folder with the tokenizer.json to use, such as `prepare --format texts` writes"
    )
    vocabulary: int = Field(4_000, ge=200, le=1 << 20, description="tokens of its own tokenizer at most")
    words: int = Field(40, ge=1, description="tokens of an event at most; what comes after them does not count")
    hidden: int = Field(64, ge=8, le=1 << 14, description="dimensions of a token")
    layers: int = Field(2, ge=1, le=128, description="blocks of DistilBERT")
    heads: int = Field(4, ge=1, le=256, description="attention heads of a block; they share `hidden`")
    intermediate: int = Field(256, ge=1, le=1 << 16, description="units between the two layers of a block's network")
    positions: int = Field(
        512, ge=64, description="tokens that are read at once; a longer session is read in overlapping rows"
    )
    dropout: float = Field(0.1, ge=0, lt=1, description="share of units left out in training")
    replay: float = Field(
        0.2,
        ge=0,
        le=1,
        description="share of what the model of `start` learnt before that is learnt again beside the new",
    )
    lora: int = Field(
        0, ge=0, le=256, description="rank of adapters (LoRA) that are trained instead of all weights; 0: all weights"
    )
    kept: int = Field(2_000, ge=0, description="training sessions kept in the bundle, for those who replay them")
    normaliser: NormaliserSettings = NormaliserSettings()
    training: TextTraining = TextTraining()

    @model_validator(mode="after")
    def _fit(self) -> TextSettings:
        if self.hidden % self.heads:
            raise ValueError(f"hidden ({self.hidden}) must be a multiple of heads ({self.heads})")
        if self.words + 2 > self.positions:
            raise ValueError(f"an event of {self.words} words does not fit into {self.positions} positions")
        return self


class _State(Saved):
    model_config = ConfigDict(extra="ignore", frozen=True, allow_inf_nan=False, strict=True)  # a subclass has more

    ids: list[int]
    texts: list[Annotated[str, Field(max_length=_TEXT)]]
    sizes: dict[str, Any]
    words: int = Field(ge=1)
    normaliser: dict[str, Any]


class TextDetector(Detector):
    """Knows the texts of templates, cuts them into words, and trains a network on sessions of them."""

    Settings: ClassVar[type[Config]] = TextSettings
    inputs: ClassVar[frozenset[str]] = frozenset({"template_ids", "texts"})
    model_kind: ClassVar[Any] = LanguageModel
    known: KnownTexts
    model: Any  # of `model_kind`
    rows: Sequences = Sequences.from_lists([])  # of tokens: some training sessions, for those who replay them
    earlier: Sequences = Sequences.from_lists([])  # those of the model that the training began with
    parts: ClassVar[tuple[str, ...]] = ()  # names of the objectives, where the loss is that of several together
    outputs: ClassVar[int]  # numbers that the network gives for each place
    starts_with: ClassVar[str] = "distilbert"  # the detector of a bundle that `start` names

    @abstractmethod
    def example(self) -> dict[str, npt.NDArray[Any]]:
        """Inputs of two rows and several columns, named as ``forward`` of the network names them."""

    @abstractmethod
    def _loss(self, network: torch.nn.Module, batch: dict[str, torch.Tensor]) -> tuple[torch.Tensor, ...]:
        """Losses and weights of the predictions in a batch; see `logradar.training.loop.fit_network`."""

    def check_machine(self) -> None:
        """As `Detector.check_machine`: the packages, the device and the precision of the settings."""
        require()
        choose_precision(self.settings.training, choose_device(self.settings.training))

    def _begin(self, training: TrainingSet) -> None:
        """Know the texts of the training sessions, and have a model to begin with."""
        require()
        templates = training.templates()
        ids = [np.unique(chunk.values) for chunk in training.distinct.chunks()]
        known = KnownTexts.of(np.concatenate([np.array(list(templates), np.int32), *ids]), templates)
        if self.warm:
            self.known = self.known.joined(known)
            return
        self.known = known
        new = not self.settings.start
        if new and self.settings.lora:
            raise ConfigError(
                f"'{self.name}' would train adapters beside weights that have learnt nothing: set 'start', or lora=0."
            )
        self.model = self.model_kind.new(known.texts, self.settings, self.seed) if new else self._started()

    def _started(self) -> Any:
        """The model that the settings begin with: of a bundle, or one of `transformers`."""
        start, s = str(self.settings.start), self.settings
        for folder in (Path(start) / "detectors" / self.starts_with, Path(start)):
            if (folder / WEIGHTS).is_file():
                found = Detector.load(folder)
                if not isinstance(found, TextDetector):
                    raise BundleError(f"The detector in '{folder}' is a {found.name}, which does not read words.")
                if found.model_kind is not self.model_kind:
                    raise BundleError(f"The detector in '{folder}' is a {found.name}, another kind of network.")
                say(f"{self.name}: begins with what '{start}' has learnt of {len(found.known):,} templates")
                self.earlier = found.rows
                return found.model
        return self.model_kind.of_hub(start, s.normaliser, s.words)

    def _train(self, network: torch.nn.Module, training: TrainingSet, watched: Rows) -> None:
        """Let ``network`` learn the distinct sessions of ``training``."""
        with redirect_stdout(sys.stderr):  # transformers prints a line where WANDB_MODE is offline
            from logradar.training.loop import fit_network

        s, folder = self.settings.training, training.folder
        with self._rows_of(training.distinct, folder) as rows, adapted(network, self.settings.lora, self.name):
            done = fit_network(network, self._loss, rows, watched, s, folder, self.seed, self.name, self.parts)
        self.history = done.epochs

    @contextmanager
    def _rows_of(self, train: Distinct, folder: Path | None) -> Iterator[Rows | StoredRows]:
        """All rows of the training sessions, on disk or in memory as the settings say."""
        s, words = self.settings.training, self._words(self.known.texts)
        with Progress(f"{self.name}: preparing samples", len(train), "sequences") as bar:

            def framed(part: Sequences) -> Sequences:
                bar.advance(len(part))
                return self._frames_of(self.known.of_sequences(part), words).sequences.distinct()

            derived = train.derived(framed)
        if s.stream == "always":
            derived = derived.stored(folder)
        elif s.stream == "never" and derived.whole is None:
            with derived:
                derived = replace(derived, whole=derived.loaded(), files=())
        with derived:
            self.rows = _some(derived.part(0, min(len(derived), 50 * self.settings.kept)), self.settings.kept)
            if derived.whole is not None:
                yield self._with_replay(derived.whole)
            else:
                say(f"{self.name}: {len(derived):,} samples are streamed from disk, {s.buffer:,} at a time")
                yield StoredRows(derived, self._asked_of, s.buffer, s.batch_size)

    def _asked_of(self, rows: Sequences) -> RaggedRows:
        """Rows of tokens with the number of losses that the objective gives for each."""
        return RaggedRows(rows, like=LIKE)

    def _with_replay(self, rows: Sequences) -> Rows:
        """Rows to learn, and so many of earlier ones that they weigh the share ``replay`` of the new ones."""
        s = self.settings
        if not len(self.earlier) or not s.replay:
            return self._asked_of(rows)
        say(f"{self.name}: {len(self.earlier):,} earlier sessions are replayed, with {s.replay:.0%} of the weight")
        both = self._asked_of(rows.concat(self.earlier))
        both.weights[len(rows) :] *= s.replay * rows.counts.sum() / self.earlier.counts.sum()
        return both

    @property
    def _marks(self) -> Any:
        return self.model.tokenizer.marks

    @property
    def _positions(self) -> int:
        most = self.model.sizes.max_position_embeddings
        rungs = ladder(np.arange(most + 1))  # rows are padded to a rung when they are scored
        return int(min(self.settings.positions, rungs[rungs <= most].max()))

    def _words(self, texts: Any) -> Sequences:
        """The tokens of each text, and one more row for an event without any text."""
        words: Sequences = self.model.tokenizer.encode([*texts, None])
        return words

    def _frames_of(self, rows: Sequences, words: Sequences) -> Frames:
        """Rows of numbers of texts, whose tokens are ``words``, as the network reads them."""
        return Frames.of(rows, words, self._marks, self._positions)

    @staticmethod
    def _scored(rows: Sequences, parts: Iterable[tuple[slice, npt.NDArray[np.float32]]]) -> Scored:
        """Scores for each row of a view; ``parts`` are slices of its distinct ``rows``, with a score for each event."""
        values, scores = np.zeros(len(rows.values), np.float32), np.zeros(len(rows))
        for part, events in parts:
            first = int(rows.offsets[part.start])
            values[first : first + len(events)] = events
            scores[part] = together(events, rows.part(part.start, part.stop))
        return TextDetector._spread(rows, scores, values)

    @staticmethod
    def _spread(rows: Sequences, scores: Floats, values: npt.NDArray[np.float32]) -> Scored:
        """The scores of distinct sessions, for each row of a view."""
        every = Sequences.of(np.arange(len(rows.values), dtype=np.int32), rows.offsets).take(rows.inverse)
        return Scored(scores[rows.inverse], values[every.values])

    @staticmethod
    def _findings(view: SessionView, rows: Sequences, reasons: Sequence[Sequence[Reason]]) -> Iterator[list[Finding]]:
        """The reasons of distinct sessions, for each row of a view."""
        for row, session in enumerate(rows.inverse.tolist()):
            ids = view.sequences[row]
            yield [Finding(reason, place, int(ids[place]), weight) for place, weight, reason in reasons[session]]

    def _watched(self, view: SessionView) -> Rows:
        """The rows of validation sessions."""
        most = self.settings.training.watched
        sessions = self.known.of_view(view)
        rows = self._frames_of(sessions.sequences, self.model.tokenizer.encode(sessions.texts)).sequences.distinct()
        return self._asked_of(_some(rows, most))

    def _take(self, network: Any) -> None:
        """Score with the weights that ``network`` has now."""
        self.model = self.model.with_network(network)
        self._scorer = Scorer(export(network, self.example(), ragged=True))

    @cached_property
    def _scorer(self) -> Scorer:
        """That of these weights; tracing a network takes seconds or minutes, so one that scores nothing is not."""
        return Scorer(export(self.model.network(), self.example(), ragged=True))

    def network(self) -> LanguageNetwork:
        """The trained network in torch, in evaluation mode, to train on or to look inside."""
        network: LanguageNetwork = self.model.network()
        return network

    def untrained(self, training: TrainingSet) -> None:
        """Have the model of the settings as it is, with a tokenizer for the sessions of ``training``."""
        self._begin(training)

    def begin(self, ids: npt.NDArray[np.int32], templates: Mapping[int, str]) -> None:
        """Know the texts of more templates, as several sites have them; the tokenizer stays as it is."""
        self.known = self.known.joined(KnownTexts.of(ids, templates))

    def learnable(self, sequences: Sequences) -> Rows:
        """Sequences of template ids as the rows that the network learns from."""
        words = self._words(self.known.texts)
        return self._asked_of(self._frames_of(self.known.of_sequences(sequences), words).sequences.distinct())

    def objective(self, network: torch.nn.Module, batch: dict[str, torch.Tensor]) -> tuple[torch.Tensor, ...]:
        """Losses and weights of a batch of learnable rows, for a training that is not the detector's own."""
        return self._loss(network, batch)

    def take(self, network: torch.nn.Module, valid: SessionView) -> None:
        """Score with a network that was trained elsewhere; ``valid`` are normal sessions that it did not learn."""
        self._take(network)
        self.validation_scores = self._score(valid).rows if len(valid) else np.empty(0)

    @property
    def onnx(self) -> bytes:
        """The network that scores, as ONNX."""
        return self._scorer.network

    def _save(self, folder: Path) -> dict[str, Any]:
        (folder / WEIGHTS).write_bytes(self.model.weights)
        (folder / NETWORK).write_bytes(self._scorer.network)
        self.model.tokenizer.save(folder)
        columns = [pa.ListArray.from_arrays(pa.array(self.rows.offsets, pa.int32()), pa.array(self.rows.values))]
        pq.write_table(pa.table([*columns, pa.array(self.rows.counts)], names=["tokens", "count"]), folder / ROWS)
        return {
            "ids": self.known.ids.tolist(),
            "texts": list(self.known.texts),
            "sizes": self.model.sizes.model_dump(mode="json"),
            "words": self.model.tokenizer.most,  # of the model that the training began with
            "normaliser": self.model.tokenizer.normaliser.model_dump(mode="json"),
        }

    def _load(self, folder: Path, state: dict[str, Any]) -> None:
        saved = _State.of(state, "state")
        self.known = KnownTexts.restored(saved.ids, saved.texts)
        normaliser, sizes = kept(NormaliserSettings, saved.normaliser), self.model_kind.sizes_of(saved.sizes)
        tokenizer = TextTokenizer(document_of(folder), normaliser, saved.words)
        if tokenizer.highest >= sizes.vocab_size:
            raise ValueError("the tokenizer has more tokens than the network")
        self.model = self.model_kind(tokenizer, sizes, (folder / WEIGHTS).read_bytes())
        self.model.require_fit()
        self.rows = Columns(folder / ROWS).sequences("tokens", (0, sizes.vocab_size - 1), "count")
        if not (self.rows.lengths > 0).all() or self.rows.lengths.max(initial=0) > self._positions:
            raise ValueError("'rows' has rows that the network cannot read")
        self._scorer = Scorer((folder / NETWORK).read_bytes())
        longest = {name: np.full((2, self._positions), tokenizer.highest, np.int32) for name in self.example()}
        self._scorer.require(longest, self.outputs)


def _some(rows: Sequences, most: int) -> Sequences:
    """At most so many of distinct rows, evenly spaced, with their counts."""
    if len(rows) <= most:
        return rows
    chosen = np.arange(0, len(rows), -(-len(rows) // max(most, 1)))[:most]
    kept = rows.take(chosen)
    return Sequences(kept.values, kept.offsets, rows.counts[chosen], kept.inverse)
