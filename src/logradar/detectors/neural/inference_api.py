"""Neural detectors for other programs: arrays of ids in, scores out; and the predictions behind the scores."""

from __future__ import annotations

from abc import abstractmethod
from copy import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from logradar.core.distinct import count_distinct
from logradar.core.errors import DataError
from logradar.core.progress import say
from logradar.core.sequences import Sequences
from logradar.core.session_set import SessionSet
from logradar.core.tables import FIRST_TEMPLATE, MASK, PADDING, SESSIONS, UNKNOWN, conform, template_ids_of
from logradar.detectors.base import SequenceDetector
from logradar.detectors.neural.scorer import Scorer
from logradar.detectors.neural.surprisal import Surprise
from logradar.detectors.neural.vocabulary import Vocabulary
from logradar.training.settings import TrainingSettings

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Predicted:
    """All predictions for several sessions: first of every event, then of every end, where ends are predicted.

    ``ranks`` from 1, ``losses`` in nats, ``known`` is False where training did not have the event,
    ``weights`` says how often the same prediction occurs, ``rows`` is the distinct session of each.
    """

    ranks: npt.NDArray[np.float32]
    losses: npt.NDArray[np.float32]
    known: npt.NDArray[np.bool_]
    weights: npt.NDArray[np.int64]
    rows: npt.NDArray[np.int64]


class PredictsEvents(SequenceDetector):
    """What every neural detector offers in addition to `score` and `explain`."""

    vocabulary: Vocabulary
    _scorer: Scorer
    before_validation: Self | None = None  # after training: as it was before it learnt the validation sessions, if so

    @property
    def choices(self) -> int:
        """How many answers the network chooses among: the templates of training, and the end or nothing."""
        return len(self.vocabulary) - FIRST_TEMPLATE + 1

    @property
    def onnx(self) -> bytes:
        """The network that scores, as ONNX."""
        return self._scorer.network

    def scoring_with(self, network: bytes) -> Self:
        """A copy that scores with another ONNX network of the same inputs and outputs, such as one in 8 bits."""
        other = copy(self)
        other._scorer = Scorer(network)
        return other

    @abstractmethod
    def _tokens(self, sequences: Sequences) -> Sequences:
        """Sequences of template ids as the network's tokens."""

    @abstractmethod
    def _learn_again(
        self, learnt: Sequences, watched: Sequences, settings: TrainingSettings, folder: Path | None, last: bool
    ) -> None:
        """Go on from the weights with distinct sequences ``learnt``; new templates become known where they can.

        ``last`` says that no more learning follows.
        """

    @abstractmethod
    def _surprise(self, tokens: Sequences) -> Surprise:
        """The scores of all events and ends of distinct sequences of tokens, as ``settings.score`` says."""

    def _predicted_events(self, tokens: Sequences) -> Surprise:
        """The scores of events as predictions; differs from `_surprise` where that scores more than events."""
        return self._surprise(tokens)

    def predicted(self, sessions: SessionSet) -> Predicted:
        """Rank and loss of every event of SESSIONS, for distinct sessions with weights."""
        with count_distinct(sessions.sequences()) as found:
            return _predicted(self, found.loaded())

    def predict_anomaly_score(
        self, input_ids: Any = None, attention_mask: Any = None, *, token_ids: Any = None
    ) -> Floats:
        """The score of each row of ``input_ids``: the same as `score` gives to a session of these events.

        ``input_ids`` (batch, length) holds template ids as integers: a numpy array, a torch tensor, or
        lists of equal length; ``attention_mask`` of the same shape is 1 where an event is and 0 for
        padding, at any place; without a mask, id 0 is padding. ``token_ids`` takes their place for a bundle of day
        files: it holds the files' own event ids, and without a mask the zeros at the end of a row are padding.
        Returns (batch,) float64, higher = more anomalous. Raises `DataError` for other shapes, for ids that are no
        template ids, and unless one of ``input_ids`` and ``token_ids`` is given.
        """
        sequences = self._sequences(input_ids, attention_mask, token_ids)
        scores: Floats = self.score(_table(sequences))["score"].to_numpy()
        return scores

    def calculate_anomaly_score(
        self, input_ids: Any = None, top_k: int = 10, attention_mask: Any = None, *, token_ids: Any = None
    ) -> Floats:
        """For each row of ``input_ids`` the share of its events that were not among the ``top_k`` predicted ones.

        Ids and shapes as in `predict_anomaly_score`. An event that training did not have is never among them;
        where the detector predicts the end of a session, the end counts as one more event. Returns (batch,)
        float64 from 0 to 1; a row without an event has 0. DeepLog's rule (Du et al., CCS 2017) alerts
        where this is above 0. Where the network has no more than ``top_k`` answers to choose among, a sentence on
        stderr says so: then only events that training did not have count.
        """
        if top_k < 1:
            raise DataError(f"top_k is {top_k}; it must be 1 or more.")
        if top_k >= self.choices:
            say(
                f"top_k is {top_k}, but {self.name} chooses among {self.choices} answers: every event that training "
                f"had is among the top {top_k}. Give a smaller top_k."
            )
        distinct = self._sequences(input_ids, attention_mask, token_ids).distinct()
        predicted = _predicted(self, distinct)
        missed = np.bincount(predicted.rows, ~predicted.known | (predicted.ranks > top_k), len(distinct))
        asked = np.bincount(predicted.rows, minlength=len(distinct))
        shares = np.where(distinct.lengths > 0, missed / np.maximum(asked, 1), 0.0)
        out: Floats = shares[distinct.inverse]
        return out

    def _sequences(self, input_ids: Any, attention_mask: Any, token_ids: Any) -> Sequences:
        """Rows of template ids, or of event ids of day files, as sequences of template ids."""
        if (input_ids is None) == (token_ids is None):
            raise DataError("Give either input_ids (template ids) or token_ids (event ids of day files), not both.")
        if token_ids is None:
            sequences = _sequences(_matrix(input_ids, "input_ids"), attention_mask, "input_ids")
            reserved = np.isin(sequences.values, (PADDING, MASK)) | (sequences.values < 0)
            if reserved.any():
                raise DataError(
                    f"input_ids holds {sequences.values[reserved][0]}, which is no template id: these are {UNKNOWN} "
                    f"for unknown ones, and {FIRST_TEMPLATE} or more. Give event ids of day files as token_ids=."
                )
        else:
            events = _matrix(token_ids, "token_ids")
            mask = _before_padding(events) if attention_mask is None else attention_mask
            sequences = _sequences(events, mask, "token_ids")
            sequences = Sequences.of(template_ids_of(sequences.values), sequences.offsets)
        self._warn_of_other_ids(sequences.values, token_ids is not None)
        return sequences

    def _warn_of_other_ids(self, values: npt.NDArray[np.int32], of_day_files: bool) -> None:
        """Say so where most ids are not those of the training: they may be of the other kind."""
        strange = int((~np.isin(values, self.vocabulary.ids)).sum())
        if 2 * strange > len(values):
            hint = (
                "token_ids= is for bundles of day files; others take template ids as input_ids=."
                if of_day_files
                else f"Event ids of day files are template ids less {FIRST_TEMPLATE}: give them as token_ids=."
            )
            say(f"{self.name}: training did not have {strange:,} of these {len(values):,} events. {hint}")


