"""Drift: whether new sessions are still like those that the threshold was fitted on."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from logradar.alerting.threshold import Threshold

Floats = npt.NDArray[np.float64]
FEWEST: Final = 50  # sessions that either side needs, else nothing is compared
_SURE: Final = 0.001  # significance level of all tests
_TIMES: Final = 2.0  # factor by which a share or rate must change to matter
_SURELY: Final = 1.5  # lower bound of that factor, at the significance level
_INDEX: Final = 0.2  # population stability index above which a distribution counts as changed
_BINS: Final = 10


@dataclass(frozen=True)
class Drift:
    """A comparison of new sessions with the normal validation sessions that the threshold was fitted on.

    ``alerts`` are the shares of sessions above the threshold and ``unseen`` the shares of sessions with a message that
    is not in the training data, first of the new sessions, then of the validation sessions. ``index`` is the population
    stability index and ``distance`` the Kolmogorov-Smirnov distance of the scores at or below the threshold. ``rates``
    are sessions per day, new and validation. ``warnings`` are sentences; without one the threshold can be trusted.
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
    """How many sessions have a message that is not in the training data, and how many days they cover, if known."""

    unseen: int | None = None
    days: float | None = None


def check_drift(
    validation: Floats,
    threshold: Threshold,
    new: Floats,
    then: Watched | None = None,
    now: Watched | None = None,
    baseline_score: float = 0.0,
) -> Drift | None:
    """Compare ``new`` scores with normal ``validation`` scores; None where there are fewer than `FEWEST` of either.

    ``then`` describes the validation sessions, ``now`` the new ones. Scores at or below ``baseline_score`` are normal
    and count as equal: only their order is meaningful, and it changes with every session. New sessions may contain
    anomalies, so scores are compared only at or below the threshold. A share counts as risen when it has doubled and
    the lower Clopper-Pearson bound (99.9 %) of its ratio to that of validation is above 1.5 (given their sum, the
    counts are binomial). Scores count as changed when their index exceeds 0.2 plus what chance explains and the
    Kolmogorov-Smirnov test is significant (p < 0.001). Rates are compared where both sides cover at least a day.
    """
    then, now = then or Watched(), now or Watched()
    if min(len(validation), len(new)) < FEWEST:
        return None
    warnings = []
    limit = threshold.value
    above, planned = int((new > limit).sum()), int((validation > limit).sum())
    allowed = max(planned, (1.0 - threshold.quantile) * len(validation))
    if _risen(above, len(new), allowed, len(validation)):
        warnings.append(
            f"{above:,} of {len(new):,} sessions ({_percent(above / len(new))}) are above the threshold, which allows "
            f"{_percent(allowed / len(validation))} of normal sessions: there are many faults, or normal behaviour has "
            "changed."
        )
    unseen = None
    if then.unseen is not None and now.unseen is not None:
        unseen = now.unseen / len(new), then.unseen / len(validation)
        if _risen(now.unseen, len(new), then.unseen, len(validation)):
            warnings.append(
                f"{now.unseen:,} sessions ({_percent(unseen[0])}) have messages that are not in the training data; in "
                f"the validation part it was {_percent(unseen[1])}: the software has changed, or it fails in a new way."
            )
    index, distance, changed = _bulk(
        *(np.maximum(scores[scores <= max(limit, baseline_score)], baseline_score) for scores in (validation, new))
    )
    if changed:
        warnings.append(
            f"Sessions that raise no alert are less like the training data than they were in the validation part, or "
            f"more: at least {_percent(distance)} of them have other scores than there (stability index {index:.2f}, "
            "where 0.2 is a clear change): normal behaviour has changed."
        )
    rates = None
    if then.days and now.days and min(then.days, now.days) >= 1:
        rates = len(new) / now.days, len(validation) / then.days
        times = rates[0] / rates[1]
        if not 1 / _TIMES <= times <= _TIMES:
            warnings.append(
                f"There are {rates[0]:,.0f} sessions a day; in the validation part there were {rates[1]:,.0f}: expect "
                f"{times:.1f} times as many alerts per day as were planned."
            )
    return Drift(len(new), (above / len(new), planned / len(validation)), unseen, index, distance, rates, warnings)


def _bulk(old: Floats, new: Floats) -> tuple[float, float, bool]:
    """Stability index and Kolmogorov-Smirnov distance of two samples, and whether both show a difference."""
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
    every = np.concatenate([np.unique(old), np.unique(new)])  # the distance is largest at one of the values
    apart = np.searchsorted(old, every, side="right") / len(old) - np.searchsorted(new, every, side="right") / len(new)
    distance = float(np.abs(apart).max())
    chance = float(kolmogorov(distance * np.sqrt(len(old) * len(new) / (len(old) + len(new)))))
    return index, distance, index > _INDEX + by_chance and chance < _SURE


def _risen(count: int, of: int, before: float, of_before: int) -> bool:
    """Whether the share ``count / of`` exceeds ``before / of_before`` significantly and by a factor that matters."""
    if count / of <= _TIMES * before / of_before:
        return False
    from scipy.special import betaincinv

    lowest = float(betaincinv(count, before + 1.0, _SURE))  # bound of the share of the new ones among both
    return lowest / (1.0 - lowest) * of_before / of > _SURELY


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"
