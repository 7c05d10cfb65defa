"""Alert links: ALERTS and INCIDENTS with the code that wrote their lines; nothing else of them changes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from logradar.core.tables import ALERTS, INCIDENTS, check
from logradar.retrieval.code_index import CodeIndex
from logradar.retrieval.linker import Linker
from logradar.retrieval.places import frame_places, place_of

_MOST: Final = 8  # places of one alert


class AlertLinks:
    """Fills the column ``code`` of tables by one index."""

    def __init__(self, linker: Linker) -> None:
        self.linker = linker

    @classmethod
    def load(cls, folder: Path) -> AlertLinks:
        """By the index in a folder. Raises `InputError` where it holds none."""
        return cls(Linker(CodeIndex.load(folder)))

    def alerts(self, alerts: pa.Table) -> pa.Table:
        """ALERTS with the places of their evidence, each once, in its order."""
        return self._with(alerts, ALERTS, [self._places(rows or ()) for rows in alerts["evidence"].to_pylist()])

    def incidents(self, incidents: pa.Table) -> pa.Table:
        """INCIDENTS with the places of their first unusual line."""
        return self._with(
            incidents, INCIDENTS, [self._places([row] if row else ()) for row in incidents["evidence"].to_pylist()]
        )

    @staticmethod
    def _with(table: pa.Table, schema: pa.Schema, places: list[list[dict[str, Any]]]) -> pa.Table:
        column = schema.get_field_index("code")
        return check(
            table.set_column(column, schema.field(column), pa.array(places, schema.field(column).type)), schema
        )

    def _places(self, evidence: Any) -> list[dict[str, Any]]:
        found: dict[tuple[str, int], dict[str, Any]] = {}
        seen = set()
        for row in evidence:
            body, record = row["body"], row["record_id"]
            if not body or (record is not None and record in seen):
                continue
            seen.add(record)
            for place in self.places(row):
                found.setdefault((place["path"], place["line"]), {**place, "record_id": record})
        return list(found.values())[:_MOST]

    def places(self, row: Mapping[str, Any]) -> list[dict[str, Any]]:
        """The statement that wrote a line of the evidence, and the innermost frame of its stack trace."""
        link = self.linker.link(row["body"], row.get("level"), None, row.get("service"))
        first = place_of(self.linker, link)
        inner = frame_places(self.linker, row["body"], 1) if "\n" in row["body"] else []
        return [one for one in [first, *inner] if one is not None]
