"""What a simulation is told: how long, how much, which faults, which seed."""

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
        description="About how many lines a working day writes, all services.",
    )
    seed: int = Field(default=1, ge=0, description="Every id, duration, choice and fault follows from it.")
    start: datetime = Field(
        default=datetime(2026, 3, 2), description="Virtual time (UTC) of the beginning; the default is a Monday."
    )
    faults: tuple[str, ...] = Field(
        default=tuple(FAULTS), validate_default=True, description="'all', 'none', or names of faults (list or a,b,c)."
    )
    episodes_per_day: int = Field(
        default=2, ge=1, le=96, description="How often a day each fault comes, once in each equal part of the day."
    )
    episode_minutes: float = Field(
        default=20.0,
        gt=0,
        le=1440,
        description="How long an episode lasts; faults that hit everybody take a share of it.",
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
                raise ValueError(f"'{name}' stands alone, without other names")
            if name not in FAULTS:
                raise ValueError(f"there is no fault '{name}', {did_you_mean(name, ('all', 'none', *FAULTS))}")
        return tuple(name for name in FAULTS if name in names)


class LineSettings(ShopSettings):
    """Settings of raw logs of any size: beyond what is distinct, blocks come again on later days."""

    size: ByteSize | None = Field(
        default=None, ge=1, description="About how large the logs get together, as 10GB; None: what the days bring."
    )


class DaySettings(ShopSettings):
    """Settings of simulated day files.

    >>> DaySettings(days=16, size="1GB").size
    1000000000
    """

    size: ByteSize | None = Field(
        default=None, ge=1, description="How large each day file gets, as 500MB; None: what the day brings."
    )
    tokens: int = Field(default=512, ge=0, le=65_536, description="How many token_ids a session has.")
    pretty: bool = Field(default=False, description="Indent the JSON by two.")
