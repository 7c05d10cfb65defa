"""SESSIONS on disk: slices, thinning and normal rows against the same on a table in memory."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from logradar.core.errors import DataError, TableError
from logradar.core.shards import Shards
from logradar.core.tables import SESSIONS, check

LABELS = [None, False, True]


def sessions(start: int, stop: int) -> pa.Table:
    rows = [
        {
            "session_id": f"s{i}",
            "service": f"svc{i % 3}",
            "record_ids": [i],
            "template_ids": list(range(3, 3 + i % 4)),
            "gaps": [0.0],
            "label": LABELS[i % 3],
        }
        for i in range(start, stop)
    ]
    return pa.Table.from_pylist(rows, schema=SESSIONS)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """50 sessions in three files, the second one empty, with a column more, row groups of 4."""
    folder = tmp_path_factory.mktemp("shards")
    paths = []
    for number, (start, stop) in enumerate([(0, 21), (21, 21), (21, 50)]):
        paths.append(folder / f"part-{number}.parquet")
        table = sessions(start, stop).append_column("messages", pa.array(["x"] * (stop - start)))
        pq.write_table(table, paths[-1], row_group_size=4)
    return paths


def ids(shards: Shards) -> list[str]:
    return [name for table in shards.tables() for name in table["session_id"].to_pylist()]


def test_all_rows_in_order(files):
    shards = Shards.of(files)
    assert len(shards) == 50
    whole = pa.concat_tables(check(table, SESSIONS) for table in shards.tables())
    assert whole.to_pylist() == sessions(0, 50).to_pylist()
    rows = [row.tolist() for part in shards.sequences() for row in part]
    assert rows == sessions(0, 50)["template_ids"].to_pylist()


steps = st.one_of(
    st.tuples(st.just("slice"), st.integers(-55, 55), st.none() | st.integers(-55, 55)),
    st.tuples(st.just("thinned"), st.integers(1, 60)),
    st.tuples(st.just("normal")),
)


@settings(deadline=None)  # a file is read in each step: slow on a busy machine
@given(st.lists(steps, max_size=5))
def test_any_chain_of_choices_is_the_same_on_a_list(files, chain):
    shards, rows = Shards.of(files), list(range(50))
    for name, *given_ in chain:
        shards = getattr(shards, name)(*given_)
        if name == "slice":
            rows = rows[given_[0] : given_[1]]
        elif name == "thinned":
            assert len(shards) <= given_[0]
            rows = rows[:: max(-(-len(rows) // given_[0]), 1)]
        else:
            rows = [row for row in rows if row % 3 != 2]
    assert ids(shards) == [f"s{row}" for row in rows]
    assert len(shards) == len(rows)


def test_some_columns(files):
    table = next(Shards.of(files).slice(5).tables(["template_ids", "session_id"]))
    assert table.column_names == ["template_ids", "session_id"]
    assert table["session_id"][0].as_py() == "s5"


def test_files_of_other_writers_are_conformed(tmp_path):
    pl = pytest.importorskip("polars")
    pl.from_arrow(sessions(0, 9).drop_columns(["label", "max_level"])).write_parquet(tmp_path / "a.parquet")
    shards = Shards.of([tmp_path / "a.parquet"]).normal()
    assert len(shards) == 9
    assert check(pa.concat_tables(shards.tables()), SESSIONS)["session_id"].to_pylist() == [f"s{i}" for i in range(9)]


def test_faults_are_sentences(tmp_path, files):
    with pytest.raises(DataError, match="cannot be read as Parquet"):
        Shards.of([tmp_path / "none.parquet"])
    (tmp_path / "bad.parquet").write_bytes(b"PAR1 not so")
    with pytest.raises(DataError, match="cannot be read as Parquet"):
        Shards.of([tmp_path / "bad.parquet"])
    pq.write_table(pa.table({"session_id": ["a"]}), tmp_path / "other.parquet")
    with pytest.raises(TableError, match="column 'gaps' is missing"):
        list(Shards.of([tmp_path / "other.parquet"]).tables())
    cut = files[0].read_bytes()
    damaged = tmp_path / "damaged.parquet"
    damaged.write_bytes(cut[:100] + bytes(400) + cut[500:])
    with pytest.raises(DataError, match="cannot be read as Parquet"):
        list(Shards.of([damaged]).tables())
