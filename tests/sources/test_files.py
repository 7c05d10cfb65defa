"""INPUT -> files, and what to say when there are none."""

from __future__ import annotations

import io
import os
import sys
import threading
from pathlib import Path

import pytest
from reading_lines import write

from logradar.core.errors import InputError
from logradar.sources.opening.files import find, find_dataset, in_order, stem


def names(found):
    return [file.name for file in found.files]


def test_a_folder_is_searched_in_order_and_what_is_no_log_left_out(tmp_path):
    for name in ("b/x10.log", "b/x9.log", "a.log", "a.log.1", "a.log.2.gz", "a.log.10.gz", ".hidden.log", ".git/y.log"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        write(tmp_path / name, "x\n")
    for name in ("labels.csv.gz", "quarantine.jsonl", "README.md", "LICENSE", "c.parquet"):
        write(tmp_path / name, "x\n")
    found = find(str(tmp_path))
    assert names(found) == ["a.log.10.gz", "a.log.2.gz", "a.log.1", "a.log", "x9.log", "x10.log"]
    assert len(found.skipped) == 5
    assert found.labels is None
    assert found.size == 12


def test_a_glob_and_a_file(tmp_path):
    write(tmp_path / "a.log", "x\n"), write(tmp_path / "b.log", "x\n"), write(tmp_path / "c.txt", "x\n")
    assert names(find(str(tmp_path / "*.log"))) == ["a.log", "b.log"]
    assert names(find(str(tmp_path / "c.txt"))) == ["c.txt"]


def test_a_simulation_brings_its_labels(tmp_path):
    for name in ("gateway.log", "labels.csv", "simulation.json", "origins.parquet"):
        write(tmp_path / name, "{}\n")
    found = find(str(tmp_path))
    assert names(found) == ["gateway.log"]
    assert found.labels == tmp_path / "labels.csv"


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("app.lgo", "did you mean .*app.log"),
        ("*.nothing", "No file matches the pattern"),
        ("hdsf", "is not a file, folder or data set; did you mean 'hdfs'"),
        ("zzz", "data sets: .*hdfs"),
        ("hdfs", "not in .*; give another folder with --data-dir"),
        ("empty", "contains no log files"),
    ],
)
def test_what_is_missing_is_a_sentence(tmp_path, monkeypatch, spec, message):
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "app.log", "x\n")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=message):
        find(spec, tmp_path)


def test_data_folders(tmp_path, monkeypatch):
    monkeypatch.delenv("LOGRADAR_DATA", raising=False)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="give --data-dir FOLDER or set LOGRADAR_DATA"):
        find("hdfs")
    with pytest.raises(InputError, match="data folder '/nowhere' does not exist"):
        find("hdfs", Path("/nowhere"))
    assert find_dataset("hdfs", tmp_path) is None
    assert find_dataset("nonsense", tmp_path) is None
    (tmp_path / "data/hdfs").mkdir(parents=True)
    log = write(tmp_path / "data/hdfs/HDFS.log", "x\n")
    monkeypatch.setenv("LOGRADAR_DATA", str(tmp_path / "data"))
    assert find("hdfs").files == [log]
    assert find("hdfs").labels is None


def test_the_hdfs_data_set(data_dir):
    found = find("hdfs", data_dir)
    assert names(found) == ["HDFS_2pct.log.xz"]
    assert found.labels and found.labels.name == "HDFS_2pct_labels.csv.gz"
    assert found.dataset and found.dataset.test == 0.5


def test_stdin_is_kept_on_disk_and_removed(monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"one\ntwo\n")))
    found = find("-")
    file = found.files[0]
    assert file.read_bytes() == b"one\ntwo\n"
    assert found.names == {file: "stdin"}
    found.close()
    assert not file.parent.exists()
    found.close()


def test_a_pipe_is_read_like_stdin(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=lambda: pipe.write_bytes(b"hello\n"))
    writer.start()
    found = find(str(pipe))
    writer.join()
    assert found.files[0].read_bytes() == b"hello\n"
    assert found.names == {found.files[0]: str(pipe)}
    found.close()


def test_order_by_age_and_number():
    files = [Path(name) for name in ("b.log", "b.log.1", "a-10.log", "a-9.log", "b.log.12.gz")]
    assert [str(file) for file in in_order(files)] == ["a-9.log", "a-10.log", "b.log.12.gz", "b.log.1", "b.log"]


@pytest.mark.parametrize(
    "names",
    [
        ["app.10.log", "app.2.log", "app.1.log", "app.log"],
        ["app.2.log.gz", "app.1.log", "app.log"],
        ["app-2.log", "app-1.log", "app.log"],
        ["x/app.1.json", "x/app.json", "y/app.1.json", "y/app.json"],
        ["app.log.2", "app.log.1", "app.log"],
        ["node.1.log", "node.2.log", "node.10.log"],  # no rotation: there is no node.log
        ["app-2024-05-01.log", "app-2024-05-02.log", "app.log"],
    ],
)
def test_rotated_files_come_oldest_first(names):
    for given in (names, names[::-1], sorted(names)):
        assert [str(file) for file in in_order(map(Path, given))] == names


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("gateway.log", "gateway"),
        ("gateway-2026-03-02.log.1.gz", "gateway"),
        ("gateway.log-20260302.xz", "gateway"),
        ("gateway.log.2026-03-02", "gateway"),
        ("node1.log.xz", "node1"),
        ("web/0.log", "web"),
        (f"web-7d4_shop_nginx-{'0' * 64}.log", "nginx"),
        ("hdfs_train.txt.gz", "hdfs_train"),
    ],
)
def test_stems(path, name):
    assert stem(Path(path)) == name
