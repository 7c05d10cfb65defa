"""Rates of a whole input: what a training learns of them, and what a detection says of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa

from logradar.core.disk_column import DiskColumn
from logradar.core.memory import give_back
from logradar.core.progress import say
from logradar.core.sequences import Sequences
from logradar.core.tables import EVENTS, LOG_RECORDS, conform, empty
from logradar.model.bundle import Bundle
from logradar.model.rates.learning import LEAST_BUCKETS, learn, whole_buckets
from logradar.model.rates.merging import merged
from logradar.model.rates.profile import RateProfile
from logradar.model.rates.settings import RateSettings
from logradar.parsing.bucket_counts import BucketCounter
from logradar.parsing.event_clock import EventClock
from logradar.pipeline.training_data.sessions import MOST_VALID, TrainingData
from logradar.scoring.rates.changes import Lines
from logradar.scoring.rates.watch import RateWatch
from logradar.storage.bucket_store import BucketStore
from logradar.storage.day_files import DayStream
from logradar.storage.filling import IDS, INSIDE
from logradar.storage.records import Corpus

SIZES: Final = (60, 300, 900, 3600)  # seconds of a bucket
_FILLED: Final = 5  # records that a bucket has on average, where it is long enough
_MICRO: Final = 1_000_000
LATENESS_OF_DAYS: Final = 86_400 * _MICRO  # sessions of day files are in order of their end, or in none
_CLIPPED: Final = 1_000  # characters of an example
_COLUMNS: Final = ["timestamp", "source", "service", "level"]


class RateCounting:
    """Counts the records of an input, file by file, each file by its own clock."""

    def __init__(self, bucket: int, lateness: int, folder: Path) -> None:
        self.store = BucketStore(folder)
        self._bucket, self._lateness = bucket, lateness
        self._clock = EventClock()
        self._counters: dict[str | None, BucketCounter] = {}
        self._events = 0

    def add(self, events: pa.Table, source: pa.ChunkedArray) -> None:
        """EVENTS in order of arrival, and the file that each is from."""
        for name, begin, end in _runs(source):
            part = events.slice(begin, end - begin)
            moments = self._clock.read(source.slice(begin, end - begin), part["timestamp"])
            counter = self._counters.setdefault(name, BucketCounter(self._bucket, self._lateness))
            ids, records = part["template_id"].to_numpy(), part["record_id"].to_numpy()
            self.store.add(counter.count(moments, part["service"], ids, records, part["level"]))

    def add_corpus(self, corpus: Corpus, folder: Path, *, inside: bool = False) -> None:
        """The records of a corpus whose templates were found in ``folder``; those that were learnt from, or all."""
        give_back()
        ids = DiskColumn.opened(folder / IDS, np.int32)
        mask = DiskColumn.opened(folder / INSIDE, np.bool_) if inside else None
        start = 0
        for part in corpus.scan(_COLUMNS):
            end = start + len(part)
            given: dict[str, Any] = {name: part[name] for name in ("timestamp", "service", "level")}
            given |= {"record_id": np.arange(start, end), "template_id": np.array(ids.values[start:end])}
            events, source = conform(pa.table(given), EVENTS), part["source"]
            if mask is not None:
                kept = pa.array(np.array(mask.values[start:end]))
                events, source = events.filter(kept), source.filter(kept)
                mask.release()
            ids.release()
            self.add(events, source)
            start = end

    def add_sessions(self, sessions: pa.Table, source: pa.ChunkedArray) -> None:
        """SESSIONS of day files: their events have no times of their own and count when the session starts."""
        rows = Sequences.from_arrow(sessions["template_ids"])
        at = pa.array(rows.rows)
        given: dict[str, Any] = {
            "record_id": np.arange(self._events, self._events + len(rows.values)),
            "timestamp": sessions["start"].take(at),
            "service": sessions["service"].take(at),
            "template_id": rows.values,
        }
        self._events += len(rows.values)
        self.add(conform(pa.table(given), EVENTS), source.take(at))


def _runs(source: pa.ChunkedArray) -> Iterator[tuple[str | None, int, int]]:
    """Stretches of records of one file."""
    if not len(source):
        return
    coded = source.unify_dictionaries().combine_chunks()
    codes = coded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    names = [*coded.dictionary.to_pylist(), None]
    ends = [*(np.flatnonzero(np.diff(codes)) + 1).tolist(), len(codes)]
    begin = 0
    for end in ends:
        yield names[codes[begin]], begin, end
        begin = end


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


def counting_of(bundle: Bundle, corpus: Corpus | DayStream, home: Path) -> RateCounting | None:
    """What counts an input for ``bundle``; None where it knows no rates."""
    profile = bundle.rates
    if profile is None:
        return None
    return RateCounting(profile.bucket, profile.lateness if isinstance(corpus, Corpus) else LATENESS_OF_DAYS, home)


def changes_of(bundle: Bundle, counting: RateCounting, lines: Lines | None) -> tuple[pa.Table, list[str]]:
    """RATE_CHANGES of a whole input that was counted, and sentences on what could not be judged."""
    assert bundle.rates is not None
    watch = RateWatch(bundle.rates, bundle.texts)
    store = counting.store
    watch.add([], [(closed, *both) for closed, both in store.tally.items()])
    watch.last = store.last
    for bucket, cells in store.buckets():
        if bucket > store.last:
            break
        watch.add(cells, [])
        watch.advance(bucket)
    watch.close()
    return watch.changes(lines or (lambda ids: empty(LOG_RECORDS))), watch.notes()
