"""Label files: their forms, their faults, and how they are joined onto records."""

from __future__ import annotations

import gzip
import lzma

import pytest
from reading_lines import write

from logradar.core.errors import DataError, InputError
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
    assert dict(labels.table.rows()) == {"a": True, "b": False}
    assert labels.anomalies == 1
    assert labels.kinds == ({"a": "slow"} if "slow" in text else {})


@pytest.mark.parametrize(
    ("text", "error", "told"),
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
def test_faults_are_sentences(tmp_path, text, error, told):
    path = tmp_path / "labels.csv"
    if text is not None:
        write(path, text)
    with pytest.raises(error, match=told):
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


def test_hdfs_labels(data_dir):
    labels = read_labels(data_dir / "hdfs" / "HDFS_2pct_labels.csv.gz")
    assert (len(labels.table), labels.anomalies) == (8_625, 288)
