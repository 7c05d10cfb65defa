"""Settings of a live simulation: where records go, how fast, for how long, and which faults come when."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from logradar.simulation.settings import ShopSettings


class LiveSettings(ShopSettings):
    """Settings of the shop that runs by the wall clock.

    >>> LiveSettings(to="http://127.0.0.1:4318").speed
    1.0
    """

    to: str = Field(
        description="Where records go: http(s)://host:port (OTLP), loki+http(s)://, syslog+tcp:// or syslog+udp://."
    )
    encoding: Literal["json", "protobuf"] = Field(default="json", description="Of OTLP.")
    speed: float = Field(default=1.0, gt=0, le=10_000, description="How much faster than real time the shop lives.")
    seconds: float | None = Field(default=None, gt=0, description="When it ends, by the wall clock; None: at Ctrl-C.")
    fault: tuple[str, ...] = Field(
        default=(), description="Faults and when they begin: NAME@SECONDS, or NAME@SECONDS+LENGTH."
    )
    patience: float = Field(
        default=60.0, gt=0, description="Seconds for which records are offered again before they count as refused."
    )
    lines_per_day: int = Field(
        default=5_000_000, ge=1_000, le=1_000_000_000, description="Approximate number of lines of a working day."
    )
    start: datetime = Field(
        default=datetime(2026, 3, 2, 10), description="Time of day of the shop at the start, which decides the load."
    )
