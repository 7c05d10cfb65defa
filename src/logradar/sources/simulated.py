"""Logs of the simulated shop (`logradar simulate`): trace ids as session keys, services by file."""

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
MARK: Final = "simulation.json"  # how a folder of simulated logs is recognised, and what is in it
FORMAT: Final = 1
PACKED: Final = (".gz", ".xz", ".zst")
TRACE: Final = r"\[trace=([0-9a-f]{16})\]"


class Simulated(Lines):
    """Logs of the simulated shop, known by the ``simulation.json`` beside them.

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
        """Sure where a simulation says that it wrote this file and a trace stands in it."""
        mark = read_mark(path.parent)
        if mark is None or not mark.get("complete") or _service(path) is None:
            return 0.0
        return 1.0 if any(re.search(TRACE, line) for line in head) else 0.0

    def read(self, files: Sequence[Path], hints: Hints, quarantine: Quarantine) -> Iterator[pa.Table]:
        """LOG_RECORDS as from `Lines`; the service is the name of the file."""
        named = {file: service for file in files if (service := _service(file))}
        told = replace(hints, session_key=hints.session_key or TRACE, services={**named, **hints.services})
        return super().read(files, told, quarantine)


def _service(path: Path) -> str | None:
    name = path.stem if path.suffix in PACKED else path.name
    return next((service for service, file in FILES.items() if file == name), None)


def read_mark(folder: Path) -> dict[str, Any] | None:
    """What a simulation wrote about ``folder``; None without a simulation, or for another file of that name."""
    try:
        mark = json.loads((folder / MARK).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if not isinstance(mark, dict) or not {"format", "logradar", "settings"} <= mark.keys():
        return None
    return mark
