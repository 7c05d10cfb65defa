"""Events: records with their templates."""

from __future__ import annotations

import numpy as np
import polars as pl
import pyarrow as pa

from logradar.core.tables import EVENTS, LOG_RECORDS, check
from logradar.parsing.events import events
from logradar.parsing.templates import TemplateMiner


def test_events_carry_what_records_know_and_the_template():
    rows = [
        {"record_id": 4, "source": "app.log", "line": 1, "body": "took 5 ms", "service": "web", "session_key": "a"},
        {"record_id": 5, "source": "app.log", "line": 2, "body": "ready", "level": 9, "label": True},
    ]
    records = pa.Table.from_pylist(rows, schema=LOG_RECORDS)
    miner = TemplateMiner()
    miner.mine(records["body"])
    ids = miner.match(records["body"])
    made = check(events(records, ids), EVENTS)
    assert made["template_id"].to_pylist() == [3, 4]
    assert made["parameters"].null_count == 2
    assert made["service"].to_pylist() == ["web", None]
    made = events(records, ids, miner.parameters(records["body"], ids))
    assert made["parameters"].to_pylist() == [["5 ms"], []]
    assert made.drop_columns(["parameters", "template_id"]) == records.select(
        [name for name in EVENTS.names if name in records.column_names]
    )


def test_no_records_are_no_events():
    assert events(LOG_RECORDS.empty_table(), np.empty(0, np.int32)).num_rows == 0
    assert len(pl.DataFrame(EVENTS.empty_table())) == 0
