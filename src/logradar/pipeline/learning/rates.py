"""What a training learns of rates: how often each message comes, of a corpus or of sessions of day files."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa

from logradar.core.progress import say
from logradar.model.rates.learning import LEAST_BUCKETS, learn, whole_buckets
from logradar.model.rates.merging import merged
from logradar.model.rates.profile import RateProfile
from logradar.model.rates.settings import RateSettings
from logradar.pipeline.training_data.sessions import MOST_VALID, TrainingData
from logradar.scoring.rates.changes import Lines
from logradar.storage.rate_counting import LATENESS_OF_DAYS, RateCounting
from logradar.storage.records import Corpus

SIZES: Final = (60, 300, 900, 3600)  # seconds of a bucket
_FILLED: Final = 5  # records that a bucket has on average, where it is long enough
_MICRO: Final = 1_000_000
_CLIPPED: Final = 1_000  # characters of an example


def learn_rates(
    counting: RateCounting, settings: RateSettings, split: dict[str, Any], seconds: float, lines: Lines | None
) -> RateProfile | None:
    """The profile of what was counted in buckets of ``seconds`` (or of several of them, where records are few)."""
    fixed = settings.bucket_seconds is not None or seconds not in SIZES
    candidates = [seconds] if fixed else [float(size) for size in SIZES if size >= seconds]
    end = _end(split)
    chosen, covered, table = seconds, 0, counting.store.table()
    for size in candidates:
        wider = table if size == seconds else counting.store.table(round(size / seconds))
        buckets, records = whole_buckets(wider, _bucket(end, size))
        if buckets < LEAST_BUCKETS and covered:
            break
        chosen, covered, table = size, buckets, wider
        if records >= _FILLED * buckets:
            break
    profile = learn(table, settings, chosen, _bucket(end, chosen))
    if profile is None:
        say(_too_little(counting, covered, chosen))
        return None
    return _with_examples(profile, lines) if lines is not None else _without_examples(profile)


def _bucket(moment: int | None, size: float) -> int | None:
    return None if moment is None else int(moment // (size * _MICRO))


def _too_little(counting: RateCounting, buckets: int, size: float) -> str:
    if not counting.store.tally:
        return "The records carry no times, so it is not learnt how often what comes (rates)."
    return (
        f"The training covers {buckets:,} whole buckets of {size:g} seconds, and {LEAST_BUCKETS} are needed to learn "
        "how often what comes (rates): give more than an hour of logs, or set rates.bucket_seconds."
    )


def _end(split: dict[str, Any]) -> int | None:
    """When the part begins that is held back, where it is later than all that is learnt; microseconds."""
    begin, until = split.get("test_from"), split.get("train_until")
    if not begin or not until or begin < until:
        return None
    return round(datetime.fromisoformat(begin).timestamp() * _MICRO)


def _with_examples(profile: RateProfile, lines: Lines) -> RateProfile:
    found = {row["record_id"]: row for row in lines(np.unique(profile.line).tolist()).to_pylist()}
    rows = [found[id_] for id_ in profile.line.tolist()]
    return replace(
        profile,
        source=[row["source"] or "" for row in rows],
        line=np.array([row["line"] for row in rows], np.int64),
        body=[row["body"][:_CLIPPED] for row in rows],
    )


def _without_examples(profile: RateProfile) -> RateProfile:
    return replace(profile, line=np.zeros(len(profile), np.int64))


def rates_of_corpus(
    corpus: Corpus, home: Path, settings: RateSettings, split: dict[str, Any], known: RateProfile | None
) -> RateProfile | None:
    """What a training learns of the records that its templates were learnt of; in buckets as ``known`` has them."""
    if not settings.enabled:
        return None
    seconds = known.facts.bucket_seconds if known else settings.bucket_seconds or SIZES[0]
    counting = RateCounting(round(seconds * _MICRO), round(settings.lateness * _MICRO), home)
    counting.add_corpus(corpus, home, inside=True)
    fixed = settings if known is None else settings.model_copy(update={"bucket_seconds": seconds})
    return learn_rates(counting, fixed, split, seconds, corpus.lines)


def joined_rates(old: RateProfile | None, new: RateProfile | None) -> RateProfile | None:
    """The rates of a bundle that was trained further; what either of them does not know, the other tells."""
    return merged(old, new) if old is not None and new is not None else new or old


def rates_of_sessions(
    data: TrainingData, home: Path, settings: RateSettings, known: RateProfile | None
) -> RateProfile | None:
    """What a training learns of sessions of day files; of validation sessions only where none were left out."""
    if not settings.enabled:
        return None
    seconds = known.facts.bucket_seconds if known else settings.bucket_seconds or SIZES[0]
    counting = RateCounting(round(seconds * _MICRO), LATENESS_OF_DAYS, home)
    for part in (data.train, data.valid) if len(data.valid) < MOST_VALID else (data.train,):
        for table in part.tables(["start", "service", "template_ids"]):
            source = pa.chunked_array([pa.array(["days"] * len(table)).dictionary_encode()])
            counting.add_sessions(table, source)
    fixed = settings if known is None else settings.model_copy(update={"bucket_seconds": seconds})
    return learn_rates(counting, fixed, {}, seconds, None)
