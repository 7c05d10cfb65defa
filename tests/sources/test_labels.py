"""Label files: their forms, their faults, and how they are joined onto records."""

from __future__ import annotations

import gzip
import lzma

import polars as pl
import pytest
from reading_lines import write

from logradar.core.errors import ConfigError, DataError, InputError
from logradar.sources.decoding import compression
from logradar.sources.opening import label_rows
from logradar.sources.opening.labels import read_labels
from logradar.sources.opening.opening import InputSettings, open_input


@pytest.mark.parametrize(
    "text",
    [
        "a,1\nb,0\n",
        "BlockId,Label\r\na,Anomaly\r\nb,Normal\r\n",
        "session_key,label,fault\na,1,slow\nb,0,\n",
        "key,fault,label\na,slow,1\nb,,0",
        "key,anomaly\na,True\nb,False\n",
        "a;true\nb;false\n",
        "a\tabnormal\n\nb\tnormal\n",
        "\ufeffid,is_anomaly\na,yes\nb,no\n",
        "b,-\na,KERNDTLB\n",
        "a,1\nb,0\na,1\n",
    ],
)
@pytest.mark.parametrize("pack", [lambda data: data, gzip.compress, lzma.compress], ids=["plain", "gz", "xz"])
def test_forms(tmp_path, text, pack):
    labels = read_labels(write(tmp_path / "labels.csv", pack(text.encode())))
    assert labels.keys.labels(pl.Series(["a", "b", "c", None])).to_list() == [True, False, None, None]
    assert labels.anomalies == 1
    assert labels.kinds == ({"a": "slow"} if "slow" in text else {})


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("", DataError, "needs two columns"),
        ("only\n", DataError, "needs two columns"),
        ("k,label\n", DataError, "contains no labels"),
        ("a,1\nb,perhaps\n", DataError, "Row 2 of .* labels 'b' as 'perhaps'; labels are 0/1"),
        ("k,label\na,1\nb,0\na,0\n", DataError, r"labels 'a' both normal and anomalous \(row 4\)"),
        (gzip.compress(b"a,1\n" * 99)[:20], InputError, "cannot be read: truncated gz file"),
        (None, InputError, "does not exist"),
    ],
    ids=["empty", "one column", "header", "word", "conflict", "cut", "missing"],
)
def test_faults_are_sentences(tmp_path, text, error, message):
    path = tmp_path / "labels.csv"
    if text is not None:
        write(path, text)
    with pytest.raises(error, match=message):
        read_labels(path)


LOG = "".join(f"INFO shop.cart [trace={trace:016x}] step {n}\n" for n in range(4) for trace in range(20))


def test_labels_are_joined_by_key(tmp_path):
    write(tmp_path / "a.log", LOG)
    labels = write(tmp_path / "l.csv", f"key,label,fault\n{3:016x},1,slow\n{4:016x},0,\nelsewhere,1,x\n")
    with open_input(tmp_path / "a.log", InputSettings(labels=labels, session_key="trace=(.{16})")) as opened:
        found = {}
        for batch in opened.batches():
            found |= dict(zip(batch["session_key"].to_pylist(), batch["label"].to_pylist(), strict=True))
    assert found == {f"{trace:016x}": {3: True, 4: False}.get(trace) for trace in range(20)}
    assert opened.kinds == {f"{3:016x}": "slow", "elsewhere": "x"}


def test_labels_that_match_nothing_name_both_sides(tmp_path):
    write(tmp_path / "a.log", LOG)
    labels = write(tmp_path / "l.csv", "blk_1,1\nblk_2,0\n")
    opened = open_input(tmp_path / "a.log", InputSettings(labels=labels))
    with pytest.raises(DataError, match=r"keys are like 'blk_1', 'blk_2', those of the input like '0000000000000000'"):
        list(opened.batches())


def test_labels_beside_a_log_are_taken_but_need_not_match(tmp_path):
    write(tmp_path / "a.log", LOG)
    beside = write(tmp_path / "a_labels.csv", f"{3:016x},1\n")
    labels = [batch["label"].to_pylist() for batch in open_input(tmp_path / "a.log").batches()]
    assert sum(label is True for batch in labels for label in batch) == 4
    write(beside, "blk_1,1\n")
    opened = open_input(tmp_path / "a.log")
    assert sum(batch.num_rows for batch in opened.batches()) == 80
    assert "match no session" in opened.notes[-1]


