"""Spells: what is rare about a kind of training sessions, with its time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa

from logradar.core.sequences import Sequences
from logradar.core.tables import NAME, TIMESTAMP
from logradar.model.training_sessions import TrainingSessions
from logradar.pipeline.training_data.spells import Spells

TEXTS = {3: "accepted", 4: "done", 5: "retry"}


def training(timed: bool = True) -> TrainingSessions:
    every = [[3, 4]] * 100 + [[3, 5, 4]] * 2
    rows = Sequences.from_lists(every).distinct()
    start = [datetime(2026, 3, 1, 8, tzinfo=UTC) + timedelta(minutes=row) for row in range(len(every))]
    table = pa.table(
        {
            "start": pa.array(start if timed else [None] * len(every), TIMESTAMP),
            "end": pa.array([None] * len(every), TIMESTAMP),
            "service": pa.array([None] * len(every), pa.string()).cast(NAME),
        }
    )
    return TrainingSessions(rows, np.array([-1.0, 2.0]), rows.inverse, 80, table, ("rare",), {})


def test_rare_events_and_orders_are_told_with_their_time():
    alone, order = Spells(training()).sentences(np.array([100, 101]), TEXTS)
    assert alone.startswith(("«done» right after «retry» is in 2 sessions", "«retry»"))
    assert alone.endswith("which began from 2026-03-01 09:40 to 09:41") and order.endswith(" 09:41")


def test_what_is_common_is_not_told():
    assert Spells(training()).sentences(np.array([0, 1]), TEXTS) == []


def test_without_times_only_the_number_is_told():
    assert all(one.endswith("is in 2 sessions") for one in Spells(training(False)).sentences(np.array([100]), TEXTS))
