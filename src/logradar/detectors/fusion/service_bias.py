"""Services whose normal sessions surprise more than others: how much less their surprises count."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Floats = npt.NDArray[np.float64]
_TOP: Final = 0.99  # quantile of validation beyond which a session is one of the surprising ones
_PRIOR: Final = 30.0  # surprising sessions that speak for a service being like all others
_LEAST: Final = 0.3  # log10 of a ratio that matters: twice as often, or half


def noise(surprises: Floats, services: pa.DictionaryArray) -> dict[str, float]:
    """For services that differ, log10 of how much oftener their normal sessions surprise than those of all.

    A standardised ratio, drawn towards 1 where little is known (Gamma-Poisson; Clayton and Kaldor, Biometrics
    1987): (seen + 30) / (expected + 30).
    """
    if not len(surprises):
        return {}
    odd = surprises > np.quantile(surprises, _TOP, method="inverted_cdf")
    code = services.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    found = {}
    for number, name in enumerate(services.dictionary.to_pylist()):
        inside = code == number
        ratio = (float(odd[inside].sum()) + _PRIOR) / (float(inside.sum()) * float(odd.mean()) + _PRIOR)
        if abs(np.log10(ratio)) >= _LEAST:
            found[name] = float(np.log10(ratio))
    return found


def discounts(noise_of: dict[str, float], services: pa.DictionaryArray) -> Floats:
    """For each session what its service's noise takes from a surprise; 0 for a service that was not there."""
    values = np.array([*(noise_of.get(name, 0.0) for name in services.dictionary.to_pylist()), 0.0])
    found: Floats = values[services.indices.fill_null(-1).to_numpy(zero_copy_only=False)]
    return found
