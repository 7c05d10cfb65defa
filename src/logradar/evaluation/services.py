"""Figures by service and by kind of fault: does detection work equally well for all of them?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from logradar.core.tables import NO_SERVICE
from logradar.evaluation.curves import Bools
from logradar.evaluation.metrics import outcomes

MOST: Final = 200  # services in the result, at most


def by_service(
    services: npt.ArrayLike, alarmed: Mapping[str, Bools], labels: Bools | None = None
) -> dict[str, dict[str, Any]]:
    """Sessions, anomalies and each detector's figures for every service, most sessions first, `MOST` at most.

    ``services`` names the service of each session (None: it has none), ``alarmed`` says for each detector
    which sessions raised an alarm, ``labels`` which are anomalous. The figures of a detector are ``alerts`` and, with
    labels, those of `logradar.evaluation.metrics.outcomes`.
    """
    names = np.array([NO_SERVICE if name is None else str(name) for name in np.asarray(services, object).tolist()])
    kinds, code = np.unique(names, return_inverse=True)
    sizes = np.bincount(code, minlength=len(kinds))
    shown = sorted(range(len(kinds)), key=lambda place: (-sizes[place], kinds[place]))[:MOST]
    order = np.argsort(code, kind="stable")
    ends = np.cumsum(sizes)
    figures: dict[str, dict[str, Any]] = {}
    for place in shown:
        rows = order[ends[place] - sizes[place] : ends[place]]
        detectors = {
            detector: {"alerts": int(alarm[rows].sum())}
            | (outcomes(labels[rows], alarm[rows]) if labels is not None else {})
            for detector, alarm in alarmed.items()
        }
        anomalies = int(labels[rows].sum()) if labels is not None else None
        figures[str(kinds[place])] = {"sessions": int(sizes[place]), "anomalies": anomalies, "detectors": detectors}
    return figures


def faults(kinds: npt.NDArray[np.str_], labels: Bools, alarmed: Mapping[str, Bools]) -> dict[str, Any] | None:
    """Sessions and recall of every detector for each kind of fault; None where no kind is known.

    ``kinds`` has the kind of fault of each session ('' for none).
    """
    figures: dict[str, Any] = {}
    for kind in sorted(set(kinds[labels].tolist()) - {""}):
        rows = (kinds == kind) & labels
        recall = {name: float(alarm[rows].mean()) for name, alarm in alarmed.items()}
        figures[kind] = {"sessions": int(rows.sum()), "recall": recall}
    return figures or None
