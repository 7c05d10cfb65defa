"""IoTDB's nodes: marks become labels, lines become windows that stay inside a file."""

from __future__ import annotations

from collections import Counter

import polars as pl
import pytest
from published import whole
from reading_lines import read, write

from logradar.core.errors import InputError
from logradar.core.quarantine import Quarantine
from logradar.sources.iotdb import Iotdb
from logradar.sources.opening.opening import InputSettings, open_input

LINE = "2023-11-18 08:46:{:02},674 [main] INFO  o.a.i.c.c.ConfigNode:105 - step {} of it "


def log(folder, odd=(), extra=""):
    folder.mkdir(exist_ok=True)
    text = "".join(("" if n in odd else "- ") + LINE.format(n, n) + "\n" for n in range(25))
    return write(folder / "node3.log", text + extra)


def test_marks_are_labels_and_no_part_of_a_line(tmp_path):
    told: dict[str, str] = {}
    frame = read(log(tmp_path / "cpu", odd={12, 13}), source=Iotdb, window=10, on_fault_kinds=told.update)
    assert frame.filter("label")["line"].to_list() == [13, 14]
    assert frame["body"][0].strip() == "step 0 of it"
    assert frame["timestamp"].null_count() == 0
    assert set(frame["service"]) == {"node3"}
    assert frame["session_key"].value_counts().sort("session_key").rows() == [
        ("cpu/node3[0]", 10),
        ("cpu/node3[1]", 10),
        ("cpu/node3[2]", 5),
    ]
    assert told == {"cpu/node3[1]": "cpu"}


def test_a_folder_that_is_no_fault_blames_nothing(tmp_path):
    told: dict[str, str] = {}
    read(log(tmp_path / "mine", odd={3}), source=Iotdb, on_fault_kinds=told.update)
    assert told == {}


def test_a_stack_belongs_to_its_line(tmp_path):
    extra = LINE.format(30, "x") + "\njava.lang.Error: no\n\tat a.b.C(D.java:1)\n- " + LINE.format(31, "y") + "\n"
    frame = read(log(tmp_path / "cpu", extra=extra), source=Iotdb)
    assert frame["label"].tail(2).to_list() == [True, False]
    assert "D.java" in frame["body"][-2]


def test_windows_do_not_go_from_file_to_file(tmp_path):
    files = [log(tmp_path / name) for name in ("cpu", "memory")]
    frame = read(*files, source=Iotdb, window=10)
    assert frame["session_key"].n_unique() == 6
    assert frame["record_id"].to_list() == list(range(50))


def test_another_session_key_can_be_asked_for(tmp_path):
    frame = read(log(tmp_path / "cpu"), source=Iotdb, session_key=r"step (\d)")
    assert frame["session_key"].n_unique() == 10


def test_a_cut_file_is_told(tmp_path, data_dir):
    packed = (data_dir / "iotdb_multilog/cpu/node1.log.xz").read_bytes()
    (tmp_path / "cpu").mkdir()
    bad = Quarantine()
    frame = read(write(tmp_path / "cpu/node1.log.xz", packed[: len(packed) // 2]), source=Iotdb, quarantine=bad)
    assert 0 < len(frame) < 10_000
    assert bad.count >= 1


def test_one_real_node(data_dir):
    file = data_dir / "iotdb_multilog/shutdown_leader/node6.log.xz"
    assert open_input(file).source == "lines"  # by its name alone, or --source
    frame = read(file, source=Iotdb)
    assert (len(frame), frame["label"].sum()) == (10_000, 1_255)
    assert frame["session_key"].n_unique() == 100
    assert set(frame["timestamp"].dt.date().cast(pl.String)) == {"2023-10-27"}


@pytest.mark.slow
def test_all_nodes(data_dir):
    opened, frame = whole("iotdb", data_dir)
    assert (len(frame), frame["session_key"].n_unique(), opened.quarantine.count) == (360_000, 3_600, 0)
    assert Counter(opened.kinds.values())["shutdown_leader"] == 76
    assert len(opened.kinds) == 2_117


def test_a_missing_node_is_a_sentence(tmp_path):
    (tmp_path / "iotdb_multilog").mkdir()
    with pytest.raises(InputError, match="not complete"):
        open_input("iotdb", InputSettings(data_dir=tmp_path))
