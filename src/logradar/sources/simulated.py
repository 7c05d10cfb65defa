"""Logs of the simulated shop (`logradar simulate`): trace ids are session keys, file names are services."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Final

import pyarrow as pa

from logradar.core.quarantine import Quarantine
from logradar.sources.base import Hints
from logradar.sources.lines import Lines

FILES: Final = {service: f"{service}.log" for service in ("gateway", "research", "manager")}
MARK: Final = "simulation.json"  # file that marks a folder of simulated logs and describes it
FORMAT: Final = 1
PACKED: Final = (".gz", ".xz", ".zst")
TRACE: Final = r"\[trace=([0-9a-f]{16})\]"


class Simulated(Lines):
    """Logs of the simulated shop, recognised by the ``simulation.json`` in their folder.

    >>> line = "2026-03-02 00:00:01,204 INFO shop.gateway [trace=00000000000003e9] POST /orders"
    >>> Path("gateway.log").write_text(line)
    79
    >>> (table,) = Simulated().read([Path("gateway.log")], Hints(), Quarantine())
    >>> table["service"].to_pylist(), table["session_key"].to_pylist()
    (['gateway'], ['00000000000003e9'])
    """

    session_key: ClassVar[str | None] = TRACE

    @classmethod
    def recognises(cls, path: Path, head: Sequence[str]) -> float:
        """1 if a complete simulation wrote this file and it contains a trace id."""
        mark = read_mark(path.parent)
        if mark is None or not mark.get("complete") or _service(path) is None:
            return 0.0
        return 1.0 if any(re.search(TRACE, line) for line in head) else 0.0

    def read(self, files: Sequence[Path], hints: Hints, quarantine: Quarantine) -> Iterator[pa.Table]:
        """LOG_RECORDS as `Lines` returns them; the service is the name of the file."""
        named = {file: service for file in files if (service := _service(file))}
        complete = replace(hints, session_key=hints.session_key or TRACE, services={**named, **hints.services})
        return super().read(files, complete, quarantine)


def _service(path: Path) -> str | None:
    name = path.stem if path.suffix in PACKED else path.name
    return next((service for service, file in FILES.items() if file == name), None)


def read_mark(folder: Path) -> dict[str, Any] | None:
    """The description of a folder of simulated logs; None if the file does not exist or is a different kind of file."""
    try:
        mark = json.loads((folder / MARK).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if not isinstance(mark, dict) or not {"format", "logradar", "settings"} <= mark.keys():
        return None
    return mark
