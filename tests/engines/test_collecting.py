"""Reading on Spark: prepared folders, inventories and bundles are those of one machine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from logradar.core.errors import ConfigError
from logradar.engines.spark.collecting import collecting_on
from logradar.model.bundle import Bundle
from logradar.model.settings import run_settings
from logradar.pipeline.prepare import prepare
from logradar.pipeline.train import train
from logradar.pipeline.validate import validate
from logradar.simulation.simulate import simulate

pytestmark = [pytest.mark.xdist_group("spark"), pytest.mark.slow]


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three services, a file each, too large to be read together; some lines are no text."""
    home = tmp_path_factory.mktemp("logs")
    simulate(home / "logs", days=0.05, faults="all", seed=5, start="2026-03-02")
    with (home / "logs" / "research.log").open("ab") as file:
        file.write(b"\x00\x01" * 20 + b"\n")
    return home / "logs"


@pytest.fixture(autouse=True)
def small_units(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("logradar.sources.opening.opening.UNIT", 1000)
    monkeypatch.setattr("logradar.engines.spark.collecting.WAVE", 2)


def test_a_prepared_folder_has_the_same_tables(spark: Any, logs: Path, tmp_path: Path) -> None:
    one = prepare(str(logs), tmp_path / "one", run_settings())
    two = prepare(str(logs), tmp_path / "two", run_settings(), collecting=collecting_on("spark"))
    names = ("records", "templates", "sessions", "quarantined")
    assert {name: one[name] for name in names} == {name: two[name] for name in names}
    for name in ("records", "templates.parquet", "sessions.parquet"):
        tables = [pq.read_table(tmp_path / folder / name) for folder in ("one", "two")]
        assert tables[0].to_pylist() == tables[1].to_pylist(), name
    assert len(list((tmp_path / "two" / "units").glob("*.json"))) == 3
    last = max((tmp_path / "two" / "units").glob("*.json"))  # as if the driver had been killed in the second wave
    kept = [path.stat().st_mtime_ns for path in sorted((tmp_path / "two" / "records").iterdir())]
    last.unlink()
    again = prepare(str(logs), tmp_path / "two", run_settings(), collecting=collecting_on("spark"))
    assert {name: one[name] for name in names} == {name: again[name] for name in names}
    now = [path.stat().st_mtime_ns for path in sorted((tmp_path / "two" / "records").iterdir())]
    assert now[:2] == kept[:2] and now[2] != kept[2]


def test_an_inventory_is_the_same(spark: Any, logs: Path) -> None:
    settings = run_settings()
    one, two = validate(str(logs), settings), validate(str(logs), settings, collecting=collecting_on("spark"))
    for facts in (one, two):
        for name in ("seconds", "created"):
            del facts[name]
    assert one == two


def test_a_bundle_is_the_same(spark: Any, logs: Path, tmp_path: Path) -> None:
    for name, collecting in (("one", None), ("two", collecting_on("spark"))):
        train(str(logs), tmp_path / name, run_settings(given={"seed": 3}), collecting=collecting)
    one, two = Bundle.load(tmp_path / "one"), Bundle.load(tmp_path / "two")
    assert one.miner.templates().equals(two.miner.templates())
    sums = [{p.name: p.read_bytes() for p in (tmp_path / n).rglob("*.parquet")} for n in ("one", "two")]
    assert sums[0] == sums[1] and len(sums[0]) > 5
    assert one.thresholds == two.thresholds


def test_a_pipe_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import io

    pytest.importorskip("pyspark")
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"2026-01-01 00:00:00 INFO a\n" * 30)))
    with pytest.raises(ConfigError, match="cannot read a pipe"):
        prepare("-", tmp_path / "out", run_settings(), collecting=collecting_on("spark"))
