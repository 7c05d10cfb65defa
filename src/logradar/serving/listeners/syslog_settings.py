"""Settings of the syslog listener: how long messages, and how many and how silent connections may be."""

from __future__ import annotations

from pydantic import Field

from logradar.core.config import Config
from logradar.serving.listeners.syslog_frames import LIMIT


class SyslogSettings(Config):
    """What one listener takes.

    >>> SyslogSettings().connections
    1000
    """

    message: int = Field(default=LIMIT, ge=480, description="Bytes of a message; the rest is cut off and counted.")
    connections: int = Field(default=1_000, ge=1, description="TCP connections at once; further ones are closed.")
    idle_seconds: float = Field(
        default=3600.0, gt=0, description="A TCP connection on which nothing comes for so long is closed."
    )
    zone: str = Field(default="UTC", description="Time zone of times that name none, such as Europe/Berlin.")
    batch: int = Field(default=1_000, ge=1, description="Messages that are appended together at most.")
    batch_seconds: float = Field(default=0.05, ge=0, description="How long a message waits for others at most.")
    waiting: int = Field(
        default=20_000, ge=1, description="Messages that wait at most; then TCP is not read, and UDP drops."
    )
    stop_seconds: float = Field(
        default=10.0, gt=0, description="How long a stop waits for a sink that refuses what was read."
    )
