"""All models of values together: which values of sessions are judged, and how surprising each is."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow.compute as pc

from logradar.core.columns import Columns
from logradar.core.session_view import SessionView
from logradar.core.tables import FIRST_TEMPLATE
from logradar.detectors.value_models.novelty import MOST_NATS, Novelty, Texts
from logradar.detectors.value_models.numbers import numbers
from logradar.detectors.value_models.samples import Samples
from logradar.detectors.value_models.tails import Tails, damped

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

GAP: Final = -1  # the place of a test of the time before an event, not of a parameter
UNSEEN: Final = -2  # the place of a test of a template that training did not have
UNSEEN_NATS: Final = 20.0  # nats of a template that training did not have
_PLACES: Final = 256  # parameters of a template at most
_LATE: Final = 0.02  # share of texts that may be no numbers in a parameter of numbers


@dataclass(frozen=True, eq=False)
class ValueStatistics:
    """Statistics of the values in training sessions; their size depends on settings, not on the log.

    ``sample``: numbers of each key; ``categories``: distinct texts of a key; ``keys``: parameters, and
    pairs of templates, at most.
    """

    numbers: Samples
    gaps: Samples
    texts: Texts

    @classmethod
    def none(cls, sample: int, categories: int, keys: int, seed: int) -> ValueStatistics:
        """Nothing yet."""
        return cls(Samples(sample, keys, seed), Samples(sample, keys, seed), Texts(categories, keys))

    def add(self, sessions: SessionView) -> None:
        """Add the gaps and parameters of sessions, which come in order of time."""
        later, before = _pairs(sessions)
        gaps = sessions.gaps[later].astype(np.float64)
        alone, pairs = sessions.sequences.values[later].astype(np.int64), before
        self.gaps.add(np.concatenate([alone, pairs]), np.concatenate([gaps, gaps]))
        _, keys, texts = parameters(sessions)
        if len(keys):
            self.numbers.add(keys, numbers(texts))
            self.texts.add(keys, texts)

    def models(self, templates: Ints, least: int, few: int, constants: bool) -> Models:
        """Models of all values added so far, for keys with ``least`` values or more."""
        sample = self.numbers.close()
        total = np.maximum(sample.counts + sample.missing, 1)
        numeric = (sample.counts > 0) & (sample.missing <= _LATE * total)
        moving = (sample.high > sample.low) | constants
        rows = np.flatnonzero(numeric & (sample.counts >= least) & moving & ~sample.drifting)
        counted = self.texts.close()
        novelty = Novelty.fit(counted, sample.keys[numeric], least, few, constants)
        novelty = novelty.without(sample.keys[sample.drifting & numeric])
        amiss = -np.log((sample.missing[rows] + 0.1) / (total[rows] + 1.0))
        gap_sample = self.gaps.close()
        timed = bool((gap_sample.high > 0).any())
        whole = timed and bool((gap_sample.values == np.round(gap_sample.values)).all())
        modelled = np.flatnonzero(gap_sample.counts >= least) if timed else np.empty(0, np.int64)
        gaps = Tails.fit(gap_sample, modelled, finest=2.0 if whole else 0.005)
        return Models(templates, Tails.fit(sample, rows), amiss, gaps, novelty)


@dataclass(frozen=True, eq=False)
class Tests:
    """One entry per value that was judged: its event, its place (or `GAP`, `UNSEEN`), its surprisal, its key."""

    events: Ints
    places: Ints
    nats: Floats
    keys: Ints


@dataclass(frozen=True, eq=False)
class Models:
    """What is normal: known ``templates``, ``numbers`` and ``texts`` of parameters, ``gaps`` of templates and pairs.

    ``amiss`` are the nats of a text that is no number in a parameter of numbers.
    """

    templates: Ints
    numbers: Tails
    amiss: Floats
    gaps: Tails
    texts: Novelty

    def tests(self, sessions: SessionView) -> Tests:
        """How surprising each value of sessions is, in nats; only values that have a model."""
        parts = [self._templates(sessions), self._gaps(sessions), self._parameters(sessions)]
        names = ("events", "places", "nats", "keys")
        return Tests(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))

    def without(self, gaps: Ints, parameters: Ints) -> Models:
        """The same without the models of the named keys."""
        kept = ~np.isin(self.numbers.keys, parameters)
        return replace(
            self,
            numbers=self.numbers.without(parameters),
            amiss=self.amiss[kept],
            gaps=self.gaps.without(gaps),
            texts=self.texts.without(parameters),
        )

    def _templates(self, sessions: SessionView) -> Tests:
        known = np.isin(sessions.sequences.values, self.templates) & (sessions.sequences.values >= FIRST_TEMPLATE)
        events = np.flatnonzero(~known)
        return Tests(
            events,
            np.full(len(events), UNSEEN),
            np.full(len(events), UNSEEN_NATS),
            sessions.sequences.values[events].astype(np.int64),
        )

    def _gaps(self, sessions: SessionView) -> Tests:
        later, keys = _pairs(sessions)
        rows = self.gaps.find(keys)
        alone = sessions.sequences.values[later].astype(np.int64)
        keys = np.where(rows >= 0, keys, alone)
        rows = np.where(rows >= 0, rows, self.gaps.find(alone))
        there = rows >= 0
        nats = self.gaps.surprisal(rows[there], sessions.gaps[later[there]].astype(np.float64), both=False)
        return Tests(later[there], np.full(len(nats), GAP), nats, keys[there])

    def _parameters(self, sessions: SessionView) -> Tests:
        events, keys, texts = parameters(sessions)
        number, closed = self.numbers.find(keys), self.texts.find(keys)
        kept = np.flatnonzero((number >= 0) | (closed >= 0))
        events, keys, number, closed = events[kept], keys[kept], number[kept], closed[kept]
        texts = texts.gather(kept)
        nats = np.zeros(len(kept))
        asked = np.flatnonzero(number >= 0)
        values = numbers(texts.gather(asked))
        plain = ~np.isnan(values)
        nats[asked[plain]] = self.numbers.surprisal(number[asked[plain]], values[plain], both=True)
        nats[asked[~plain]] = damped(self.amiss[number[asked[~plain]]])
        asked = np.flatnonzero(closed >= 0)
        new = ~self.texts.known(keys[asked], texts.gather(asked))
        nats[asked[~new]] = 0.0
        nats[asked[new]] = np.maximum(nats[asked[new]], damped(self.texts.nats[closed[asked[new]]]))
        return Tests(events, keys % _PLACES, nats, keys)

    def save(self, folder: Path) -> None:
        """Write as Parquet."""
        self.numbers.save(folder / "numbers.parquet")
        self.gaps.save(folder / "gaps.parquet")
        self.texts.save(folder / "texts.parquet")
        pl.DataFrame({"amiss": self.amiss}).write_parquet(folder / "amiss.parquet")

    @classmethod
    def load(cls, folder: Path, templates: Ints) -> Models:
        """What `save` wrote; `ValueError` where a number is not one that a training gives."""
        amiss = Columns(folder / "amiss.parquet").only("amiss").numbers("amiss", np.float64, (0, MOST_NATS))
        numbers, gaps = Tails.load(folder / "numbers.parquet"), Tails.load(folder / "gaps.parquet")
        if len(amiss) != len(numbers.keys):
            raise ValueError(f"amiss.parquet has {len(amiss)} rows, numbers.parquet {len(numbers.keys)}")
        return cls(templates, numbers, amiss, gaps, Novelty.load(folder / "texts.parquet"))


def parameters(sessions: SessionView) -> tuple[Ints, Ints, pl.Series]:
    """The event, the key (of its template and place) and the text of every parameter that has one."""
    lists = sessions.parameters
    if lists is None:
        return np.empty(0, np.int64), np.empty(0, np.int64), pl.Series([], dtype=pl.String)
    counts = pc.list_value_length(lists).fill_null(0).to_numpy().astype(np.int64)
    texts = pl.Series(pl.from_arrow(lists.flatten()))
    events = np.repeat(np.arange(len(lists)), counts)
    places = np.arange(len(events)) - np.repeat(np.cumsum(counts) - counts, counts)
    keys = sessions.sequences.values[events].astype(np.int64) * _PLACES + places
    kept = (places < _PLACES) & (sessions.sequences.values[events] >= FIRST_TEMPLATE) & texts.is_not_null().to_numpy()
    if kept.all():
        return events, keys, texts
    return events[kept], keys[kept], texts.filter(pl.Series(kept))


def _pairs(sessions: SessionView) -> tuple[Ints, Ints]:
    """The events that have one before them in their session, and a key for both templates together."""
    later = np.flatnonzero(sessions.sequences.positions > 0)
    values = sessions.sequences.values.astype(np.int64)
    return later, (values[later - 1] + 1 << 32) + values[later]
