"""`logradar download` as a user calls it: against a mirror on this machine, and where no mirror answers."""

from __future__ import annotations

import hashlib
import io
import os
import re
import signal
import socket
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest
from tests.sources.download.mirror import Answer, Mirror, running

from logradar.sources.opening.opening import InputSettings, open_input

BLOCKS = [f"blk_{number}" for number in range(1, 30)]
LOG = "".join(f"081109 203615 148 INFO dfs.DataNode$PacketResponder: served {block}\n" for block in BLOCKS)
LABELS = "BlockId,Label\n" + "".join(f"{block},Normal\n" for block in BLOCKS)
COMMAND = [sys.executable, "-c", "from logradar.cli import main; main()", "download"]


def packed(**files: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in (files or {"HDFS.log": LOG, "preprocessed/anomaly_label.csv": LABELS, "README": "x"}).items():
            archive.writestr(name, text)
    return out.getvalue()


@pytest.fixture
def mirror(monkeypatch: pytest.MonkeyPatch) -> Iterator[Mirror]:
    monkeypatch.delenv("LOGRADAR_DATA", raising=False)
    with running() as started:
        yield started


def words(mirror: Mirror, body: bytes, *more: object, digest: str | None = None) -> list[object]:
    url = mirror.gives(Answer(body, etag='"1"'), path="/HDFS_v1.zip")
    proof = [f"archives.hdfs.sha256={digest or hashlib.sha256(body).hexdigest()}"]
    return ["download", "hdfs", f"archives.hdfs.urls=[{url}]", *proof, "backoff=0", *more]


def test_the_whole_way_to_a_data_set(mirror: Mirror, logradar, tmp_path: Path):
    body, out = packed(), tmp_path / "data"
    done = logradar(*words(mirror, body, "-o", out))
    assert (done.code, done.err) == (0, "")
    assert "Its SHA-256 is as expected. 2 files are unpacked" in done.out
    assert f"`logradar train hdfs --data-dir {out}` reads it." in done.out
    assert sorted(path.name for path in out.iterdir()) == ["HDFS_v1.zip", "hdfs"]
    again = logradar(*words(mirror, body, "-o", out, "--json"))
    assert len(mirror.asked) == 1
    found = again.json["archives"][0]
    assert (found["state"], found["verified"], found["dataset"], found["mirror"]) == ("present", True, "hdfs", None)
    assert found["files"] == ["HDFS.log", "preprocessed/anomaly_label.csv"]
    with open_input("hdfs", InputSettings(data_dir=out)) as opened:
        records = pa.concat_tables(opened.batches())
    assert records.num_rows == len(BLOCKS)
    assert set(records["label"].to_pylist()) == {False}  # with the labels of the archive


def test_without_a_digest_it_says_that_nothing_vouches(mirror: Mirror, logradar, tmp_path: Path):
    body = packed()
    call = [word for word in words(mirror, body, "-o", tmp_path / "d") if "sha256" not in str(word)]
    done = logradar(*call)
    assert done.code == 0
    digest = hashlib.sha256(body).hexdigest()
    assert f"Its SHA-256 is {digest}. Nothing vouches for the file" in done.out
    assert f"archives.hdfs.sha256={digest}" in done.out


@pytest.mark.parametrize("evil", ["../evil.log", "/tmp/evil.log"])
def test_an_archive_that_writes_elsewhere_is_one_sentence(mirror: Mirror, logradar, tmp_path: Path, evil: str):
    done = logradar(*words(mirror, packed(**{"HDFS.log": LOG, evil: "x"}), "-o", tmp_path / "d"))
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
    assert f"its member '{evil}' would lie outside of the folder. Nothing of it was written." in done.err
    assert [path.name for path in (tmp_path / "d").iterdir()] == ["HDFS_v1.zip"]


def test_wrong_bytes_are_one_sentence(mirror: Mirror, logradar, tmp_path: Path):
    done = logradar(*words(mirror, packed(), "-o", tmp_path / "d", digest="f" * 64))
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
    assert f"{'f' * 64} is expected" in done.err
    assert not (tmp_path / "d").exists()


@pytest.mark.parametrize(
    ("call", "why"),
    [
        (["hdsf"], "There is no archive named 'hdsf'; did you mean 'hdfs'?"),
        (["allow_http=true"], "Name the archives to download; known are: hdfs, openstack."),
        (["hdfs", "tires=2"], "did you mean 'tries'?"),
        (["hdfs", "--data-dir", "/no/such"], "The data folder '/no/such' does not exist."),
        (["hdfs", "-c", "/no/such.yaml"], "does not exist"),
        (["../hdfs"], "There is no archive named '../hdfs'"),
    ],
)
def test_mistakes_are_one_sentence(logradar, tmp_path: Path, call: list[str], why: str):
    done = logradar("download", *call, "-o", tmp_path / "d")
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
    assert why in done.err
    assert not (tmp_path / "d").exists()


def test_an_output_that_is_a_file(logradar, tmp_path: Path):
    (tmp_path / "f").write_text("x")
    assert "is a file; name a folder" in logradar("download", "hdfs", "-o", tmp_path / "f").err


@pytest.fixture
def nobody() -> str:
    """A URL where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return f"http://127.0.0.1:{server.getsockname()[1]}/HDFS_v1.zip"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    (tmp_path / "data" / "hdfs").mkdir(parents=True)
    (tmp_path / "data" / "hdfs" / "HDFS.log").write_text(LOG)
    return tmp_path / "data"


def test_where_nobody_answers_the_data_folder_serves(logradar, tmp_path: Path, nobody: str, data: Path, monkeypatch):
    call = ["download", "hdfs", f"archives.hdfs.urls=[{nobody}]", "tries=1", "-o", tmp_path / "d"]
    monkeypatch.setenv("LOGRADAR_DATA", str(data))
    done = logradar(*call)
    assert (done.code, done.out.count("\n")) == (0, 1)
    assert (
        f"the folder '{data}' has 'hdfs' (HDFS.log), so `logradar train hdfs` works without the download." in done.out
    )
    assert not (tmp_path / "d").exists()
    monkeypatch.delenv("LOGRADAR_DATA")
    found = logradar(*call, "--json", "--data-dir", data).json["archives"][0]
    assert (found["state"], found["dataset"], found["folder"]) == ("elsewhere", "hdfs", str(data / "hdfs"))
    assert found["files"] == [str(data / "hdfs" / "HDFS.log")]
    assert f"`logradar train hdfs --data-dir {data}` works" in found["notes"][0]


def test_where_nobody_answers_what_was_unpacked_before_serves(logradar, nobody: str, data: Path, monkeypatch):
    monkeypatch.delenv("LOGRADAR_DATA", raising=False)
    done = logradar("download", "hdfs", f"archives.hdfs.urls=[{nobody}]", "tries=1", "-o", data)
    assert done.code == 0
    assert f"`logradar train hdfs --data-dir {data}` works without the download." in done.out
    assert [path.name for path in data.iterdir()] == ["hdfs"]


def test_where_nobody_answers_and_nothing_serves(logradar, tmp_path: Path, nobody: str, data: Path, monkeypatch):
    call = ["download", "hdfs", f"archives.hdfs.urls=[{nobody}]", "tries=1", "-o", tmp_path / "d"]
    monkeypatch.delenv("LOGRADAR_DATA", raising=False)
    done = logradar(*call)
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
    assert "No mirror answers (127.0.0.1" in done.err and "no data folder is known that has 'hdfs'" in done.err
    assert "by hand" in done.err and "LOGRADAR_DATA" in done.err
    (data / "hdfs" / "HDFS.log").unlink()
    assert f"'{data}' does not have 'hdfs'" in logradar(*call, "--data-dir", data).err


def test_without_a_network_it_says_so(tmp_path: Path, data: Path):
    """In a namespace without any network, where the system allows to make one."""
    call = [*COMMAND, "hdfs", "openstack", "-o", str(tmp_path / "d"), "--data-dir", str(data)]
    (data / "openstack_utah").mkdir()
    for name in ("train", "test_normal", "test_abnormal"):
        (data / "openstack_utah" / f"openstack_{name}.csv.gz").write_text("x")
    if subprocess.run(["unshare", "-rn", "true"], capture_output=True).returncode:
        pytest.skip("no namespaces here")
    done = subprocess.run(["unshare", "-rn", *call], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert len(lines) == 2
    assert re.match(
        rf"hdfs: There seems to be no network \(zenodo\.org: .*\); the folder '{data}' has 'hdfs' \(HDFS\.log\), so",
        lines[0],
    )
    assert (
        f"'openstack_utah' (openstack_train.csv.gz), so `logradar train openstack_utah --data-dir {data}` works"
        in lines[1]
    )


def test_the_real_data_folder_serves(logradar, tmp_path: Path, nobody: str, data_dir: Path):
    urls = [f"archives.{name}.urls=[{nobody}]" for name in ("hdfs", "openstack")]
    done = logradar(
        "download", "hdfs", "openstack", *urls, "tries=1", "-o", tmp_path / "d", "--data-dir", data_dir, "--json"
    )
    assert [one["dataset"] for one in done.json["archives"]] == ["hdfs", "openstack_utah"]


def test_ctrl_c_leaves_a_part_and_the_same_command_goes_on(mirror: Mirror, logradar, tmp_path: Path):
    body = packed(**{"HDFS.log": LOG, "anomaly_label.csv": LABELS})
    call, half = list(map(str, words(mirror, body, "-o", tmp_path / "d"))), len(body) // 2
    mirror.gives(Answer(body, etag='"1"', slow=(half, 60)), path="/HDFS_v1.zip")
    with subprocess.Popen([*COMMAND, *call[1:]], stderr=subprocess.PIPE, text=True) as process:
        part, until = tmp_path / "d" / "HDFS_v1.zip.part", time.monotonic() + 20
        while not (part.exists() and part.stat().st_size == half):
            assert time.monotonic() < until and process.poll() is None
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        assert process.stderr.read() == "logradar: stopped.\n"
    assert process.returncode == 130
    done = logradar(*words(mirror, body, "-o", tmp_path / "d"))
    assert f"{half:,} bytes were there from an earlier call" in done.out
    assert mirror.asked[-1].range == f"bytes={half}-"


def test_a_folder_whose_name_is_no_text(mirror: Mirror, logradar, tmp_path: Path):
    out = tmp_path / os.fsdecode(b"d\xff")
    done = logradar(*words(mirror, packed(), "-o", out, "--json"))
    assert done.json["archives"][0]["file"].endswith("/d?/HDFS_v1.zip")
    assert logradar(*words(mirror, packed(), "-o", out)).code == 0
    assert (out / "hdfs" / "HDFS.log").read_text() == LOG


def test_quiet_prints_nothing_on_stderr(mirror: Mirror, logradar, tmp_path: Path):
    call = words(mirror, packed(), "-o", tmp_path / "d", "--quiet")
    mirror.answers["/HDFS_v1.zip"].insert(0, Answer(status=503))
    done = logradar(*call)
    assert (done.code, done.err) == (0, "")
    assert len(mirror.asked) == 2
