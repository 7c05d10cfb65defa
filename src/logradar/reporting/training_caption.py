"""The caption of a training curve: how to read it, and what its loss consists of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from logradar.core.formatting import joined, real

_READ: Final = "Loss by epoch; the star is the lowest validation loss."
_PART: Final = "eval_loss_"


def training_caption(rows: Sequence[Mapping[str, Any]]) -> str:
    """A sentence on the curve; where the loss is that of several objectives, one with the loss of each at the star.

    ``rows`` are those of `logradar.reporting.time_plots.training_curve`, with ``loss_NAME`` and ``eval_loss_NAME`` of
    each objective where there are several.
    """
    judged = [row for row in rows if real(row.get("eval_loss"))]
    best = min(judged, key=lambda row: float(row["eval_loss"]), default={})
    names = [key.removeprefix(_PART) for key in best if key.startswith(_PART) and real(best[key])]
    if len(names) < 2:
        return _READ
    count = "two" if len(names) == 2 else str(len(names))
    return f"{_READ} It is the loss of {count} objectives together: {joined([_part(best, name) for name in names])}."


def _part(row: Mapping[str, Any], name: str) -> str:
    training = f", {row[f'loss_{name}']:.3f} in training" if real(row.get(f"loss_{name}")) else ""
    return f"{name} ({row[_PART + name]:.3f} in validation{training})"
