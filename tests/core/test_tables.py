"""Schemas are checked at every door, and what Polars computes can be handed over."""

from __future__ import annotations

import polars as pl
import pyarrow as pa
import pytest

from logradar.core import tables
from logradar.core.errors import TableError

SCHEMAS = {name: value for name, value in vars(tables).items() if isinstance(value, pa.Schema)}


@pytest.mark.parametrize("name", sorted(SCHEMAS))
def test_an_empty_table_of_each_schema_fits_it(name):
    assert tables.check(tables.empty(SCHEMAS[name]), SCHEMAS[name]).num_rows == 0


def test_all_faults_are_told_at_once():
    table = pa.table({"session_id": pa.array(["a", None]), "score": pa.array([1, 2], pa.int64()), "extra": [1, 2]})
    with pytest.raises(TableError) as caught:
        tables.check(table, tables.SCORES)
    text = str(caught.value)
    for part in ("'session_id' has 1 empty", "'score' is int64, not double", "'event_scores' is missing", "'extra'"):
        assert part in text


def test_conform_takes_what_polars_writes():
    frame = pl.DataFrame(
        {"record_id": [0, 1], "source": ["a", "a"], "line": [1, 2], "body": ["x", "y"], "service": ["s", None]},
        schema_overrides={"source": pl.Categorical},
    )
    table = tables.conform(frame.to_arrow(), tables.LOG_RECORDS)
    assert table.schema == tables.LOG_RECORDS
    assert table["service"].to_pylist() == ["s", None]
    assert table["label"].to_pylist() == [None, None]


def test_conform_refuses_what_cannot_be():
    with pytest.raises(TableError, match="'line' is missing"):
        tables.conform(pa.table({"record_id": [1], "source": ["a"], "body": ["x"]}), tables.LOG_RECORDS)
    with pytest.raises(TableError, match="cannot become int64"):
        tables.conform(pa.table({"record_id": ["q"], "source": ["a"], "line": [1], "body": ["x"]}), tables.LOG_RECORDS)
