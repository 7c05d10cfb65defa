"""What can be set for counts per time: buckets, lateness, and how many false changes are accepted."""

from __future__ import annotations

from pydantic import Field

from logradar.core.config import Config


class RateSettings(Config):
    """Whether and how counts per time are compared with those of the training."""

    enabled: bool = Field(True, description="learn how often each message of each service comes, and report changes")
    bucket_seconds: float | None = Field(
        None,
        ge=1,
        le=86_400,
        description="length of the buckets of time in which records are counted; chosen by their number unless given: "
        "60, 300, 900 or 3600",
    )
    lateness: float = Field(
        60.0, ge=60, le=86_400, description="seconds that a bucket waits for records that arrive late"
    )
    false_changes_per_day: float = Field(
        1.0, gt=0, le=1e4, description="false changes a day that are accepted, over all messages and services together"
    )
    any_hour: bool = Field(
        False, description="judge times of the day that training does not have too, as runs of tests come at any time"
    )
