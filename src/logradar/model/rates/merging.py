"""Merging: one profile of two trainings, as if the buckets of both had been counted together."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from logradar.model.rates.profile import Powers, RateProfile, named

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]


def merged(old: RateProfile, new: RateProfile) -> RateProfile:
    """``old`` and what ``new`` adds. Raises `ValueError` where their buckets differ in length.

    Slots are those that both have; a series that one of them does not have came there never.
    """
    if old.facts.bucket_seconds != new.facts.bucket_seconds:
        raise ValueError(f"buckets of {old.facts.bucket_seconds:g} and {new.facts.bucket_seconds:g} seconds")
    slots = min(old.facts.slots, new.facts.slots)
    one, other = folded(old, slots), folded(new, slots)
    services = sorted({*one.facts.services, *other.facts.services}, key=named)
    code = {name: place for place, name in enumerate(services)}
    keys = sorted({*one.number, *other.number}, key=lambda key: (code[key[0]], key[1]))
    places = [np.array([part.number.get(key, -1) for key in keys], np.int64) for part in (one, other)]
    parts = list(zip((one, other), places, strict=True))
    buckets = np.array([one.buckets, other.buckets])
    names = ("sums", "highest", "drop_most")
    sums, highest, drop_most = ([_taken(getattr(part, name), at) for part, at in parts] for name in names)
    weights = buckets[:, None] * np.stack([at >= 0 for _, at in parts])
    share = weights / np.maximum(weights.sum(axis=0), 1e-12)
    spread = np.stack([_taken(part.dispersion, at) for part, at in parts])
    follows = np.stack([_taken(part.follows.astype(float), at) for part, at in parts])
    pauses = np.stack([_taken(part.pauses.astype(float), at) for part, at in parts])
    means = np.stack([_taken(part.pause_mean, at) for part, at in parts])
    squares = np.stack([_taken(part.pause_deviation**2 + part.pause_mean**2, at) for part, at in parts])
    count = np.maximum(pauses.sum(axis=0), 1)
    mean = (pauses * means).sum(axis=0) / count
    latest = places[1] >= 0
    powers = {name: min(getattr(part.facts.powers, name) for part, _ in parts) for name in Powers.model_fields}
    exposure = (np.array(one.facts.exposure) + np.array(other.facts.exposure)).tolist()
    facts = new.facts.model_copy(
        update={
            "slots": slots,
            "exposure": exposure,
            "services": list(services),
            "hours": sorted({*old.facts.hours, *new.facts.hours}),
            "powers": Powers(**powers),
            "since": min(old.facts.since, new.facts.since),
            "until": max(old.facts.until, new.facts.until),
        }
    )
    example = [
        (other, at) if fresh else (one, old_at) for fresh, at, old_at in zip(latest, places[1], places[0], strict=True)
    ]
    return RateProfile(
        facts,
        np.array([code[key[0]] for key in keys], np.int32),
        np.array([key[1] for key in keys], np.int32),
        np.array([part.level[at] for part, at in example], np.int8),
        sums[0] + sums[1],
        np.maximum(*highest),
        np.maximum(*drop_most),
        (share * spread).sum(axis=0),
        (share * follows).sum(axis=0) >= 0.5,
        pauses.sum(axis=0).astype(np.int64),
        mean,
        np.sqrt(np.maximum((pauses * squares).sum(axis=0) / count - mean**2, 0)),
        np.maximum(*(_taken(part.longest, at) for part, at in parts)),
        [part.source[at] for part, at in example],
        np.array([part.line[at] for part, at in example], np.int64),
        [part.body[at] for part, at in example],
    )


def folded(profile: RateProfile, slots: int) -> RateProfile:
    """The same with fewer slots: hours of the week become hours of the day, or all times one."""
    if profile.facts.slots == slots:
        return profile
    shape = (len(profile), -1, slots)
    exposure = np.array(profile.facts.exposure).reshape(-1, slots).sum(axis=0).tolist()
    return replace(
        profile,
        facts=profile.facts.model_copy(update={"slots": slots, "exposure": exposure}),
        sums=profile.sums.reshape(shape).sum(axis=1),
        highest=profile.highest.reshape(shape).max(axis=1),
    )


def _taken(values: Floats, places: Places) -> Floats:
    """Rows of ``values``; 0 where there is none."""
    padded = np.concatenate([values, np.zeros((1, *values.shape[1:]))])
    return padded[places]
