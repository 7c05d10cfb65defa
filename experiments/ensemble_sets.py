"""The labelled sets of the ensemble study, as SESSIONS in three parts; read straight from the files."""

from __future__ import annotations

import csv
import gzip
import json
import lzma
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from hdfs_deeplog_split import NORMAL, Split, sessions
from logradar.core.sequences import Sequences
from logradar.core.session_set import SessionTable
from logradar.core.tables import FIRST_TEMPLATE, SESSIONS
from logradar.evaluation.metrics import natural_weights
from logradar.model.bundle import Bundle
from logradar.model.settings import run_settings
from logradar.pipeline.measuring.evaluation_data import labelled, sessions_in, unseen
from logradar.pipeline.train import train
from logradar.pipeline.training_data.sessions import from_records
from logradar.simulation.simulate import simulate
from logradar.storage.records import collect, opening

csv.field_size_limit(1 << 24)
VALID = 0.2  # of the sessions before the cut, their latest


@dataclass(frozen=True)
class Part:
    """One set: normal SESSIONS to learn from and to validate on, test SESSIONS with labels, weights and kinds."""

    train: pa.Table
    valid: pa.Table
    test: pa.Table
    labels: np.ndarray
    weights: np.ndarray | None = None
    kinds: np.ndarray | None = None

    def write(self, folder: Path) -> None:
        """Keep it, so that the next study need not read logs again."""
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("train", "valid", "test"):
            pq.write_table(getattr(self, name), folder / f"{name}.parquet")
        np.save(folder / "labels.npy", self.labels)
        if self.kinds is not None:
            (folder / "kinds.json").write_text(json.dumps(self.kinds.tolist()))

    @classmethod
    def read(cls, folder: Path) -> Part:
        """What `write` kept."""
        tables = [pq.read_table(folder / f"{name}.parquet", schema=SESSIONS) for name in ("train", "valid", "test")]
        kinds = folder / "kinds.json"
        told = np.array(json.loads(kinds.read_text())) if kinds.is_file() else None
        return cls(*tables, np.load(folder / "labels.npy"), None, told)


def _part(learn: Sequences, normal: Sequences, odd: Sequences, weights: Callable[..., Any] | None = None) -> Part:
    cut = max(1, round(len(learn) * (1 - VALID)))
    labels = np.repeat([False, True], [len(normal), len(odd)])
    tables = (learn.take(np.arange(cut)), learn.take(np.arange(cut, len(learn))), normal.concat(odd))
    return Part(*map(sessions, tables), labels, weights(labels) if weights else None)


def hdfs_deeplog(data: Path, seed: int) -> Part:
    """DeepLog's split: its training part for thresholds is the last 15 %; weighted to natural prevalence."""
    split = Split(data / "hdfs")
    labels = np.repeat([False, True], [len(split.normal), len(split.abnormal)])
    test = sessions(split.normal.concat(split.abnormal))
    return Part(sessions(split.learn), sessions(split.watch), test, labels, natural_weights(labels, NORMAL))


def kalaki(count: int) -> Callable[[Path, int], Part]:
    """OpenStack Kalaki: 50 training sequences, and more of them drawn from the normal test part."""

    def read(data: Path, seed: int) -> Part:
        found = []
        for name in ("train", "test_normal", "test_abnormal"):
            with gzip.open(data / f"openstack_kalaki/openstack_{name}.csv.gz", "rt") as lines:
                found.append(Sequences.from_lists([_numbers(row[1]) for row in csv.reader(lines)]))
        learn, normal, odd = found
        if count > len(learn):
            drawn = np.sort(np.random.default_rng(seed).choice(len(normal), count - len(learn), replace=False))
            learn = learn.concat(normal.take(drawn))
            normal = normal.take(np.setdiff1d(np.arange(len(normal)), drawn))
        return _part(learn, normal, odd)

    return read


def bgl(size: int) -> Callable[[Path, int], Part]:
    """BGL's first 80,000 events in windows of ``size`` lines, earlier half against later half."""

    def read(data: Path, seed: int) -> Part:
        with gzip.open(data / "bgl/BGL_events_0_79999.csv.gz", "rt") as lines:
            rows = list(csv.reader(lines))[1:]
        ids = np.array([int(row[1][1:]) + FIRST_TEMPLATE for row in rows], np.int32)
        odd = np.array([row[2] == "1" for row in rows])
        offsets = np.append(np.arange(0, len(ids), size, dtype=np.int64), len(ids))
        windows, labels = Sequences.of(ids, offsets), np.add.reduceat(odd, offsets[:-1]) > 0
        half = len(windows) // 2
        learn = np.flatnonzero(~labels[:half])
        late = np.arange(half, len(windows))
        return _part(windows.take(learn), windows.take(late[~labels[late]]), windows.take(late[labels[late]]))

    return read