def test_labels_that_nobody_asked_for_are_announced_and_can_be_refused(tmp_path):
    write(tmp_path / "a.log", LOG)
    beside = write(tmp_path / "a_labels.csv", f"{3:016x},1\n")
    said = f"Labels of '{beside}' are used; --no-labels ignores them."
    assert said in open_input(tmp_path / "a.log").notes
    assert said not in open_input(tmp_path / "a.log", InputSettings(labels=beside)).notes
    refused = open_input(tmp_path / "a.log", InputSettings(use_labels=False))
    assert refused.labels is None
    assert not any("abels" in note for note in refused.notes)
    assert {label for batch in refused.batches() for label in batch["label"].to_pylist()} == {None}
    write(beside, "not,labels,at all\n")  # is not even read
    assert (
        sum(batch.num_rows for batch in open_input(tmp_path / "a.log", InputSettings(use_labels=False)).batches()) == 80
    )


def test_labels_inside_the_lines_can_be_refused(tmp_path):
    when = "1117838570 2005.06.03 R02-M1-N0-C:J12-U11 2005-06-03-15.42.50.363779 R02-M1-N0-C:J12-U11 RAS KERNEL INFO"
    log = write(tmp_path / "bgl.log", f"- {when} cache parity error corrected\nKERNDTLB {when} data TLB error\n" * 40)
    taken, refused = (open_input(log, InputSettings(use_labels=use)) for use in (True, False))
    assert {label for batch in taken.batches() for label in batch["label"].to_pylist()} == {False, True}
    assert {label for batch in refused.batches() for label in batch["label"].to_pylist()} == {None}
    assert refused.kinds == {}


def test_labels_cannot_be_given_and_refused(tmp_path):
    write(tmp_path / "a.log", LOG)
    with pytest.raises(ConfigError, match="choose one"):
        open_input(tmp_path / "a.log", InputSettings(labels=tmp_path / "l.csv", use_labels=False))


def test_hdfs_labels(data_dir):
    labels = read_labels(data_dir / "hdfs" / "HDFS_2pct_labels.csv.gz")
    assert (len(labels.keys), labels.anomalies) == (8_625, 288)


def test_a_file_in_many_blocks_is_read_as_in_one(tmp_path, monkeypatch):
    rows = [f'"key {n}\nof two lines",{n % 3 // 2},{"slow" if n % 3 == 2 else ""}\n' for n in range(300)]
    path = write(tmp_path / "labels.csv", "session_key,label,fault\n" + "".join(rows))
    keys = pl.Series([f"key {n}\nof two lines" for n in range(301)])
    whole = read_labels(path)
    monkeypatch.setattr(label_rows, "BLOCK", 64)
    monkeypatch.setattr(compression, "PIECE", 50)
    parts = read_labels(path)
    assert whole.keys.labels(keys).to_list() == [n % 3 == 2 for n in range(300)] + [None]
    assert parts.keys.labels(keys).to_list() == whole.keys.labels(keys).to_list()
    assert parts.kinds == whole.kinds == {f"key {n}\nof two lines": "slow" for n in range(2, 300, 3)}
    assert parts.examples == whole.examples == tuple(keys.head(3))


def test_faults_in_a_later_block_name_their_row(tmp_path, monkeypatch):
    monkeypatch.setattr(label_rows, "BLOCK", 64)
    monkeypatch.setattr(compression, "PIECE", 50)
    rows = "".join(f"key-{n},0\n" for n in range(200))
    with pytest.raises(DataError, match=r"Row 201 of .* labels 'x' as 'perhaps'"):
        read_labels(write(tmp_path / "a.csv", f"{rows}x,perhaps\n{rows}"))
    with pytest.raises(DataError, match=r"labels 'key-7' both normal and anomalous \(row 202\)"):
        read_labels(write(tmp_path / "b.csv", f"{rows}x,1\nkey-7,1\n"))


def test_a_dash_in_a_later_block_makes_other_texts_anomalous(tmp_path, monkeypatch):
    monkeypatch.setattr(label_rows, "BLOCK", 64)
    monkeypatch.setattr(compression, "PIECE", 50)
    rows = "session_key,label,fault\n" + "".join(f"key-{n},KERNDTLB,kernel\n" for n in range(20))
    path = write(tmp_path / "labels.csv", rows + "last,-,\n")
    labels = read_labels(path)
    assert (len(labels.keys), labels.anomalies, labels.kinds["key-19"]) == (21, 20, "kernel")
    assert labels.keys.labels(pl.Series(["last"])).to_list() == [False]
