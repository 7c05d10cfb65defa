"""Sets of event numbers: each has its published counts, and what is damaged is told with its place."""

from __future__ import annotations

import gzip
from collections import Counter

import polars as pl
import pytest
from published import sessions_of, whole
from reading_lines import read, write

from logradar.core.errors import InputError
from logradar.core.quarantine import Quarantine
from logradar.sources.hdfs_blocks import HdfsBlocks
from logradar.sources.hdfs_robust import HdfsRobust
from logradar.sources.opening.opening import InputSettings, open_input
from logradar.sources.openstack import Openstack

ONE, TWO = "afcf8235-2a42-4a95-8f6c-ee9c70d41f09", "f9e1e6e6-aec6-40de-bc1f-3dc4c3853a24"


@pytest.mark.parametrize(
    ("name", "sessions", "events", "anomalies"),
    [
        ("openstack", 5_596, 115_007, 651),
        ("openstack_utah", 2_069, 57_784, 198),
        ("hadoop", 978, 393_433, 811),
        ("bgl", 800, 80_000, 256),
        ("hdfs_sequences", 25_059, 445_367, 16_838),
        ("hdfs_blocks", 22_324, 394_987, 16_776),
        ("hdfs_100k", 7_940, 104_815, 313),
        ("hdfs_robust", 14_000, 255_484, 7_000),
        ("hdfs_federated", 107_697, 1_154_979, 5_000),
    ],
)
def test_published_counts(data_dir, name, sessions, events, anomalies):
    opened, frame = whole(name, data_dir)
    assert (opened.source, opened.quarantine.count) == (name, 0)
    lengths = frame["event_sequence"].list.len()
    assert (len(frame), lengths.sum(), frame["label"].sum()) == (sessions, events, anomalies)
    assert frame["session_key"].n_unique() == sessions
    assert frame["label"].null_count() == 0
    assert (frame["original_logs"].list.len() == lengths).all()


def test_events_have_their_texts(data_dir):
    frame = whole("hdfs_blocks", data_dir)[1]
    first = frame.row(0, named=True)
    texts = dict(zip(first["event_sequence"], first["original_logs"], strict=True))
    assert texts[5] == "<*>Receiving block<*>src:<*>dest:<*>"
    assert not frame["original_logs"].explode().str.contains(r"^E\d+$").any()


def test_lines_of_another_form_are_quarantined(tmp_path):
    file = write(
        tmp_path / "blocks_abnormal.csv", "BlockId,EventSequence\nblk_-1,5 22\n\nblk_2,5,1\nblk_3,\nblk_4,5 x\n"
    )
    bad = Quarantine(tmp_path / "bad.jsonl")
    frame = sessions_of(HdfsBlocks, file, quarantine=bad)
    assert frame["session_key"].to_list() == ["blk_-1", "blk_3"]
    assert frame["event_sequence"].to_list() == [[5, 22], []]
    assert frame["original_logs"].to_list() == [["E5", "E22"], []]  # no file of templates beside it
    assert frame["label"].to_list() == [True, True]
    assert bad.count == 2
    assert '"line": 4' in (tmp_path / "bad.jsonl").read_text()


def test_a_label_that_is_none_is_quarantined(tmp_path):
    bad = Quarantine()
    frame = sessions_of(HdfsRobust, write(tmp_path / "x.csv", "Sequence,label\n5 5,0\n5,1\n5,2\n"), quarantine=bad)
    assert frame["label"].to_list() == [False, True]
    assert frame["session_key"].to_list() == ["x-2", "x-3"]
    assert bad.count == 1


def test_numbers_that_are_too_large_are_quarantined(tmp_path):
    bad = Quarantine()
    frame = sessions_of(HdfsBlocks, write(tmp_path / "n.csv", "blk_1,5 99999999999\nblk_2,999999999\n"), quarantine=bad)
    assert frame["event_sequence"].to_list() == [[999_999_999]]
    assert bad.count == 1


