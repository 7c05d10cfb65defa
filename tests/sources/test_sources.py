"""Every source keeps its promise; the sources of known data sets read them whole."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq
import pytest
from reading_lines import read, write

from logradar.core.errors import InputError
from logradar.core.quarantine import Quarantine
from logradar.sources.base import Hints, sources
from logradar.sources.hdfs import Hdfs
from logradar.sources.opening.opening import InputSettings, open_input
from logradar.sources.prepared import Prepared
from logradar.sources.sequences import Sequences


@pytest.mark.parametrize("name", sources.names())
def test_every_source(name, tmp_path):
    kind = sources.load(name)
    assert sources.summary(name).endswith((".", "…"))
    for head in ([], [""], ["\x00"], ["just words"], ["{", "["], ["x" * 5_000]):
        assert 0.0 <= kind.recognises(tmp_path / "no-such-file.log", head) <= 1.0
    assert list(kind().read([], Hints(), Quarantine())) == []
    assert kind.dataset(tmp_path) is None


def test_hdfs_is_recognised_and_labelled(data_dir):
    with open_input("hdfs", InputSettings(data_dir=data_dir)) as opened:
        frame = pl.concat(
            [pl.from_arrow(batch.select(["session_key", "label", "level"])) for batch in opened.batches()]
        )
    assert opened.source == "hdfs"
    assert opened.dataset is not None and opened.dataset.test == 0.5
    blocks = frame.group_by("session_key").agg(pl.col("label").first())
    assert (len(frame), len(blocks), blocks["label"].sum()) == (176_483, 8_625, 288)
    assert frame["label"].null_count() == 0
    assert set(frame["level"].unique()) == {9, 13}


def test_hdfs_is_known_by_its_content():
    line = "081109 203615 148 INFO dfs.DataNode$PacketResponder: PacketResponder 1 for block blk_38 terminating"
    assert Hdfs.recognises(Path("x"), [line, "", "a trace line"]) == 0.9
    assert Hdfs.recognises(Path("HDFS.log"), ["081109 203615 148 INFO yarn.Node: no block"]) == 0.0


@pytest.mark.parametrize(
    ("name", "sessions", "events", "label"),
    [
        ("hdfs_train.txt.gz", 4_855, 95_125, False),
        ("hdfs_test_normal_3366.txt.gz", 3_366, 65_424, False),
        ("hdfs_test_abnormal.txt.gz", 16_838, 284_818, True),
    ],
)
def test_published_sequences(data_dir, name, sessions, events, label):
    with open_input(data_dir / "hdfs" / name) as opened:
        frame = pl.concat([pl.from_arrow(b.select(["session_key", "label", "body", "line"])) for b in opened.batches()])
    assert opened.source == "sequences"
    assert (frame["session_key"].n_unique(), len(frame)) == (sessions, events)
    assert frame["label"].unique().to_list() == [label]
    assert frame["line"][-1] == sessions


def test_sequences_keep_what_is_none_apart(tmp_path):
    quarantine = Quarantine()
    file = write(tmp_path / "s.txt", "5 22 007\n\noops 5\n 11 \n-5 3\n")
    records = read(file, source=Sequences, quarantine=quarantine)
    assert records["body"].to_list() == ["E5", "E22", "E7", "E11"]
    assert records["session_key"].to_list() == ["s-1"] * 3 + ["s-4"]
    assert records["label"].null_count() == 4
    assert dict(quarantine.reasons) == {"line that is not a sequence of event numbers": 2}
    assert Sequences.recognises(file, ["1 2 3", "4 5"]) == 0.9
    assert Sequences.recognises(file, ["1", "2", "3"]) == 0.0


def prepare(folder: Path, log: Path) -> InputSettings:
    """A folder as `logradar prepare` writes it."""
    (folder / "records").mkdir(parents=True)
    opened = open_input(log, InputSettings(session_key="trace=(.)"))
    for number, batch in enumerate(opened.batches()):
        pq.write_table(batch, folder / "records" / f"part-{number}.parquet")
    shards = [
        {
            "name": f"records/{path.name}",
            "bytes": path.stat().st_size,
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        }
        for path in sorted((folder / "records").iterdir())
    ]
    stored = {"settings": {"input": opened.settings.model_dump(mode="json"), "seed": 0}, "shards": shards}
    (folder / "prepared.json").write_text(json.dumps(stored))
    return opened.settings


def test_a_prepared_folder_is_an_input(tmp_path):
    log = write(tmp_path / "a.log", "".join(f"INFO:shop:trace={n % 9} id={n % 7} step\n" for n in range(90)))
    stored = prepare(tmp_path / "done", log)
    opened = open_input(tmp_path / "done")
    batch = next(opened.batches())
    assert opened.source == "prepared"
    assert opened.settings.session_key == stored.session_key
    assert batch["session_key"].to_pylist()[:3] == ["0", "1", "2"]
    assert batch["source"][0].as_py() == str(log)
    other = next(open_input(tmp_path / "done", InputSettings(session_key="id=(.)")).batches())
    assert other["session_key"].to_pylist()[6:9] == ["6", "0", "1"]


def test_a_damaged_prepared_folder_is_a_sentence(tmp_path):
    prepare(tmp_path / "done", write(tmp_path / "a.log", "INFO:shop:trace=1 step\n" * 9))
    file = next((tmp_path / "done/records").iterdir())
    whole = file.read_bytes()
    for damaged in (whole[:4] + b"\xff" * 300 + whole[304:], whole[:-50], b""):
        file.write_bytes(damaged)
        with pytest.raises(InputError, match="prepare the input again") as error:
            list(open_input(tmp_path / "done").batches())
        assert "\n" not in str(error.value)
    assert Prepared.recognises(write(tmp_path / "x.parquet", "no"), []) == 0.0
