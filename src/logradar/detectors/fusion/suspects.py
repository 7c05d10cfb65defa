"""Suspects: which sessions of a training without labels may be anomalies, found by two rules.

Anomalies repeat each other, so nothing that looks for novelty finds them in what it has learnt. Two things tell:

- *few are like it*: less than 3 % of all sessions resemble it (`baselines.session_density`). That holds only where
  sessions have common patterns: if more than a tenth of them are rare, being rare says nothing, and the rule is left
  out.
- *it came in one episode*: an event, or one event after another, that is rare (less than 3 % of the sessions have it)
  and came in a few short times only, while what is frequent in this log is spread evenly over its time. Where what is
  frequent comes in bursts too, or no session has a time, the rule is left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from logradar.core.sequences import Ints, Sequences
from logradar.detectors.base import Floats
from logradar.detectors.baselines.count_tails import Rarity
from logradar.detectors.baselines.session_density import Prototypes
from logradar.detectors.density import DensitySettings

RARE: Final = "rare"
EPISODES: Final = "episodes"
LEAST: Final = 200  # sessions below which 3 % of them are too few to say what is rare
MOST: Final = 0.1  # share of rare sessions beyond which a log has no common patterns
_BLOCKS: Final = 20  # of equally many sessions, into which the time of a log is divided
_STEADY: Final = 1.5  # index of dispersion of what is frequent, up to which a log counts as steady
_FREQUENT: Final = 0.01  # share of sessions from which a kind is frequent
_EPISODES: Final = 0.25  # share of its pairs that are in one block, for what comes in one episode or few
_STRONGEST: Final = 6.0  # nats that time alone can add or take
_NEEDED: Final = 6.5  # nats of rarity and time together from which an event is suspect


@dataclass(frozen=True, eq=False)
class Suspects:
    """What the rules say of each session: above 0 is suspect, in nats; ``rules`` names those that were applied."""

    scores: Floats
    rules: tuple[str, ...]

    @property
    def mask(self) -> npt.NDArray[np.bool_]:
        """Which sessions are suspect."""
        found: npt.NDArray[np.bool_] = self.scores > 0
        return found


def suspects(rows: Sequences, timed: bool) -> Suspects:
    """Judge all sessions of a training, given as their sequences; in order of time where ``timed``.

    Equal sequences have equal scores. Decided without labels and at random in nothing. The cut of 3 % and the other
    constants were chosen as ``docs/decisions/0031`` tells. Fewer than `LEAST` sessions are not judged.
    """
    nothing = np.full(len(rows), -np.inf)
    if len(rows) < LEAST:
        return Suspects(nothing, ())
    vectors = rows.sorted().distinct()
    found: Floats = nothing
    rules: list[str] = []
    rare = rarities(vectors)[vectors.inverse]
    if (rare > 0).mean() <= MOST:
        found, rules = rare, [RARE]
    steady = _dispersion_of_frequent(vectors) if timed else np.inf
    if steady <= _STEADY:
        found, rules = np.maximum(found, _episodic(rows, max(steady, 1.0))), [*rules, EPISODES]
    return Suspects(found, tuple(rules))


def rarities(vectors: Sequences) -> Floats:
    """For each of distinct sorted rows with counts how rare it and its like are, in nats; above 0: less than 3 %.

    A row does not count as its own like once: what occurred once is judged by others alone.
    """
    settings, counts = DensitySettings(), vectors.counts.astype(np.float64)
    order = np.argsort(-counts, kind="stable")[: settings.prototypes]
    frequent = vectors.take(order)
    frequent = Sequences(frequent.values, frequent.offsets, vectors.counts[order], np.arange(len(order)))
    rarity, _ = Prototypes.of(frequent, Rarity.none().and_of(vectors)).rarity(vectors, settings.bandwidth)
    held = np.zeros(len(vectors), bool)
    held[order] = True
    total = counts.sum()
    mass = np.exp(-rarity) * total - np.where(held, 1.0, 0.0) + np.where(held, 0.0, counts - 1.0)
    rare: Floats = np.log(settings.share) - np.log(np.maximum(mass, 1e-9) / max(total - 1.0, 1.0))
    return rare


def _dispersion_of_frequent(vectors: Sequences) -> float:
    """The median index of dispersion (Morisita, 1959) of frequent kinds of sessions: 1 where they come evenly."""
    frequent = vectors.counts >= _FREQUENT * vectors.counts.sum()
    if not frequent.any():
        return np.inf
    every = np.arange(len(vectors.inverse))
    sessions, pairs = _in_blocks(vectors.inverse, every, len(vectors), len(every))
    index = _BLOCKS * pairs / np.maximum(sessions * (sessions - 1.0) / 2, 1.0)
    order = np.argsort(index[frequent], kind="stable")
    weight = np.cumsum(vectors.counts[frequent][order])
    return float(index[frequent][order][int(np.searchsorted(weight, weight[-1] / 2))])


def _in_blocks(items: Ints, session: Ints, kinds: int, sessions: int) -> tuple[Floats, Floats]:
    """For each item how many sessions have it, and how many pairs of them are in the same block of time."""
    both = np.unique(items.astype(np.int64) * sessions + session)
    item, block = both // sessions, (both % sessions) * _BLOCKS // sessions
    cells, count = np.unique(item * _BLOCKS + block, return_counts=True)
    held = np.bincount(item, minlength=kinds).astype(np.float64)
    pairs = np.bincount(cells // _BLOCKS, count * (count - 1.0) / 2, minlength=kinds).astype(np.float64)
    return held, pairs


def _episodic(rows: Sequences, dispersion: float) -> Floats:
    """For each session the strongest evidence that one of its events, or runs of two, came in an episode; in nats.

    Rarity is -ln of the share of the sessions with the event before that have this one after it (of all sessions for
    an event alone). Time adds the likelihood of its pairs within one block if a quarter of them were, against that
    if it came as evenly as what is frequent; as many trials as it has sessions, less one.
    """
    closed = rows.closed()
    found = np.full(len(rows), -np.inf)
    held = _strongest(closed.values.astype(np.int64), closed.rows, None, dispersion, found)
    _strongest(*closed.runs(), held, dispersion, found)
    return found


def _strongest(
    items: Ints, session: Ints, before: tuple[Ints, Floats] | None, dispersion: float, found: Floats
) -> tuple[Ints, Floats]:
    """Raise ``found`` to the evidence of each session's items; the items, and how many sessions have each."""
    names, number = np.unique(items, return_inverse=True)
    held, pairs = _in_blocks(number, session, len(names), len(found))
    context = np.full(len(names), float(len(found)))
    if before is not None:
        context = before[1][np.searchsorted(before[0], names >> 32)]
    rarity = np.maximum(-np.log((held - 0.5) / context), 0.0)
    even = dispersion / _BLOCKS
    together = pairs / np.maximum(held * (held - 1.0) / 2, 1.0)
    time = (held - 1.0) * (together * np.log(_EPISODES / even) - (_EPISODES - even))
    evidence = rarity + np.clip(time, -_STRONGEST, _STRONGEST) - _NEEDED
    evidence[held > DensitySettings().share * len(found)] = -np.inf
    np.maximum.at(found, session, evidence[number])
    return names, held
