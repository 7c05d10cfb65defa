"""Services whose normal sessions surprise more than those of others, and how much less their surprises count."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Floats = npt.NDArray[np.float64]
_TOP: Final = 0.99  # quantile of validation sessions above which a session counts as surprising
_PRIOR: Final = 30.0  # surprising sessions of prior weight: a service is like all others until they are outweighed
_LEAST: Final = 0.3  # log10 of the smallest ratio that counts: twice as often, or half as often


def noise(surprises: Floats, services: pa.DictionaryArray) -> dict[str, float]:
    """For services that differ, log10 of how much more frequently their normal sessions surprise than those of all.

    A standardised ratio, drawn towards 1 for services with few sessions (Gamma-Poisson; Clayton and Kaldor, Biometrics
    1987): (seen + 30) / (expected + 30).
    """
    if not len(surprises):
        return {}
    surprising = surprises > np.quantile(surprises, _TOP, method="inverted_cdf")
    code = services.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    noise_of = {}
    for number, name in enumerate(services.dictionary.to_pylist()):
        inside = code == number
        ratio = (float(surprising[inside].sum()) + _PRIOR) / (float(inside.sum()) * float(surprising.mean()) + _PRIOR)
        if abs(np.log10(ratio)) >= _LEAST:
            noise_of[name] = float(np.log10(ratio))
    return noise_of


def discounts(noise_of: dict[str, float], services: pa.DictionaryArray) -> Floats:
    """For each session the noise of its service, which is taken from its surprise; 0 for a service without any."""
    values = np.array([*(noise_of.get(name, 0.0) for name in services.dictionary.to_pylist()), 0.0])
    by_session: Floats = values[services.indices.fill_null(-1).to_numpy(zero_copy_only=False)]
    return by_session
