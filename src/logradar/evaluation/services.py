"""Figures by service and by kind of fault: does detection work equally well for all of them?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from logradar.core.tables import NO_SERVICE
from logradar.evaluation.curves import Bools
from logradar.evaluation.metrics import outcomes

MOST: Final = 200  # services in the result, at most


def by_service(
    services: npt.ArrayLike | pa.DictionaryArray, alarmed: Mapping[str, Bools], labels: Bools | None = None
) -> dict[str, dict[str, Any]]:
    """Sessions, anomalies and each detector's figures for every service, most sessions first, `MOST` at most.

    ``services`` names the service of each session (None: it has none), ``alarmed`` says for each detector
    which sessions raised an alarm, ``labels`` which are anomalous. The figures of a detector are ``alerts`` and, with
    labels, those of `logradar.evaluation.metrics.outcomes`.
    """
    kinds, code = _coded(services)
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


def _coded(services: npt.ArrayLike | pa.DictionaryArray) -> tuple[list[str], npt.NDArray[np.int32]]:
    """The names of all services in order, and the number of the service of each session."""
    if isinstance(services, pa.DictionaryArray):
        texts, places = [*services.dictionary.to_pylist(), None], services.indices.fill_null(len(services.dictionary))
        numbers = places.to_numpy()
    else:
        found: dict[object, int] = {}
        given = np.asarray(services, object)
        numbers = np.fromiter((found.setdefault(name, len(found)) for name in given), np.int32, len(given))
        texts = list(found)
    names = [NO_SERVICE if name is None else str(name) for name in texts]
    used = np.unique(numbers).tolist()
    kinds = sorted({names[number] for number in used})
    place = {name: number for number, name in enumerate(kinds)}
    codes = np.array([place.get(name, -1) for name in names], np.int32)
    return kinds, codes[numbers] if len(codes) else np.empty(0, np.int32)


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
