"""Privacy: how much noise a budget needs, by the accountant of `dp-accounting`."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from typing import Final

from logradar.core.errors import ConfigError

_MOST: Final = 1e4  # noise multiplier beyond which nothing could be learnt anyway


def spent(noise: float, delta: float, share: float, steps: int) -> float:
    """The epsilon that ``steps`` steps cost one session of a client, each drawn with the chance ``share``.

    Poisson-subsampled Gaussian mechanism, Rényi accountant (Mironov et al., 2019); a neighbour has one session more or
    less. That not every client takes part in every round is not counted, for the server knows who does. Raises
    `ConfigError` where `dp-accounting` is not installed.
    """
    if find_spec("dp_accounting") is None:
        raise ConfigError("Differential privacy needs dp-accounting: pip install 'logradar[federated]'.")
    import dp_accounting
    from dp_accounting.rdp import RdpAccountant

    event = dp_accounting.GaussianDpEvent(noise)
    if share < 1:
        event = dp_accounting.PoissonSampledDpEvent(share, event)
    accountant = RdpAccountant()
    accountant.compose(dp_accounting.SelfComposedDpEvent(event, steps))
    return float(accountant.get_epsilon(delta))


@cache
def noise_for(epsilon: float, delta: float, share: float, steps: int) -> float:
    """The smallest noise multiplier (to 1 %) with which ``steps`` steps stay within the budget."""
    low, high = 0.0, 1.0
    while spent(high, delta, share, steps) > epsilon:
        low, high = high, 2 * high
        if high > _MOST:
            raise ConfigError(
                f"No noise keeps {steps:,} steps within epsilon {epsilon:g}; allow more, or have fewer rounds or steps."
            )
    while high - low > 0.01 * high:
        middle = (low + high) / 2
        low, high = (low, middle) if spent(middle, delta, share, steps) <= epsilon else (middle, high)
    return high
