"""Drift: whether new sessions still are what the threshold was fitted for."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from logradar.alerting.threshold import Threshold

Floats = npt.NDArray[np.float64]
FEWEST: Final = 50  # sessions on either side below which nothing can be told
_SURE: Final = 0.001  # a chance below which it is not chance
_TIMES: Final = 2.0  # a share or rate that has doubled matters
_SURELY: Final = 1.5  # and that it has grown by half has to be sure
_INDEX: Final = 0.2  # population stability index above which a distribution is held to have changed
_BINS: Final = 10


@dataclass(frozen=True)
class Drift:
    """New sessions beside the normal validation sessions that the threshold was fitted on.

    ``alerts`` and ``unseen`` (sessions with a message that training did not have) are shares, first of the new
    sessions, then of the validation sessions, each of these as if it had been new. ``index`` is the population
    stability index of the scores at or below the threshold, ``distance`` the Kolmogorov-Smirnov distance there,
    ``rates`` are sessions per day, new and then. ``warnings`` are sentences; without one the threshold may be trusted.
    """

    sessions: int
    alerts: tuple[float, float]
    unseen: tuple[float, float] | None
    index: float
    distance: float
    rates: tuple[float, float] | None
    warnings: list[str] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """As JSON values, with ``trusted``."""
        return {"trusted": not self.warnings, **asdict(self)}


@dataclass(frozen=True)
class Watched:
    """What is known of sessions beside their scores: how many have unseen messages, and over how many days."""

    unseen: int | None = None
    days: float | None = None


def check_drift(
    validation: Floats,
    threshold: Threshold,
    new: Floats,
    then: Watched | None = None,
    now: Watched | None = None,
    usual: float = 0.0,
) -> Drift | None:
    """Compare ``new`` scores with normal ``validation`` scores; None where either are fewer than 50.

    Scores below ``usual`` are as usual as that: they say how often the very same was seen before, which changes with
    every session.
    New sessions may hold anomalies, so more alerts alone are told as what they are, and scores are compared
    below the threshold only. A share counts as risen when it has doubled and the lower Clopper-Pearson bound
    (99.9 %) of its ratio to that of validation is above 1.5 (given their sum, counts are binomial); scores as changed
    when their index is above 0.2 beyond what chance gives and the Kolmogorov-Smirnov test finds it too
    (p < 0.001). Rates need a day on either side.
    """
    then, now = then or Watched(), now or Watched()
    if min(len(validation), len(new)) < FEWEST:
        return None
    warnings = []
    limit = threshold.value
    odd, planned = int((new > limit).sum()), int((validation > limit).sum())
    allowed = max(planned, (1.0 - threshold.quantile) * len(validation))
    if _risen(odd, len(new), allowed, len(validation)):
        warnings.append(
            f"{odd:,} of {len(new):,} sessions ({_percent(odd / len(new))}) are above the threshold, which was fitted "
            f"to let {_percent(allowed / len(validation))} of normal sessions through: there are many faults, or "
            "normal behaviour has changed."
        )
    unseen = None
    if then.unseen is not None and now.unseen is not None:
        unseen = now.unseen / len(new), then.unseen / len(validation)
        if _risen(now.unseen, len(new), then.unseen, len(validation)):
            warnings.append(
                f"{now.unseen:,} sessions ({_percent(unseen[0])}) have messages that training did not have; in "
                f"validation it were {_percent(unseen[1])}: the software has changed, or it fails in a new way."
            )
    index, distance, changed = _bulk(
        *(np.maximum(scores[scores <= max(limit, usual)], usual) for scores in (validation, new))
    )
    if changed:
        warnings.append(
            f"The scores of sessions below the threshold have another distribution than in validation (population "
            f"stability index {index:.2f}, Kolmogorov-Smirnov distance {distance:.2f}): normal behaviour has changed."
        )
    rates = None
    if then.days and now.days and min(then.days, now.days) >= 1:
        rates = len(new) / now.days, len(validation) / then.days
        times = rates[0] / rates[1]
        if not 1 / _TIMES <= times <= _TIMES:
            warnings.append(
                f"There are {rates[0]:,.0f} sessions a day, in validation there were {rates[1]:,.0f}: a number of "
                f"alerts per day that was planned then means {times:.1f} times as many now."
            )
    return Drift(len(new), (odd / len(new), planned / len(validation)), unseen, index, distance, rates, warnings)


def _bulk(old: Floats, new: Floats) -> tuple[float, float, bool]:
    """Stability index and distance of two samples, and whether both say that they differ."""
    if min(len(old), len(new)) < FEWEST:
        return 0.0, 0.0, False
    from scipy.special import kolmogorov

    old, new = np.sort(old), np.sort(new)
    edges = np.unique(np.quantile(old, np.arange(1, _BINS) / _BINS, method="inverted_cdf"))
    shares = []
    for sample in (old, new):
        counts = np.diff(np.concatenate([[0], np.searchsorted(sample, edges, side="right"), [len(sample)]]))
        shares.append((counts + 0.5) / (len(sample) + 0.5 * len(counts)))
    index = float(((shares[1] - shares[0]) * np.log(shares[1] / shares[0])).sum())
    by_chance = len(edges) * (1 / len(old) + 1 / len(new))
    every = np.concatenate([old, new])
    apart = np.searchsorted(old, every, side="right") / len(old) - np.searchsorted(new, every, side="right") / len(new)
    distance = float(np.abs(apart).max())
    chance = float(kolmogorov(distance * np.sqrt(len(old) * len(new) / (len(old) + len(new)))))
    return index, distance, index > _INDEX + by_chance and chance < _SURE


def _risen(count: int, of: int, before: float, of_before: int) -> bool:
    """Whether the share ``count / of`` is surely larger than ``before / of_before``, and by a factor that matters."""
    if count / of <= _TIMES * before / of_before:
        return False
    from scipy.special import betaincinv

    lowest = float(betaincinv(count, before + 1.0, _SURE))  # of the share of the new ones in both together
    return lowest / (1.0 - lowest) * of_before / of > _SURELY


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"
