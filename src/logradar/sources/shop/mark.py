"""``simulation.json``: how a folder of simulated logs is known again, and what is in it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from logradar import __version__
from logradar.sources.shop.settings import ShopSettings

FILES: Final = {service: f"{service}.log" for service in ("gateway", "research", "manager")}
MARK: Final = "simulation.json"
FORMAT: Final = 1


def write_mark(folder: Path, settings: ShopSettings, **facts: Any) -> None:
    """Mark ``folder`` as a simulation's."""
    told = {"format": FORMAT, "logradar": __version__, "settings": settings.model_dump(mode="json"), **facts}
    (folder / MARK).write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")


def read_mark(folder: Path) -> dict[str, Any] | None:
    """What a simulation told about ``folder``; None where none was (a foreign file of that name too)."""
    try:
        told = json.loads((folder / MARK).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if not isinstance(told, dict) or not {"format", "logradar", "settings"} <= told.keys():
        return None
    return told
