"""Figures by service and by kind of fault: is detection balanced, or does one pay for the others?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from logradar.core.tables import NO_SERVICE
from logradar.evaluation.curves import Bools
from logradar.evaluation.metrics import outcomes

MOST: Final = 200  # services that are told


def by_service(
    services: npt.ArrayLike, alarmed: Mapping[str, Bools], labels: Bools | None = None
) -> dict[str, dict[str, Any]]:
    """Sessions, anomalies and each detector's figures for every service, most sessions first, `MOST` at most.

    ``services`` names the service of each session (None: it has none), ``alarmed`` says by detector
    which sessions it alarmed, ``labels`` which are anomalous. A detector has ``alerts`` and, with
    labels, what `logradar.evaluation.metrics.outcomes` gives.
    """
    names = np.array([NO_SERVICE if name is None else str(name) for name in np.asarray(services, object).tolist()])
    kinds, code = np.unique(names, return_inverse=True)
    sizes = np.bincount(code, minlength=len(kinds))
    shown = sorted(range(len(kinds)), key=lambda place: (-sizes[place], kinds[place]))[:MOST]
    order = np.argsort(code, kind="stable")
    ends = np.cumsum(sizes)
    found: dict[str, dict[str, Any]] = {}
    for place in shown:
        rows = order[ends[place] - sizes[place] : ends[place]]
        detectors = {
            detector: {"alerts": int(alarm[rows].sum())}
            | (outcomes(labels[rows], alarm[rows]) if labels is not None else {})
            for detector, alarm in alarmed.items()
        }
        odd = int(labels[rows].sum()) if labels is not None else None
        found[str(kinds[place])] = {"sessions": int(sizes[place]), "anomalies": odd, "detectors": detectors}
    return found


def faults(kinds: npt.NDArray[np.str_], labels: Bools, alarmed: Mapping[str, Bools]) -> dict[str, Any] | None:
    """Recall of every detector on each kind of fault that the labels name ('' for none); None where they name none."""
    found: dict[str, Any] = {}
    for kind in sorted(set(kinds[labels].tolist()) - {""}):
        rows = (kinds == kind) & labels
        recall = {name: float(alarm[rows].mean()) for name, alarm in alarmed.items()}
        found[kind] = {"sessions": int(rows.sum()), "recall": recall}
    return found or None
