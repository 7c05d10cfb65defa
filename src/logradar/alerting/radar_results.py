"""RADAR's result JSON: one array with an object for every session that was scored, alarmed or not."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from logradar.core.files import named_as
from logradar.core.tables import ERROR, NO_SERVICE, WARN

FORMAT: Final = "radar-json"
_MOST = float(np.finfo(np.float64).max)  # stands for infinity, which JSON does not have


class RadarResults:
    """Writes results as sessions are scored; the file appears under its name when all are there.

    An object has ``session_id`` (the number in a day file, else our session id as text), ``anomaly_score``,
    ``is_anomaly`` (score above the threshold), ``has_error``, ``has_warn`` and ``service_name``.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._draft = path.with_name(f".{path.name}.part")
        self._begun = False

    def __enter__(self) -> Self:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with named_as(self._draft, self.path):
            self._file = self._draft.open("w", encoding="utf-8")
        self._file.write("[")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._file.write("\n]\n")
            self._file.close()
            if kind is None:
                self._draft.replace(self.path)
        finally:
            self._draft.unlink(missing_ok=True)

    def add(self, sessions: pa.Table, scores: pa.Table, threshold: float, dated: pa.Table | None = None) -> None:
        """Write SESSIONS with their SCORES; ``dated`` are the same as they stood in a day file."""
        if not sessions.num_rows:
            return
        # One object a line; JSON escapes line breaks inside texts.
        rows = radar_rows(sessions, scores, threshold, dated).write_ndjson().rstrip("\n").replace("\n", ",\n")
        self._file.write((",\n" if self._begun else "\n") + rows)
        self._begun = True


def radar_rows(sessions: pa.Table, scores: pa.Table, threshold: float, dated: pa.Table | None = None) -> pl.DataFrame:
    """The objects of some sessions as rows, in RADAR's order of keys."""
    values = scores["score"].to_numpy()
    level = sessions["max_level"]
    error, warn = _at_least(level, ERROR), _at_least(level, WARN)
    columns: dict[str, Any] = {
        "session_id": pl.from_arrow((sessions if dated is None else dated)["session_id"]),
        "anomaly_score": np.clip(values, -_MOST, _MOST),
        "is_anomaly": values > threshold,
        "has_error": error if dated is None else dated["has_error"].fill_null(False).to_numpy(),
        "has_warn": warn if dated is None else dated["has_warn"].fill_null(False).to_numpy(),
        "service_name": pl.from_arrow(pc.fill_null(sessions["service"].cast(pa.string()), NO_SERVICE)),
    }
    return pl.DataFrame(columns)


def _at_least(level: pa.ChunkedArray, number: int) -> np.ndarray:
    return np.asarray(pc.greater_equal(level, number).fill_null(False).to_numpy())
