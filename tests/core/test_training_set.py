"""What detectors learn from: the same in memory and on disk, computed once, and gone at the end."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from logradar.core.errors import TableError
from logradar.core.sequences import Sequences
from logradar.core.session_set import SessionSet, SessionTable
from logradar.core.session_view import INPUTS, TEMPLATE_IDS, SessionView
from logradar.core.shards import Shards
from logradar.core.tables import SESSIONS
from logradar.core.training_set import TrainingSet, services_of

VALUES = INPUTS - {"texts"}


def sessions(count: int, seed: int) -> pa.Table:
    rng = random.Random(seed)
    rows = []
    for number in range(count):
        ids = rng.choices(range(3, 8), k=rng.randrange(4))
        rows.append(
            {
                "session_id": f"s{number}",
                "record_ids": list(range(len(ids))),
                "template_ids": ids,
                "gaps": [round(rng.random(), 3) for _ in ids],
                "parameters": [[str(rng.randrange(9))] for _ in ids] if rng.random() < 0.8 else None,
            }
        )
    table = pa.Table.from_pylist(rows, schema=SESSIONS)
    services = pa.array([rng.choice(["a", "b", None]) for _ in rows]).dictionary_encode()
    return table.set_column(table.schema.get_field_index("service"), SESSIONS.field("service"), services)


def on_disk(table: pa.Table, folder: Path) -> Shards:
    folder.mkdir()
    for number, part in enumerate((table.slice(0, 20), table.slice(20))):
        pq.write_table(part, folder / f"{number}.parquet", row_group_size=7)
    return Shards.of(sorted(folder.iterdir()))


def same(one: Sequences, other: Sequences) -> bool:
    return one.values.tolist() == other.values.tolist() and one.offsets.tolist() == other.offsets.tolist()


def test_sessions_in_memory_and_on_disk_read_alike(tmp_path):
    table = sessions(50, 0)
    memory, disk = SessionTable(table), on_disk(table, tmp_path / "a")
    both: tuple[SessionSet, SessionSet] = (memory, disk)
    assert [len(one) for one in both] == [50, 50] and [one.in_memory for one in both] == [True, False]
    assert same(memory.loaded(), disk.loaded())
    for count in (1, 7, 50, 99):
        assert same(memory.thinned(count).loaded(), disk.thinned(count).loaded()), count
    assert pa.concat_tables(memory.tables(["session_id"])) == pa.concat_tables(disk.tables(["session_id"]))
    assert services_of(memory).to_pylist() == services_of(disk).to_pylist() == table["service"].to_pylist()
    views = [SessionView.whole(one, VALUES) for one in both]
    assert views[0].gaps.tolist() == views[1].gaps.tolist()
    assert views[0].parameters.to_pylist() == views[1].parameters.to_pylist()


def test_a_view_has_what_was_asked_for_and_no_more():
    table = SessionTable(sessions(50, 1))
    ids = SessionView.whole(table, TEMPLATE_IDS)
    assert not len(ids.gaps) and ids.parameters is None
    assert len(ids.narrowed(TEMPLATE_IDS)) < len(ids) == 50
    gaps = SessionView.whole(table, TEMPLATE_IDS | {"gaps"})
    assert len(gaps.gaps) == len(gaps.sequences.values) and gaps.parameters is None
    assert gaps.narrowed(gaps.inputs) is gaps
    whole = SessionView.whole(table, VALUES)
    parts = [part for _, part in whole.parts(11)]
    assert np.concatenate([part.gaps for part in parts]).tolist() == whole.gaps.tolist()
    assert [value for part in parts for value in part.parameters.to_pylist()] == whole.parameters.to_pylist()
    assert SessionView.whole(table, INPUTS).texts is None  # no session has any
    with pytest.raises(TableError, match="no column 'parameters'"):
        SessionView.of_table(table.table.drop_columns(["parameters"]), INPUTS)


@pytest.mark.parametrize("memory", [1 << 20, 100])
def test_all_detectors_share_what_is_computed_once(tmp_path, memory):
    table, watch = sessions(80, 2), sessions(30, 3)
    with TrainingSet.of_tables(table, watch, tmp_path, memory) as training:
        inside = training.inside("one")
        assert inside.folder == tmp_path / "one" and inside.distinct is training.distinct
        assert inside.services is training.services
        assert inside.valid_view(TEMPLATE_IDS) is training.valid_view(TEMPLATE_IDS)
        assert (training.distinct.whole is None) == bool(list(tmp_path.rglob("distinct-*"))) == (memory == 100)
        assert training.distinct.total == 80
        assert same(training.in_order, SessionTable(table).loaded())
        chunks = [chunk.sequences for chunk in training.views(VALUES)]
        assert sum(map(len, chunks)) == 80
    assert not list(tmp_path.rglob("distinct-*"))


def test_what_is_replayed_counts_with_the_new_sessions(tmp_path):
    replayed = Sequences.from_lists([[3, 4], [3, 4], [99]]).distinct()
    table = sessions(40, 4)
    training = TrainingSet(SessionTable(table), SessionTable(sessions(5, 5)), replayed=replayed)
    assert training.distinct.total == 43
    assert training.in_order is None  # when the replayed ones came is not known
    assert TrainingSet(on_disk(table, tmp_path / "b"), SessionTable(table)).in_order is None
