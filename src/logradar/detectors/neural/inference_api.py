"""Neural detectors for other programs: arrays of ids in, scores out; and the predictions behind the scores."""

from __future__ import annotations

from abc import abstractmethod
from copy import copy
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from logradar.core.distinct import count_distinct
from logradar.core.errors import DataError
from logradar.core.sequences import Sequences
from logradar.core.session_set import SessionSet
from logradar.core.tables import PADDING, SESSIONS, UNKNOWN, conform
from logradar.detectors.base import SequenceDetector
from logradar.detectors.neural.scorer import Scorer
from logradar.detectors.neural.surprisal import Surprise

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

    _scorer: Scorer
    before_validation: Self | None = None  # after training: as it was before it learnt the validation sessions, if so

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
    def _surprise(self, tokens: Sequences) -> Surprise:
        """The scores of all events and ends of distinct sequences of tokens, as ``settings.score`` says."""

    def _predicted_events(self, tokens: Sequences) -> Surprise:
        """The scores of events as predictions; differs from `_surprise` where that scores more than events."""
        return self._surprise(tokens)

    def predicted(self, sessions: SessionSet) -> Predicted:
        """Rank and loss of every event of SESSIONS, for distinct sessions with weights."""
        with count_distinct(sessions.sequences()) as found:
            return _predicted(self, found.loaded())

    def predict_anomaly_score(self, input_ids: Any, attention_mask: Any = None) -> Floats:
        """The score of each row of ``input_ids``: the same as `score` gives to a session of these events.

        ``input_ids`` (batch, length) holds template ids as integers: a numpy array, a torch tensor, or
        lists of equal length; ``attention_mask`` of the same shape is 1 where an event is and 0 for
        padding, at any place; without a mask, id 0 is padding. Returns (batch,) float64, higher =
        more anomalous. Raises `DataError` for other shapes.
        """
        sequences = _sequences(input_ids, attention_mask)
        scores: Floats = self.score(_table(sequences))["score"].to_numpy()
        return scores

    def calculate_anomaly_score(self, input_ids: Any, top_k: int = 10, attention_mask: Any = None) -> Floats:
        """For each row of ``input_ids`` the share of its events that were not among the ``top_k`` predicted ones.

        Shapes as in `predict_anomaly_score`. An event that training did not have is never among them;
        where the detector predicts the end of a session, the end counts as one more event. Returns (batch,)
        float64 from 0 to 1; a row without an event has 0. DeepLog's rule (Du et al., CCS 2017) alerts
        where this is above 0.
        """
        if top_k < 1:
            raise DataError(f"top_k is {top_k}; it must be 1 or more.")
        distinct = _sequences(input_ids, attention_mask).distinct()
        predicted = _predicted(self, distinct)
        missed = np.bincount(predicted.rows, ~predicted.known | (predicted.ranks > top_k), len(distinct))
        asked = np.bincount(predicted.rows, minlength=len(distinct))
        shares = np.where(distinct.lengths > 0, missed / np.maximum(asked, 1), 0.0)
        out: Floats = shares[distinct.inverse]
        return out


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


def _sequences(input_ids: Any, attention_mask: Any) -> Sequences:
    ids = _matrix(input_ids, "input_ids")
    mask = ids != PADDING if attention_mask is None else _matrix(attention_mask, "attention_mask") != 0
    if mask.shape != ids.shape:
        raise DataError(f"attention_mask has the shape {mask.shape}, input_ids has {ids.shape}; they must be equal.")
    if ids.size and not (np.iinfo(np.int32).min <= ids.min() and ids.max() <= np.iinfo(np.int32).max):
        raise DataError("input_ids must fit into 32 bits.")
    offsets = np.concatenate([[0], np.cumsum(mask.sum(axis=1))]).astype(np.int64)
    return Sequences.of(ids[mask].astype(np.int32), offsets)


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
