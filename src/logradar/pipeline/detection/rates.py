"""What a detection says of rates: the changes of a whole input."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa

from logradar.core.tables import LOG_RECORDS, empty
from logradar.model.bundle import Bundle
from logradar.scoring.rates.changes import Lines
from logradar.scoring.rates.watch import RateWatch
from logradar.storage.day_files import DayStream
from logradar.storage.rate_counting import LATENESS_OF_DAYS, RateCounting
from logradar.storage.records import Corpus


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