def _predicted(detector: PredictsEvents, distinct: Sequences) -> Predicted:
    tokens = detector._tokens(distinct)
    surprises = {}
    for score in ("rank", "surprisal"):
        other = copy(detector)
        other.settings = detector.settings.model_copy(update={"score": score})
        surprises[score] = other._predicted_events(tokens)
    ends = np.flatnonzero(surprises["rank"].ends > 0)  # 0: this end is not predicted
    rows = np.concatenate([distinct.rows, ends])
    known = np.concatenate([tokens.values != UNKNOWN, np.ones(len(ends), bool)])
    ranks, losses = (np.concatenate([surprises[s].events, surprises[s].ends[ends]]) for s in ("rank", "surprisal"))
    return Predicted(ranks, losses, known, distinct.counts[rows], rows)


def _sequences(ids: npt.NDArray[Any], attention_mask: Any, name: str) -> Sequences:
    mask = ids != PADDING if attention_mask is None else _matrix(attention_mask, "attention_mask") != 0
    if mask.shape != ids.shape:
        raise DataError(f"attention_mask has the shape {mask.shape}, {name} has {ids.shape}; they must be equal.")
    if ids.size and not (np.iinfo(np.int32).min <= ids.min() and ids.max() <= np.iinfo(np.int32).max):
        raise DataError(f"{name} must fit into 32 bits.")
    offsets = np.concatenate([[0], np.cumsum(mask.sum(axis=1))]).astype(np.int64)
    return Sequences.of(ids[mask].astype(np.int32), offsets)


def _before_padding(events: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """A mask without the zeros at the ends of the rows; a zero before another event is an event."""
    real: npt.NDArray[np.bool_] = np.logical_or.accumulate((events != PADDING)[:, ::-1], axis=1)[:, ::-1]
    return real


def _matrix(given: Any, name: str) -> npt.NDArray[Any]:
    try:
        array = np.asarray(given.detach().cpu() if hasattr(given, "detach") else given)
    except ValueError:
        array = np.empty(0, object)
    if array.ndim != 2 or (array.size and array.dtype.kind not in "iub"):
        raise DataError(f"{name} must be integers of shape (batch, length), rows of equal length.")
    return array


def _table(sequences: Sequences) -> pa.Table:
    """Sequences as SESSIONS without times: all gaps are 0."""
    offsets = pa.array(sequences.offsets.astype(np.int32))

    def lists(values: npt.NDArray[Any]) -> pa.ListArray:
        return pa.ListArray.from_arrays(offsets, pa.array(values))

    columns = {
        "session_id": [str(row) for row in range(len(sequences))],
        "record_ids": lists(np.arange(len(sequences.values))),
        "template_ids": lists(sequences.values),
        "gaps": lists(np.zeros(len(sequences.values), np.float32)),
    }
    return conform(pa.table(columns), SESSIONS)