def test_a_cut_file_gives_what_it_still_holds(tmp_path):
    lines = "".join(f"{ONE[:-4]}{number:04x},{number % 50 + 1} 3\n" for number in range(5_000))
    packed = gzip.compress(lines.encode())
    bad = Quarantine()
    frame = sessions_of(Openstack, write(tmp_path / "a.csv.gz", packed[: len(packed) // 2]), quarantine=bad)
    assert 100 < len(frame) < 5_000
    assert "truncated gz file, its end is missing" in bad.reasons


def test_records_are_events_with_the_line_of_their_session(tmp_path):
    write(tmp_path / "OpenStack_templates.txt", "Claim\nBuild <*>\n")
    frame = read(write(tmp_path / "openstack_train.csv", f"{ONE},2 1\n{TWO},3\n"), source=Openstack)
    assert frame["body"].to_list() == ["Build <*>", "Claim", "E3"]
    assert frame["line"].to_list() == [1, 1, 2]
    assert frame["session_key"].to_list() == [ONE, ONE, TWO]
    assert frame["label"].to_list() == [False] * 3


def test_damaged_templates_are_a_sentence(tmp_path):
    write(tmp_path / "OpenStack_templates.txt", b"\x1f\x8b\x08\x00damaged")
    file = write(tmp_path / "openstack_train.csv", f"{ONE},2 1\n")
    with pytest.raises(InputError, match=r"templates in .* cannot be read"):
        sessions_of(Openstack, file)


def test_a_set_that_is_not_whole_is_a_sentence(tmp_path):
    folder = tmp_path / "openstack_kalaki"
    folder.mkdir()
    write(folder / "openstack_train.csv.gz", f"{ONE},2 1\n")
    with pytest.raises(InputError, match=r"not complete: .*openstack_test_normal.csv.gz' does not exist"):
        open_input("openstack", InputSettings(data_dir=tmp_path))
    with pytest.raises(InputError, match="The data set 'bgl' is not in"):
        open_input("bgl", InputSettings(data_dir=tmp_path))


def test_kinds_of_openstack_faults(data_dir):
    opened, _ = whole("openstack", data_dir)
    assert Counter(opened.kinds.values()) == {"destroyed_at_once": 197, "dhcp_off": 199, "other": 255}


def test_hadoop_goes_by_the_time_of_applications(data_dir):
    opened, frame = whole("hadoop", data_dir)
    application = frame["session_key"].str.extract(r"application_(\d+_\d+)")
    assert application.to_list() == sorted(application.to_list())
    assert Counter(opened.kinds.values()) == {"machine_down": 523, "network_disconnection": 136, "disk_full": 152}
    assert frame["service"].value_counts().sort("service")["service"].to_list() == ["application_master", "task"]
    assert opened.dataset is not None and opened.dataset.hold_anomalies


def test_clients_share_numbers_by_text(data_dir):
    folder = data_dir / "hdfs_federated"
    texts = []
    for client in (1, 2):
        opened = open_input(folder / f"client_{client}_train.csv.xz")
        assert opened.source == "hdfs_federated"
        table = next(opened.sessions(opened.units()[0], Quarantine(), lambda count: None))
        frame = pl.from_arrow(table).select("event_sequence", "original_logs")
        pairs = frame.explode("event_sequence", "original_logs").unique()
        assert pairs["event_sequence"].n_unique() == pairs["original_logs"].n_unique()
        texts.append(dict(pairs.select("original_logs", "event_sequence").rows()))
    both = set(texts[0]) & set(texts[1])
    assert len(both) >= 4  # what the clients mined differs more than it should
    assert all(texts[0][text] == texts[1][text] for text in both)


def test_a_published_file_is_known_by_its_content(data_dir):
    for name, source in (
        ("openstack_kalaki/openstack_train.csv.gz", "openstack"),
        ("openstack_utah/openstack_train.csv.gz", "openstack_utah"),
        ("hadoop/hadoop_sequences.csv.gz", "hadoop"),
        ("bgl/BGL_events_0_79999.csv.gz", "bgl"),
        ("hdfs/hdfs_blocks_abnormal.csv.gz", "hdfs_blocks"),
        ("hdfs/hdfs_100k_sessions.jsonl.gz", "hdfs_100k"),
        ("hdfs/robust_log_valid.csv.gz", "hdfs_robust"),
        ("hdfs/hdfs_train.txt.gz", "sequences"),
    ):
        assert open_input(data_dir / name).source == source
