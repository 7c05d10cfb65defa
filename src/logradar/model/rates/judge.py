"""Judge: compares the counts of one bucket after the other with a profile.

What is expected in a bucket is the rate of its slot, times the load of the service for series that follow it. The load
is how much more or less than in training the service wrote within about the last half hour, so that a busy day is no
change of every message; it is not taken from buckets in which the service itself is unusual.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from logradar.model.rates import tails
from logradar.model.rates.profile import WHOLE, RateProfile

Floats = npt.NDArray[np.float64]
_FORGOTTEN: Final = 1 - 1 / 20  # of the load, from bucket to bucket
_TRUSTED: Final = 10.0  # events that a load of 1 counts for
_RANGE: Final = 16.0  # times that a load is believed
_MORE: Final = 1.5  # times what is expected, or its inverse: a smaller change is of no interest to anybody
_BEYOND: Final = 1.5  # times the most that training had in a bucket
LEAST: Final = 10  # events in a bucket that make a rise
LEAST_NEW: Final = 3  # the same of what training never had
_LONGER: Final = 1.5  # times the longest pause of the training, of series that come at even intervals
_MUCH_LONGER: Final = 2.0  # the same of others
_PAUSES: Final = 10  # without which their distribution is not known
RISE, DROP, SILENCE = range(3)
KINDS: Final = 3
STATE: Final = ("sums", "span", "seen", "awaited")  # of each series, by kind
_SUM: Final = 2.0  # added to the highest sum of the training, and times it
_TIMES: Final = 1.25
_HIGHEST: Final = 40.0  # that a sum rises beyond that, so that it comes down again


@dataclass(frozen=True)
class Judged:
    """Of each series in one bucket: what was ``expected``, and ``p`` of each kind, which is 1 for most.

    A RISE is of this bucket alone. DROP and SILENCE began some buckets ago: ``span`` counts them, this one
    included, ``seen`` and ``awaited`` are the events in them and those that were expected, by kind. Of a ``calm``
    bucket these three are the state itself, which changes with the next one.
    """

    calm: bool  # all of ``p`` is 1
    expected: Floats
    p: Floats  # (KINDS, series)
    span: Floats
    seen: Floats
    awaited: Floats


class Judge:
    """Its state is small: the load of each service, and the pause that each series is in.

    It is asked once for each minute of a log, so what depends on the profile alone is computed once.
    """

    def __init__(self, profile: RateProfile) -> None:
        self.profile = profile
        self._whole = np.flatnonzero(profile.template == WHOLE)
        services = len(profile.facts.services)
        self._place = np.zeros(services, np.int64)  # of the whole service among the series
        self._place[profile.service[self._whole]] = self._whole
        self.wrote, self.expected = np.zeros(services), np.zeros(services)
        self._state = np.zeros((len(STATE), KINDS, len(profile)))  # one array, so that one step moves all of it
        self.sums, self.span, self.seen, self.awaited = self._state  # views; sums of SILENCE: log probability of none
        self._more = np.ones((len(STATE), len(profile)))  # by which the state of a kind rises
        self._rates = np.ascontiguousarray(profile.rates.T)  # by slot
        self._beyond = np.ascontiguousarray(_BEYOND * profile.most.T)
        self._spread = np.maximum(profile.dispersion, tails.LEAST_DISPERSION)
        self._size = 1 / self._spread
        self._limit = _TIMES * profile.drop_most + _SUM
        self._longer = np.maximum(np.where(profile.regular, _LONGER, _MUCH_LONGER) * profile.longest, 0.0)

    def series(self) -> dict[str, npt.NDArray[Any]]:
        """What is known of each series, to be saved: arrays with KINDS entries for each, by the names of `STATE`."""
        given = {name: values.ravel() for name, values in zip(STATE, self._state, strict=True)}
        return given | {"span": given["span"].astype(np.int64)}

    def restore(self, series: Mapping[str, npt.NDArray[Any]]) -> None:
        """Take over what `series` gave. Raises `ValueError` where it is of other series."""
        for values, name in zip(self._state, STATE, strict=True):
            values[:] = series[name].reshape(values.shape)

    def load(self) -> Floats:
        """How much each service writes, as a multiple of what is expected."""
        load = (self.wrote + _TRUSTED) / (self.expected + _TRUSTED)
        return np.minimum(np.maximum(load, 1 / _RANGE), _RANGE)

    def judge(self, bucket: int, counts: Floats, *, whole: bool = True, guarded: bool = True) -> Judged:
        """``counts`` of all series in a bucket; not ``whole``: its records are not all there, so nothing is too few.

        ``guarded``: what training had is not unusual, however improbable it is.
        """
        profile, slot = self.profile, self.profile.slot(bucket)
        load = np.where(profile.follows, self.load()[profile.service], 1.0)
        expected = self._rates[slot] * load
        p, calm = np.ones((KINDS, len(profile))), True
        many = counts > self._beyond[slot] * np.maximum(load, 1) if guarded else counts >= LEAST
        if many.any():
            rows = np.flatnonzero(many & (counts >= LEAST) & (counts >= _MORE * expected))
            p[RISE, rows] = tails.at_least(counts[rows], expected[rows], profile.dispersion[rows])
            calm = not len(rows)
        if whole:
            nothing = counts == 0
            self._more[2], self._more[3] = counts, expected
            self._clear(DROP, ~nothing & (self.span[SILENCE] > 1))  # after a silence nothing is held against it
            calm &= self._drop(counts, expected, p)
            self._add(SILENCE, nothing, tails.log_none(expected, self._spread))
            lost = self.awaited[SILENCE]
            rows = np.flatnonzero(nothing & (lost > self._longer) & (lost >= 2.0))
            if len(rows):
                p[SILENCE, rows] = self._silence(rows, expected)
                calm = False
        return Judged(calm, expected, p, *(self._state if calm else self._state.copy())[1:])

    def _add(self, kind: int, going_on: npt.NDArray[np.bool_], by: Floats) -> None:
        """One bucket more, ``by`` which the sums rise; where it does not go on, all is 0."""
        self._more[0] = by
        self._state[:, kind] = np.where(going_on, self._state[:, kind] + self._more, 0.0)

    def _clear(self, kind: int, rows: npt.NDArray[np.bool_]) -> None:
        if rows.any():
            self._state[:, kind, rows] = 0.0

    def _drop(self, counts: Floats, expected: Floats, p: Floats) -> bool:
        """Cumulative sums of the log-likelihood ratio of half the rate (Page, Biometrika 41, 1954).

        The ratio has mean 1 where the rate is as expected, so the probability of a sum of ``s`` is ``exp(-s)`` at most.
        Returns whether there is no drop.
        """
        ratio, sums = tails.log_ratio(counts, expected, self._size, 0.5), self.sums[DROP]
        self._add(DROP, sums + ratio > 0, ratio)
        np.minimum(sums, self._limit + _HIGHEST, out=sums)
        high = (sums > self._limit) & (counts > 0)
        if not high.any():
            return True
        few = (counts <= expected / _MORE) & (self.seen[DROP] <= self.awaited[DROP] / _MORE)
        rows = np.flatnonzero(high & few)
        p[DROP, rows] = np.maximum(np.exp(-sums[rows]), tails.SMALLEST)
        return not len(rows)

    def _silence(self, rows: npt.NDArray[np.int64], expected: Floats) -> Floats:
        """Pauses of regular series are gamma distributed; those of others are exponential beyond the longest so far.

        Where few pauses are known, none at all is judged by the counts, of a series that comes once a bucket or more.
        """
        profile = self.profile
        lost = self.awaited[SILENCE, rows]
        pauses, mean = profile.pauses[rows], np.maximum(profile.pause_mean[rows], 1e-9)
        deviation = np.maximum(np.maximum(profile.pause_deviation[rows], expected[rows]), 0.1 * mean)
        even = tails.pause(lost, mean, deviation)
        scale = np.maximum(np.maximum(deviation, mean), profile.longest[rows] / np.log(pauses + 2))
        beyond = np.exp(-(lost - profile.longest[rows]) / scale) / (pauses + 1)
        known = np.where(profile.regular[rows], even, np.maximum(beyond, tails.SMALLEST))
        often = profile.sums[rows].sum(axis=1) >= profile.buckets
        counted = np.where(often, np.maximum(np.exp(self.sums[SILENCE, rows]), tails.SMALLEST), 1.0)
        return np.where(pauses >= _PAUSES, known, counted)

    def follow(self, bucket: int, counts: Floats, unusual: npt.NDArray[np.bool_] | None = None) -> None:
        """Take a bucket into the load; ``unusual`` services (one entry each) are taken to have been as before."""
        rate = self._rates[self.profile.slot(bucket), self._place]
        wrote = counts[self._place]
        if unusual is not None and unusual.any():
            wrote = np.where(unusual, rate * self.load(), wrote)
        self.wrote = _FORGOTTEN * self.wrote + wrote
        self.expected = _FORGOTTEN * self.expected + rate

    def forget(self, services: npt.NDArray[np.bool_]) -> None:
        """The pauses of templates of ``services`` begin anew, for they are part of a pause of their service."""
        rows = services[self.profile.service] & (self.profile.template != WHOLE)
        self._clear(SILENCE, rows)
        self._clear(DROP, rows)

    def pause(self) -> None:
        """The log was not there for a while: no pause and no load of before counts."""
        self.wrote[:], self.expected[:] = 0.0, 0.0
        self._state[:] = 0.0


def probability_of_new(counts: Floats, buckets: float) -> Floats:
    """Probability of so many events in one bucket, of a kind that none of so many buckets of the training had.

    The rate of what was never seen has a gamma distribution of shape 1/2 (Jeffreys), so the counts are negative
    binomial with mean 1/2 / ``buckets`` and dispersion 2.
    """
    p = tails.at_least(counts, np.full(len(counts), 0.5 / max(buckets, 1)), np.full(len(counts), 2.0))
    return np.where(counts >= LEAST_NEW, p, 1.0)


def rejected(p: Floats, tests: int, level: float) -> npt.NDArray[np.bool_]:
    """Which of the probabilities ``p`` are too small for chance, where ``tests`` were made (the others had 1).

    Benjamini and Hochberg, Journal of the Royal Statistical Society B 57 (1995): the share of chance among these is
    ``level`` at most, and where all is chance, so is the probability of any.

    >>> rejected(np.array([0.001, 0.04, 0.9]), 3, 0.1).tolist()
    [True, True, False]
    """
    order = np.argsort(p, kind="stable")
    below = np.flatnonzero(p[order] <= level * np.arange(1, len(p) + 1) / max(tests, 1))
    chosen = np.zeros(len(p), bool)
    chosen[order[: below[-1] + 1 if len(below) else 0]] = True
    return chosen
