"""How surprising events are to a network that predicts them: surprisal, rank, and the reasons in findings."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from logradar.core.sequences import Sequences
from logradar.core.tables import FIRST_TEMPLATE
from logradar.detectors.base import Finding
from logradar.detectors.neural.vocabulary import Vocabulary

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
Ids = npt.NDArray[np.int32]

UNSEEN: Final = 30.0  # nats; more than a network gives to any known event
END: Final = 0  # the class of "the session ends"; the classes after it are the vocabulary's ids
NEVER_SEEN: Final = -1  # the class of an event that training did not have
_FINDINGS = 5  # findings per session at most
_LIKELY = math.log(0.01)  # events less likely than this were not expected
_SHARE = 0.5  # of the highest score in its session, for an event to be named with it


@dataclass(frozen=True, eq=False)
class Surprise:
    """A score of every event of several sequences, and of the end of every row (0 if it is not predicted)."""

    events: Floats
    ends: Floats

    def joined(self, sequences: Sequences) -> tuple[Floats, npt.NDArray[np.bool_]]:
        """One score per event, where the end counts for the last event; and for which events the end was higher."""
        scores, by_end = self.events.copy(), np.zeros(len(self.events), bool)
        filled = sequences.lengths > 0
        last = sequences.offsets[1:][filled] - 1
        by_end[last] = self.ends[filled] > scores[last]
        scores[last] = np.maximum(scores[last], self.ends[filled])
        return scores, by_end


def classes_of(tokens: Ids) -> Ints:
    """The class that a network predicts for each token; `NEVER_SEEN` for an event that it cannot predict."""
    return np.where(tokens >= FIRST_TEMPLATE, tokens - FIRST_TEMPLATE + 1, NEVER_SEEN).astype(np.int64)


def measure(log_probabilities: Floats, classes: Ints, score: str) -> Floats:
    """How unusual the class that came in each row is: ``excess`` or ``surprisal``, in nats, or ``rank`` from 1.

    The surprisal is -log of the probability of what came. Its excess is what is left after its expected value, the
    entropy of the prediction, at least 0: the same rare event means more where the network was sure of another one
    than where many were possible (as in locally typical sampling; Meister et al., TACL 2023). An event that
    training did not have scores `UNSEEN`, or one rank behind the last.
    """
    came = log_probabilities[np.arange(len(classes)), np.maximum(classes, 0)]
    if score == "rank":
        rank = 1 + (log_probabilities > came[:, None]).sum(axis=1)
        ranks: Floats = np.where(classes >= 0, rank, log_probabilities.shape[1] + 1).astype(np.float32)
        return ranks
    scores = np.minimum(-came, UNSEEN)
    if score == "excess":
        entropy = -(np.exp(log_probabilities) * np.maximum(log_probabilities, -UNSEEN)).sum(axis=1)
        scores = np.maximum(scores - entropy, 0.0)
    out: Floats = np.where(classes >= 0, scores, UNSEEN).astype(np.float32)
    return out


def together(surprisals: Floats, sequences: Sequences) -> npt.NDArray[np.float64]:
    """One score per row: ``log(1 + sum(exp(s) - 1))`` over the scores s of its events, a soft maximum of them.

    One surprising event counts in full, certain events add nothing, and k events that were
    never seen score ``UNSEEN + log(k)``: there is no highest score, so no threshold can hide all sessions.
    """
    out, filled = np.zeros(len(sequences)), sequences.lengths > 0
    if filled.any():  # each row is summed alone: its bytes depend on no other row
        odds = np.add.reduceat(np.expm1(surprisals, dtype=np.float64), sequences.offsets[:-1][filled])
        out[filled] = np.log1p(odds)
    return out


def most_surprising(scores: Floats, ordinary: float) -> Ints:
    """Places of the few events in a session that are worth a finding, highest score first."""
    top = np.argsort(-scores, kind="stable")[:_FINDINGS]
    chosen: Ints = top[(scores[top] > ordinary) & (scores[top] >= _SHARE * scores.max(initial=0.0))]
    return chosen


def finding(
    log_probabilities: Floats, came: int, place: int, template_id: int, score: float, names: Vocabulary, shown: int
) -> Finding:
    """Why the class ``came`` at ``place`` was a surprise, given ``log_probabilities`` of all classes."""
    order = np.argsort(-log_probabilities, kind="stable")
    likely = [c for c in order[: shown + 2].tolist() if c not in (END, came)][:shown]
    likely = [c for i, c in enumerate(likely) if i == 0 or log_probabilities[c] > _LIKELY]
    expected = [(names.template(c - 1 + FIRST_TEMPLATE), float(np.exp(log_probabilities[c]))) for c in likely]
    if came == NEVER_SEEN:
        reason = "never seen in training" if names.whole else "not one of the events that the network knows"
    else:
        what = "the session ends here, which is surprising" if came == END else "surprising here"
        rank = 1 + int((log_probabilities > log_probabilities[came]).sum())
        reason = f"{what}: probability {_percent(log_probabilities[came])}, rank {rank} of {len(log_probabilities)}"
    if int(order[0]) == END != came:
        reason += f"; the end of the session was expected ({_percent(log_probabilities[END])})"
    about = expected[0][0] if came == END and expected else template_id
    return Finding(reason, place, about, score, expected)


def _percent(log_probability: float) -> str:
    percent = 100 * float(np.exp(log_probability))
    return f"{percent:.2g} %" if percent >= 0.001 else "below 0.001 %"


def missing(
    log_probabilities: Floats, side: str, place: int, template_id: int, score: float, names: Vocabulary, shown: int
) -> Finding:
    """What is missing next to the event at ``place``, given ``log_probabilities``; class 0 is "nothing is missing"."""
    likely = [c for c in np.argsort(-log_probabilities, kind="stable")[: shown + 1].tolist() if c][:shown]
    likely = [c for i, c in enumerate(likely) if i == 0 or log_probabilities[c] > _LIKELY]
    expected = [(names.template(c - 1 + FIRST_TEMPLATE), float(np.exp(log_probabilities[c]))) for c in likely]
    chance = _percent(log_probabilities[0])
    reason = f"something is missing, most likely {side} this event: probability that nothing is missing {chance}"
    return Finding(reason, place, expected[0][0] if expected else template_id, score, expected)
