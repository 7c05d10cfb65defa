"""Counts sessions by service: sessions, records, and sessions with errors and warnings."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from logradar.core.tables import NO_SERVICE

Ints = npt.NDArray[np.int64]
SERVICES: Final = 10_000  # services that are counted by name
OTHERS: Final = "(others)"
EMPTY: Final = "(empty)"
NAMED: Final = 200  # characters of a name by which services are distinguished
FIGURES: Final = ("sessions", "records", "with_error", "with_warn")


class Services:
    """A row of `FIGURES` for each service; only the first ``limit`` services are counted by name.

    >>> services = Services()
    >>> services.add(pa.array(["a", None, "a"]).dictionary_encode(), [np.array([1, 1, 1]), np.array([5, 6, 7])])
    >>> [row[:2].tolist() for row in services.rows.values()]
    [[2, 12], [1, 6]]
    """

    def __init__(self, limit: int = SERVICES) -> None:
        self.limit = limit
        self.rows: dict[str, Ints] = {}

    def add(self, names: pa.DictionaryArray, figures: list[npt.NDArray[Any]]) -> None:
        """Count sessions. ``figures`` are arrays with one number for every session, in the order of `FIGURES`."""
        known = [_clip(name) for name in names.dictionary.to_pylist()]
        codes = names.indices.fill_null(len(known)).to_numpy(zero_copy_only=False)
        sums = np.zeros((len(known) + 1, len(FIGURES)), np.int64)
        for place, values in enumerate(figures):
            sums[:, place] = np.bincount(codes, values, len(known) + 1)
        for name, row in zip([*known, NO_SERVICE], sums, strict=True):
            if row[0]:
                self._count(name, row)

    def merge(self, other: Services) -> None:
        """Add the counts of another object."""
        for name, row in other.rows.items():
            self._count(name, row)

    def _count(self, name: str, row: Ints) -> None:
        if name not in self.rows and len(self.rows) >= self.limit:
            name = OTHERS
        self.rows[name] = self.rows[name] + row if name in self.rows else row

    def most(self, number: int | None = None) -> dict[str, int]:
        """Number of sessions by service, for the ``number`` services with most sessions."""
        return {name: int(row[0]) for name, row in self._sorted()[:number]}

    def report(self) -> list[dict[str, Any]]:
        """The rows for JSON, services with most sessions first."""
        return [{"service": name, **dict(zip(FIGURES, row.tolist(), strict=True))} for name, row in self._sorted()]

    def _sorted(self) -> list[tuple[str, Ints]]:
        return sorted(self.rows.items(), key=lambda item: (-item[1][0], item[0]))


def _clip(name: str) -> str:
    return (name if len(name) <= NAMED else name[:NAMED] + "…") or EMPTY
