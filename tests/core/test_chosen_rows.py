"""Rows chosen by a mask: read like the table that has only these rows."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from logradar.core import session_set
from logradar.core.chosen_rows import ChosenRows
from logradar.core.session_set import SessionTable
from logradar.core.tables import SESSIONS


@pytest.fixture
def rows(monkeypatch):
    monkeypatch.setattr(session_set, "BATCH", 4)
    table = pa.Table.from_pylist(
        [{"session_id": f"s{n}", "record_ids": [n], "template_ids": [3] * n, "gaps": [0.0]} for n in range(20)],
        schema=SESSIONS,
    )
    mask = np.array([n % 3 == 0 or n >= 12 for n in range(20)])
    mask[4:8] = False  # a whole piece
    return ChosenRows(SessionTable(table), mask), table.filter(pa.array(mask))


def test_pieces_together_are_the_filtered_table(rows):
    chosen, table = rows
    pieces = list(chosen.tables())
    assert pa.concat_tables(pieces).equals(table)
    assert all(map(len, pieces))
    assert len(chosen) == len(table) == 11
    assert pa.concat_tables(chosen.tables(["start", "label"])).equals(table.select(["start", "label"]))
    lists = table["template_ids"].to_pylist()
    assert [row.tolist() for row in chosen.loaded()] == lists
    assert [row.tolist() for piece in chosen.sequences() for row in piece] == lists


def test_rows_are_chosen_among_the_chosen(rows):
    chosen, table = rows
    mask = np.arange(len(table)) % 2 == 1
    assert pa.concat_tables(chosen.those(mask).tables()).equals(table.filter(pa.array(mask)))
    assert len(chosen) == 11  # as before


def test_thinned_rows_are_evenly_spaced(rows):
    chosen, table = rows
    assert pa.concat_tables(chosen.thinned(4).tables()).equals(table.take(np.arange(0, 11, 3)))
    assert len(chosen.thinned(100)) == 11
