"""The source `simulated`: what a simulation wrote comes back whole, with keys, times and services."""

from __future__ import annotations

import csv
import gzip
import shutil
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from logradar.core.quarantine import Quarantine
from logradar.core.tables import LOG_RECORDS, check
from logradar.simulation.simulate import simulate
from logradar.sources.base import Hints, sources
from logradar.sources.simulated import FILES, Simulated

GATEWAY = "2026-03-02 08:00:00,123 INFO gateway.access [trace=4f2a9c01d2e3b4a5] request GET /search from 10.1.2.3"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shop")
    simulate(folder, days=0.5, lines_per_day=100_000, seed=4, faults="disk_full,silent_drop", episode_minutes=120)
    return folder


@pytest.fixture(scope="module")
def records(folder: Path) -> pl.DataFrame:
    quarantine = Quarantine()
    batches = list(Simulated().read([folder / name for name in FILES.values()], Hints(), quarantine))
    assert quarantine.count == 0
    return pl.DataFrame(pl.from_arrow(check(pa.concat_tables(batches), LOG_RECORDS)))


def test_registered_under_its_name() -> None:
    assert sources.load("simulated") is Simulated
    assert Simulated.dataset(Path("anywhere")) is None


def test_known_by_the_mark_beside_it_only(folder: Path, tmp_path: Path) -> None:
    head = [GATEWAY]
    assert Simulated.recognises(folder / "gateway.log", head) == 1.0
    assert Simulated.recognises(folder / "gateway.log", ["something else"]) == 0.0
    assert Simulated.recognises(folder / "labels.csv", ["session_key,label,fault"]) == 0.0
    assert Simulated.recognises(folder / "other.log", head) == 0.0
    assert Simulated.recognises(tmp_path / "gateway.log", head) == 0.0
    for text in ("{", "[]", '{"format": 1}', '{"format": 1, "logradar": "0", "settings": {}, "complete": false}'):
        (tmp_path / "simulation.json").write_text(text)
        assert Simulated.recognises(tmp_path / "gateway.log", head) == 0.0


def test_every_record_comes_back_with_its_key_and_service(folder: Path, records: pl.DataFrame) -> None:
    assert records["record_id"].to_list() == list(range(len(records)))
    for column in ("timestamp", "level", "component", "service", "session_key"):
        assert records[column].null_count() == 0
    services = records.select(pl.col("service").cast(pl.String), pl.col("component").cast(pl.String))
    assert services.select((pl.col("component").str.split(".").list.first() == pl.col("service")).all()).item()
    with (folder / "labels.csv").open() as file:
        assert {row["session_key"] for row in csv.DictReader(file)} == set(records["session_key"])
    assert not records["body"].str.contains("trace=").any()


def test_records_stand_where_origins_say(folder: Path, records: pl.DataFrame) -> None:
    origins = pl.DataFrame(pl.from_arrow(pq.read_table(folder / "origins.parquet")))
    names = records["source"].cast(pl.String).str.split("/").list.last()
    ours = set(zip(names, records["line"], strict=True))
    assert ours == set(zip(origins["source"].cast(pl.String), origins["line"], strict=True))
    traces = records.filter(pl.col("body").str.contains("Traceback"))
    assert len(traces) > 0 and traces["body"].str.contains("OSError: .Errno 28. No space left").all()


def test_compressed_logs_and_a_key_of_ones_own(folder: Path, tmp_path: Path) -> None:
    shutil.copy(folder / "simulation.json", tmp_path)
    packed = tmp_path / "manager.log.gz"
    packed.write_bytes(gzip.compress((folder / "manager.log").read_bytes()))
    assert Simulated.recognises(packed, [GATEWAY]) == 1.0
    table = pa.concat_tables(Simulated().read([packed], Hints(session_key=r"order (\d+)"), Quarantine()))
    keys = table["session_key"].drop_null().to_pylist()
    assert keys and all(key.isdigit() for key in keys)
    assert set(table["service"].cast(pa.string()).to_pylist()) == {"manager"}
