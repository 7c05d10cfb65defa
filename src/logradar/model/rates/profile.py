"""RateProfile: how often each message of each service came in training, per bucket of time.

A series is a template in a service, or a service as a whole (template `WHOLE`). For each the profile keeps, by slot
(hour of the day or of the week where there is enough training, else one slot for all times), how often it came, and
the most and the fewest in one bucket; beside that the dispersion of its counts, its pauses, and an example.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import Field

from logradar.core.columns import HIGHEST_ID, MOST, Columns, numbers
from logradar.core.documents import Saved, read_object

WHOLE: Final = 0  # in place of a template: all records of the service
FACTS: Final = "rates.json"
SERIES: Final = "rates.parquet"
SLOTS: Final = "rate-slots.parquet"
HOUR: Final = 3600
PAUSE: Final = 360  # buckets without any record at all, after which the log was not there
_PRIOR: Final = 30.0  # buckets that a slot is taken to have like the others, so that a short slot does not mislead
_DAYS: Final = 6.5  # hours of a slot, so that its extremes are known
_NEAR: Final = 1
_MOST_BUCKETS: Final = 1 << 40
Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


class Powers(Saved):
    """Powers to which probabilities are raised, so that what validation shows as rare is called rare: 1 is none."""

    rise: float = Field(1.0, ge=0.05, le=1)
    new: float = Field(1.0, ge=0.05, le=1)
    drop: float = Field(1.0, ge=0.05, le=1)
    silence: float = Field(1.0, ge=0.05, le=1)


class RateFacts(Saved):
    """What holds for all series of a profile.

    ``slots`` is 1, 24 (hours of the day) or 168 (of the week); ``exposure`` counts the buckets of each.
    ``hours`` are those of the day (UTC) that training has. ``false_changes_per_day`` is the budget, ``services`` are
    the names that the series refer to by number.
    """

    bucket_seconds: float = Field(ge=1, le=86_400)
    lateness: float = Field(ge=60, le=86_400)
    false_changes_per_day: float = Field(gt=0, le=1e4)
    slots: int = Field(ge=1, le=168)
    exposure: list[float]
    services: list[str | None]
    hours: list[int] = Field(max_length=24)
    powers: Powers
    since: str
    until: str


@dataclass(frozen=True, eq=False)
class RateProfile:
    """All arrays have an entry for each series, in order of service and template; a whole service comes first.

    ``sums`` and ``highest`` have shape (series, slots). ``drop_most`` is the highest sum that shows a drop
    (`logradar.model.rates.judge`). ``follows`` says whether a series rises and falls
    with the load of its service. A pause is measured in events that were expected in it: ``pauses`` counts them,
    ``pause_mean``, ``pause_deviation`` and ``longest`` describe them. ``level`` is -1 where it is not known.
    """

    facts: RateFacts
    service: npt.NDArray[np.int32]
    template: npt.NDArray[np.int32]
    level: npt.NDArray[np.int8]
    sums: Floats
    highest: Floats
    drop_most: Floats
    dispersion: Floats
    follows: npt.NDArray[np.bool_]
    pauses: Ints
    pause_mean: Floats
    pause_deviation: Floats
    longest: Floats
    source: list[str]
    line: Ints
    body: list[str]

    def __len__(self) -> int:
        return len(self.service)

    @property
    def bucket(self) -> int:
        """Microseconds of a bucket."""
        return round(self.facts.bucket_seconds * 1_000_000)

    @property
    def lateness(self) -> int:
        """Microseconds that a bucket waits for late records."""
        return round(self.facts.lateness * 1_000_000)

    @cached_property
    def buckets(self) -> float:
        """How many buckets were learnt."""
        return float(sum(self.facts.exposure))

    @cached_property
    def number(self) -> dict[tuple[str | None, int], int]:
        """The number of each series by service and template."""
        names = [self.facts.services[code] for code in self.service.tolist()]
        return {pair: place for place, pair in enumerate(zip(names, self.template.tolist(), strict=True))}

    @cached_property
    def rates(self) -> Floats:
        """Expected events in a bucket, by series and slot."""
        mean = self.sums.sum(axis=1, keepdims=True) / max(self.buckets, 1)
        return (self.sums + _PRIOR * mean) / (np.array(self.facts.exposure) + _PRIOR)

    @cached_property
    def most(self) -> Floats:
        """The highest count of each slot, or of all slots where a slot has less than a week: extremes need long."""
        return np.where(self._long, self.highest, self.highest.max(axis=1, keepdims=True))

    @cached_property
    def _long(self) -> npt.NDArray[np.bool_]:
        return np.array(self.facts.exposure) >= _DAYS * max(HOUR / self.facts.bucket_seconds, 1)

    @cached_property
    def regular(self) -> npt.NDArray[np.bool_]:
        """Which series come at even intervals, as heartbeats do."""
        even = (self.pauses >= 10) & (self.pause_deviation <= self.pause_mean / 2)
        return np.asarray(even | ((self.pauses == 0) & (self.sums.sum(axis=1) >= self.buckets)))

    @cached_property
    def near(self) -> frozenset[int]:
        """Hours of the day at most one from one that training has: of others it does not know what is normal."""
        return frozenset((hour + by) % 24 for hour in self.facts.hours for by in range(-_NEAR, _NEAR + 1))

    def knows(self, bucket: int) -> bool:
        """Whether a bucket is at a time of day that can be judged."""
        return slot_of(bucket, self.facts.bucket_seconds, 24) in self.near

    def slot(self, bucket: int) -> int:
        """The slot that a bucket belongs to: its hour (UTC) of the day, or of the week from Thursday on."""
        return slot_of(bucket, self.facts.bucket_seconds, self.facts.slots)

    def save(self, folder: Path) -> None:
        """Write the profile as JSON and Parquet."""
        facts = json.dumps(self.facts.model_dump(mode="json"), ensure_ascii=False, indent=1)
        (folder / FACTS).write_text(facts + "\n", encoding="utf-8")
        columns: dict[str, Any] = {name: pa.array(getattr(self, name)) for name in (*_NUMBERS, "source", "body")}
        columns["follows"] = pa.array(self.follows.astype(np.int8))
        pq.write_table(pa.table(columns), folder / SERIES, compression="zstd")
        flat = {name: pa.array(getattr(self, name).ravel()) for name in _BY_SLOT}
        pq.write_table(pa.table(flat), folder / SLOTS, compression="zstd")

    @classmethod
    def load(cls, folder: Path) -> RateProfile | None:
        """What `save` wrote; None where a bundle keeps none. `ValueError` where it is damaged."""
        if not (folder / FACTS).is_file():
            return None
        facts = RateFacts.of(read_object(folder / FACTS), FACTS)
        if len(facts.exposure) != facts.slots or facts.slots not in (1, 24, 168):
            raise ValueError(f"{FACTS} has {len(facts.exposure)} slots, not {facts.slots}")
        numbers(facts.exposure, np.float64, f"'exposure' of {FACTS}", (0, _MOST_BUCKETS))
        saved, by_slot = Columns(folder / SERIES, ("source", "body")), Columns(folder / SLOTS)
        columns: dict[str, Any] = {
            name: saved.numbers(name, kind, (low, high)) for name, (kind, low, high) in _NUMBERS.items()
        }
        if len(columns["service"]) and columns["service"].max() >= len(facts.services):
            raise ValueError(f"{SERIES} names a service that {FACTS} does not have")
        for name in _BY_SLOT:
            flat = by_slot.numbers(name, np.float64, (0, MOST))
            if len(flat) != len(saved) * facts.slots:
                raise ValueError(f"{SLOTS} has {len(flat)} values, not {len(saved)} times {facts.slots}")
            columns[name] = flat.reshape(len(saved), facts.slots)
        columns["follows"] = saved.numbers("follows", np.int8, (0, 1)).astype(bool)
        texts = {name: saved.texts(name).to_pylist() for name in ("source", "body")}
        loaded = cls(facts, **columns, **texts)
        if len(loaded.number) != len(loaded) or any((name, WHOLE) not in loaded.number for name in facts.services):
            raise ValueError(f"{SERIES} names a series twice, or lacks a service as a whole")
        return loaded


_BY_SLOT: Final = ("sums", "highest")
_NUMBERS: Final[dict[str, tuple[type[np.generic], float | None, float | None]]] = {
    "service": (np.int32, 0, HIGHEST_ID),
    "template": (np.int32, 0, HIGHEST_ID),
    "level": (np.int8, -1, 24),
    "drop_most": (np.float64, 0, MOST),
    "dispersion": (np.float64, 0, 1e9),
    "pauses": (np.int64, 0, MOST),
    "pause_mean": (np.float64, 0, MOST),
    "pause_deviation": (np.float64, 0, MOST),
    "longest": (np.float64, 0, MOST),
    "line": (np.int64, None, None),
}


def slot_of(bucket: int, seconds: float, slots: int) -> int:
    """The slot of a bucket of so many ``seconds``.

    >>> slot_of(61, 60, 24), slot_of(61, 60, 1)
    (1, 0)
    """
    return int(bucket * seconds // HOUR) % slots


def named(service: str | None) -> tuple[bool, str]:
    """By which services are in order; records without one come first."""
    return service is not None, service or ""
