"""Detection on Spark: the document of one machine, whatever the number of partitions."""

from __future__ import annotations

import lzma
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from logradar.core.errors import BundleError, ConfigError, EngineError, InputError
from logradar.engines.spark.chains import chains
from logradar.engines.spark.cluster import LOCAL, Engine
from logradar.engines.spark.detection import detection_on, places
from logradar.engines.spark.sealed_bundle import SealedBundle
from logradar.model.settings import run_settings
from logradar.pipeline.detect import detect, detect_into
from logradar.pipeline.detection.detected import Detected
from logradar.pipeline.prepare import prepare
from logradar.pipeline.train import train
from logradar.simulation.simulate import simulate
from logradar.sources.opening.opening import InputSettings, open_input

pytestmark = pytest.mark.xdist_group("spark")
TRAIN, TEST = 8_000, 3_000  # lines of HDFS


def on_spark(bundle: Path, spec: Path, parts: int) -> Detected:
    return detect_into(
        None, None, bundle, str(spec), engine=detection_on(f"spark?partitions={parts}", bundle, str(spec))
    )


def assert_equal(bundle: Path, spec: Path, *parts: int) -> dict[str, Any]:
    """The whole document, with the numbers of records, of one machine and of so many partitions."""
    document = detect(bundle, str(spec)).to_json()
    for count in parts:
        assert on_spark(bundle, spec, count).to_json() == document, f"{count} partitions"
    return document


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three services, a file each; enough time for rates."""
    home = tmp_path_factory.mktemp("shop")
    simulate(home / "train", days=0.1, faults="none", seed=5, start="2026-03-02")
    simulate(home / "test", days=0.06, faults="all", seed=6, start="2026-03-09")
    return home


def trained(home: Path, name: str, *overrides: str) -> Path:
    train(str(home / "train"), home / name, run_settings(None, list(overrides)))
    return home / name


@pytest.mark.parametrize(
    "text",
    ["flink", "spark=", "spark=local[2]?parts=2", "spark?partitions=0", "spark=http://x", "spark=local[2];rm", "=x"],
)
def test_a_wrong_engine_is_refused_in_a_sentence(text: str) -> None:
    if text == "spark=":
        assert Engine.of(text) == Engine(LOCAL)
        return
    with pytest.raises(ConfigError):
        Engine.of(text)


def test_an_engine_has_a_master_partitions_and_options() -> None:
    found = Engine.of("spark=spark://host:7077?partitions=7&spark.executor.memory=2g")
    assert found == Engine("spark://host:7077", 7, (("spark.executor.memory", "2g"),))
    assert Engine.of("spark=k8s://https://host:443").master == "k8s://https://host:443"
    assert Engine.of("spark") == Engine("local[*,4]")


def test_without_spark_one_sentence_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("logradar.engines.spark.cluster.find_spec", lambda name: None)
    with pytest.raises(EngineError, match=r"pip install 'logradar\[spark\]'"):
        detection_on("spark", tmp_path, "app.log")


def test_a_bundle_that_changed_is_not_taken_from_memory(shop: Path) -> None:
    bundle = trained(shop, "sealed", "rates.enabled=false")
    before = SealedBundle.of(bundle)
    assert before.load() is before.load()
    (bundle / "feedback.json").write_text("{}")
    assert SealedBundle.of(bundle) != before
    with pytest.raises(BundleError, match="start again"):
        SealedBundle(bundle, "0" * 64).load()


def test_standard_input_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("pyspark")
    with pytest.raises(ConfigError, match="leave out --engine"):
        detection_on("spark", tmp_path, "-")


@pytest.mark.slow
def test_a_start_that_fails_is_said(tmp_path: Path) -> None:
    """In a process of its own, because here a session may be there."""
    log = tmp_path / "app.log"
    log.write_text("2026-01-01 00:00:00 INFO ready\n" * 500)
    train(str(log), tmp_path / "bundle", run_settings())
    words = [tmp_path / "bundle", log, "--engine", "spark=local-cluster[1,1,100]"]
    done = subprocess.run(
        [sys.executable, "-m", "logradar", "detect", *map(str, words)], capture_output=True, text=True
    )
    assert done.returncode == 2
    assert "did not start" in done.stderr and "Traceback" not in done.stderr


def test_each_partition_has_one_number(spark: Any) -> None:
    assert len(set(places(spark, 7))) == 7


def test_several_files_rates_and_incidents(spark: Any, shop: Path) -> None:
    bundle = trained(shop, "keyed", "rates.bucket_seconds=60")
    document = assert_equal(bundle, shop / "test", 3)
    assert document["alerts"] and document["incidents"] and document["rate_changes"]


def test_a_file_that_no_node_has_is_said(
    spark: Any, shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The driver opened it, but the executors find nothing at its path."""
    bundle = trained(shop, "gone", "rates.enabled=false")
    log = tmp_path / "app.log"
    log.write_bytes((shop / "test" / "gateway.log").read_bytes())
    from logradar.engines.spark import detection

    before = detection.chains

    def lose(opened: Any, units: Any) -> list[list[int]]:
        log.rename(tmp_path / "elsewhere")
        return before(opened, units)

    monkeypatch.setattr(detection, "chains", lose)
    with pytest.raises(InputError):
        on_spark(bundle, log, 1)


