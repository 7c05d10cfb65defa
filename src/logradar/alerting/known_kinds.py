"""Known kinds: the marks of incidents that are over, by which an incident is recognised that comes again."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from typing import Final

import pyarrow as pa

from logradar.alerting.deviation import EXACT
from logradar.alerting.incident_rows import Recurrence

_MOST: Final = 20_000  # marks
_EACH: Final = 16  # incidents that are remembered for each mark
_KNOWN: Final = pa.schema(
    [("mark", pa.string()), ("last", pa.int64()), ("incident_id", pa.string()), ("kind", pa.string())]
)
_Incident = tuple[int, str, str]  # when it ended, its id, and its kind


class KnownKinds:
    """Exact marks, each with the incidents that had it."""

    def __init__(self, known: Mapping[str, list[_Incident]] | None = None, below: KnownKinds | None = None) -> None:
        # Its first item goes quickly; that of a dict is looked for behind all that went before.
        self._known = OrderedDict((mark, list(rows)) for mark, rows in (known or {}).items())
        self._below = below

    def on_trial(self) -> KnownKinds:
        """The same knowledge; what is added to it is not added here."""
        return KnownKinds(below=self)

    def recurrence(self, marks: Iterable[str], start: int) -> Recurrence:
        """The incident that ended last before ``start`` and shares one of ``marks``."""
        before = [row for mark in marks for row in self._of(mark) if row[0] < start]
        if not before or not start:
            return Recurrence()
        _, id_, kind = max(before)
        return Recurrence(kind, id_)

    def _of(self, mark: str) -> list[_Incident]:
        return self._known.get(mark, []) + (self._below._of(mark) if self._below else [])

    def add(self, marks: Iterable[str], last: int, incident_id: str, kind: str) -> None:
        """Remember an incident that ended at ``last``."""
        for mark in marks:
            if mark.startswith(EXACT):
                rows = {*self._known.pop(mark, ()), (last, incident_id, kind)}
                self._known[mark] = sorted(rows)[-_EACH:]
        while len(self._known) > _MOST:
            self._known.popitem(last=False)

    def table(self) -> pa.Table:
        """What is known, a row for each mark and incident."""
        rows = [
            {"mark": mark, "last": last, "incident_id": id_, "kind": kind}
            for mark, found in self._known.items()
            for last, id_, kind in found
        ]
        return pa.Table.from_pylist(rows, schema=_KNOWN)

    @classmethod
    def of(cls, table: pa.Table) -> KnownKinds:
        """What `table` gave. Raises `ValueError` for other columns."""
        if not table.schema.equals(_KNOWN):
            raise ValueError("the table of known kinds has other columns")
        known: dict[str, list[_Incident]] = {}
        for row in table.to_pylist():
            known.setdefault(row["mark"], []).append((row["last"], row["incident_id"], row["kind"]))
        return cls(known)
