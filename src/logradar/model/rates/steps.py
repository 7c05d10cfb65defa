"""Steps: how the sums of all series move on by one bucket, as one kernel, for it is asked for each minute of a log.

Of each series the state has four values for each kind of change: a sum, how many buckets it goes on, and the events
that were seen and awaited in them.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from logradar.core.kernels import kernel

RISE, DROP, SILENCE = range(3)
KINDS: Final = 3
STATE: Final = ("sums", "span", "seen", "awaited")  # of each series, by kind
MORE: Final = 1.5  # times what is expected, or its inverse: a smaller change is of no interest to anybody
LEAST: Final = 10  # events in a bucket that make a rise
_HIGHEST: Final = 40.0  # that a sum rises beyond its limit, so that it comes down again
_AWAITED: Final = 2.0  # events that must be missing, so that a pause is one
_FACTOR: Final = 0.5  # of the rate, which a drop is tried against
_LOG_FACTOR: Final = float(np.log(_FACTOR))
_SUM, _SPAN, _SEEN, _AWAIT = range(4)


@kernel
def step(counts, expected, most, spread, limit, longer, whole, guarded, state, found):  # type: ignore[no-untyped-def]
    """Move ``state`` (4, KINDS, series) on by a bucket; how many are ``found`` (KINDS, series) to be judged.

    A drop is a cumulative sum of the log-likelihood ratio of half the rate (Page, Biometrika 41, 1954) beyond
    ``limit``; counts are negative binomial with dispersion ``spread``. A pause is judged when it lasts ``longer``, a
    rise when it is above the ``most`` that is normal, if ``guarded``. Not ``whole``: nothing is too few.
    """
    number = 0
    for i in range(len(counts)):
        count, mean = counts[i], expected[i]
        for kind in range(KINDS):
            found[kind, i] = False
        if count >= LEAST and count >= MORE * mean and (not guarded or count > most[i]):
            found[RISE, i] = True
            number += 1
        if not whole:
            continue
        if count > 0 and state[_SPAN, SILENCE, i] > 1:  # after a silence nothing is held against it
            for part in range(4):
                state[part, DROP, i] = 0.0
        size = 1 / spread[i]
        ratio = count * _LOG_FACTOR - (count + size) * np.log((size + _FACTOR * mean) / (size + mean))
        rising = state[_SUM, DROP, i] + ratio
        for kind in (DROP, SILENCE):
            by = ratio if kind == DROP else -np.log1p(spread[i] * mean) / spread[i]
            if rising > 0 if kind == DROP else count == 0:
                state[_SUM, kind, i] += by
                state[_SPAN, kind, i] += 1
                state[_SEEN, kind, i] += count
                state[_AWAIT, kind, i] += mean
            else:
                for part in range(4):
                    state[part, kind, i] = 0.0
        state[_SUM, DROP, i] = min(state[_SUM, DROP, i], limit[i] + _HIGHEST)
        few = count <= mean / MORE and state[_SEEN, DROP, i] <= state[_AWAIT, DROP, i] / MORE
        if count > 0 and state[_SUM, DROP, i] > limit[i] and few:
            found[DROP, i] = True
            number += 1
        missing = state[_AWAIT, SILENCE, i]
        if count == 0 and missing > longer[i] and missing >= _AWAITED:
            found[SILENCE, i] = True
            number += 1
    return number