def hadoop(data: Path, seed: int) -> Part:
    """Hadoop containers: half of the normal ones, drawn by seed, against all others."""
    with gzip.open(data / "hadoop/hadoop_sequences.csv.gz", "rt") as lines:
        rows = list(csv.reader(lines))[1:]
    labels = np.array([row[1] != "normal" for row in rows])
    every = Sequences.from_lists([_numbers(row[2]) for row in rows])
    usual = np.random.default_rng(seed).permutation(np.flatnonzero(~labels))
    half = len(usual) // 2
    return _part(every.take(usual[:half]), every.take(usual[half:]), every.take(np.flatnonzero(labels)))


def federated(data: Path, seed: int) -> Part:
    """HDFS as client 2 of a federation sees it: fragments cut by time, noisy labels."""
    found = []
    for name in ("train", "test"):
        with lzma.open(data / f"hdfs_federated/client_2_{name}.csv.xz", "rt") as lines:
            rows = list(csv.reader(lines))[1:]
        events = Sequences.from_lists([[n + FIRST_TEMPLATE for n in json.loads(row[0])] for row in rows])
        odd = np.array([row[1] == "Anomaly" for row in rows])
        found += [events.take(np.flatnonzero(~odd)), events.take(np.flatnonzero(odd))]
    return _part(found[0], found[2], found[3])


def hdfs_sample(data: Path, seed: int) -> Part:
    """The HDFS 2 % sample, earlier half against later half, from its lines."""
    return _mined("hdfs", "hdfs", held_out=True)


def shop(data: Path, seed: int) -> Part:
    """A simulated fault-free day, against a day with all faults and one with none."""
    with tempfile.TemporaryDirectory() as home:
        folder = Path(home)
        first = 100 * (seed + 1)
        simulate(folder / "normal", faults="none", seed=first)
        simulate(folder / "faulty", faults="all", seed=first + 1, start="2026-03-03")
        simulate(folder / "quiet", faults="none", seed=first + 2, start="2026-03-04")
        return _mined(str(folder / "normal"), str(folder / "faulty"), str(folder / "quiet"))


def _mined(learn: str, *tests: str, held_out: bool = False) -> Part:
    """SESSIONS with values from lines, by the ways of training and evaluation."""
    settings = run_settings(None, (), {"detector": "values", "beside": ()})
    with tempfile.TemporaryDirectory() as home:
        bundle = Path(home) / "b"
        train(learn, bundle, settings)
        fitted = Bundle.load(bundle)
        resolved = fitted.settings
        with opening(learn, resolved.input) as (opened, folder):
            material, _ = from_records(collect(opened, folder), resolved, folder)
        found, labels, kinds = [], [], []
        for number, spec in enumerate(tests):
            with opening(spec, resolved.input) as (opened, folder):
                corpus = collect(opened, folder)
                table = labelled(sessions_in(corpus, fitted, folder), spec)
                table = table.filter(pa.array(unseen(table, fitted, held_out)))
            found.append(table)
            labels.append(table["label"].to_numpy().astype(bool))
            named = [corpus.kinds.get(key, "") for key in table["session_id"].to_pylist()]
            kinds += named if not number else ["quiet"] * len(named)
    assert isinstance(material.train, SessionTable) and isinstance(material.valid, SessionTable)
    test = pa.concat_tables(found).unify_dictionaries().combine_chunks()
    return Part(material.train.table, material.valid.table, test, np.concatenate(labels), None, np.array(kinds))


def _numbers(text: str) -> list[int]:
    return [int(number) + FIRST_TEMPLATE for number in text.split()]


SETS: dict[str, Callable[[Path, int], Part]] = {
    "hdfs-deeplog": hdfs_deeplog,
    "hdfs-2pct": hdfs_sample,
    "kalaki-50": kalaki(50),
    "kalaki-500": kalaki(500),
    "bgl-lines": bgl(1),
    "bgl-20": bgl(20),
    "bgl-100": bgl(100),
    "bgl-300": bgl(300),
    "hadoop": hadoop,
    "federated-2": federated,
    "shop": shop,
}
VARIED = {"kalaki-500", "hadoop", "shop"}  # sets that differ by seed


def part_of(name: str, data: Path, seed: int, kept: Path | None) -> Part:
    """A set; what is mined from lines is kept in ``kept`` if that is given."""
    if kept is None or name not in ("hdfs-2pct", "shop"):
        return SETS[name](data, seed)
    folder = kept / f"{name}-{seed if name in VARIED else 0}"
    if not (folder / "labels.npy").is_file():
        SETS[name](data, seed).write(folder)
    return Part.read(folder)