def test_shards_of_one_unit_are_one_chain(shop: Path, tmp_path: Path) -> None:
    prepare(str(shop / "test"), tmp_path / "prepared", run_settings())
    with open_input(str(tmp_path / "prepared"), InputSettings()) as opened:
        assert [number for chain in chains(opened, opened.units()) for number in chain] == list(
            range(len(opened.units()))
        )


@pytest.mark.slow
@pytest.mark.parametrize(
    "overrides",
    [
        ["sessions.idle_seconds=1"],
        ["sessions.by=count", "sessions.size=20", "sessions.step=5", "split.valid=0"],
        ["sessions.by=time", "sessions.seconds=20", "sessions.step_seconds=10", "split.valid=0"],
        ["detector=values"],
    ],
    ids=["short idle time", "overlapping windows", "windows of time", "values"],
)
def test_whatever_a_session_is(spark: Any, shop: Path, overrides: list[str]) -> None:
    bundle = trained(shop, "-".join(overrides[:1]), *overrides)
    assert assert_equal(bundle, shop / "test", 1, 7)["alerts"]


@pytest.mark.slow
def test_a_prepared_folder(spark: Any, shop: Path, tmp_path: Path) -> None:
    prepare(str(shop / "test"), tmp_path / "prepared", run_settings())
    assert assert_equal(trained(shop, "for-prepared"), tmp_path / "prepared", 2)["alerts"]


@pytest.mark.slow
def test_hdfs(spark: Any, data_dir: Path, tmp_path: Path) -> None:
    lines = lzma.decompress((data_dir / "hdfs" / "HDFS_2pct.log.xz").read_bytes()).decode(errors="replace").split("\n")
    (tmp_path / "train").write_text("\n".join(lines[:TRAIN]) + "\n")
    (tmp_path / "test.log").write_text("\n".join(lines[30_000 : 30_000 + TEST]) + "\n")
    assert assert_equal(trained(tmp_path, "bundle"), tmp_path / "test.log", 1, 2, 7)["alerts"]


@pytest.mark.slow
def test_train_ticket(spark: Any, data_dir: Path, tmp_path: Path) -> None:
    """Traces over the lines of 40 services, in two files whose times go back."""
    logs = data_dir / "trainticket_deeptralog"
    given = {"input.source": "trainticket_deeptralog"}
    train(
        str(logs / "F08-01.log.xz"), tmp_path / "bundle", run_settings(None, [], {**given, "input.use_labels": False})
    )
    for name in ("F05-01.log.xz", "F05-02.log.xz"):
        (tmp_path / "logs").mkdir(exist_ok=True)
        (tmp_path / "logs" / name).write_bytes((logs / name).read_bytes())
    assert assert_equal(tmp_path / "bundle", tmp_path / "logs", 1, 2, 7)["alerts"]
