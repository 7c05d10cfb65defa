"""The formats in which the shop's logs can be written."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from logradar.simulation.day_files import simulate_days
from logradar.simulation.raw_logs import simulate_lines
from logradar.simulation.settings import DaySettings, LineSettings, ShopSettings

FORMATS: Final[Mapping[str, tuple[type[ShopSettings], Callable[..., Any]]]] = MappingProxyType(
    {"lines": (LineSettings, simulate_lines), "radar-json": (DaySettings, simulate_days)}
)
