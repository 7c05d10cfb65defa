"""Settings of a simulation: how long, how much, which faults, which seed."""

from __future__ import annotations

from datetime import UTC, datetime

from pydantic import ByteSize, Field, field_validator

from logradar.core.config import Config
from logradar.core.errors import did_you_mean
from logradar.simulation.faults import FAULTS


class ShopSettings(Config):
    """Settings of the simulated shop; equal settings give equal bytes.

    >>> ShopSettings(faults="none").faults, len(ShopSettings().faults) >= 10
    ((), True)
    """

    days: float = Field(default=1.0, gt=0, le=3660, description="How many simulated days to write.")
    lines_per_day: int = Field(
        default=500_000,
        ge=1_000,
        le=1_000_000_000,
        description="Approximate number of lines of a working day, all services together.",
    )
    seed: int = Field(default=1, ge=0, description="Determines every id, duration, choice and fault.")
    start: datetime = Field(
        default=datetime(2026, 3, 2), description="Virtual time (UTC) of the beginning; the default is a Monday."
    )
    faults: tuple[str, ...] = Field(
        default=tuple(FAULTS), validate_default=True, description="'all', 'none', or names of faults (list or a,b,c)."
    )
    episodes_per_day: int = Field(
        default=2, ge=1, le=96, description="Episodes of each fault per day, one in each equal part of the day."
    )
    episode_minutes: float = Field(
        default=20.0,
        gt=0,
        le=1440,
        description="Length of an episode; faults that affect all requests last a part of it.",
    )

    @field_validator("start")
    @classmethod
    def _utc(cls, start: datetime) -> datetime:
        start = start.astimezone(UTC).replace(tzinfo=None) if start.tzinfo else start
        if not 1970 <= start.year < 9000:
            raise ValueError("the year must be 1970 to 8999")
        return start

    @field_validator("faults", mode="before")
    @classmethod
    def _named(cls, faults: object) -> object:
        if faults is None:
            return ()
        names = faults.split(",") if isinstance(faults, str) else faults
        if not isinstance(names, list | tuple):
            return faults
        names = [str(name).strip() for name in names if str(name).strip()]
        if names == ["all"]:
            return tuple(FAULTS)
        if names == ["none"]:
            return ()
        for name in names:
            if name in ("all", "none"):
                raise ValueError(f"'{name}' cannot be combined with other names")
            if name not in FAULTS:
                raise ValueError(f"there is no fault '{name}', {did_you_mean(name, ('all', 'none', *FAULTS))}")
        return tuple(name for name in FAULTS if name in names)


class LineSettings(ShopSettings):
    """Settings of raw logs of any size; a large size repeats the simulated days as later days."""

    size: ByteSize | None = Field(
        default=None, ge=1, description="Approximate size of all logs, as 10GB; None: what the days need."
    )


class DaySettings(ShopSettings):
    """Settings of simulated day files.

    >>> DaySettings(days=16, size="1GB").size
    1000000000
    """

    size: ByteSize | None = Field(
        default=None, ge=1, description="Approximate size of each day file, as 500MB; None: what the day needs."
    )
    tokens: int = Field(default=512, ge=0, le=65_536, description="Number of token_ids of a session.")
    pretty: bool = Field(default=False, description="Indent the JSON by two spaces.")
