"""The oath: where batches end makes no difference.

The alerts, the incidents and the drift figures of an input are the same, whether it is grouped in memory or on
disk, or arrives as a stream that is cut anywhere and whose state is saved and reloaded in between.
"""

from __future__ import annotations

import lzma
import random
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.conftest import find_data

from logradar.alerting.incidents import IncidentList
from logradar.core.tables import LOG_RECORDS
from logradar.model.bundle import Bundle, input_settings
from logradar.model.settings import run_settings
from logradar.pipeline.detect import detect
from logradar.pipeline.train import train
from logradar.scoring.scorer import in_order_of_severity
from logradar.scoring.state import load_state, save_state
from logradar.scoring.stream import Stream
from logradar.scoring.thresholds import plan_threshold
from logradar.simulation.simulate import simulate
from logradar.storage import grouping
from logradar.storage.records import reading

SYSTEMS = [
    "Android", "Apache", "BGL", "HDFS", "HPC", "Hadoop", "HealthApp", "Linux", "Mac", "OpenSSH", "OpenStack",
    "Proxifier", "Spark", "Thunderbird", "Windows", "Zookeeper",
]  # fmt: skip
CUTS = st.lists(st.integers(0, 10**6), max_size=6)


@dataclass
class Case:
    """A bundle, an input, its records in order of arrival, and what `detect` reports of it."""

    bundle: Bundle
    path: Path
    input: Path
    records: pa.Table
    alerts: list[dict[str, Any]]
    figures: dict[str, Any]
    incidents: list[dict[str, Any]]


def case(folder: Path, train_lines: list[str], test_lines: list[str], *overrides: str) -> Case:
    """Train on some lines, detect on others; both are files without labels."""
    (folder / "train.log").write_text("\n".join(train_lines) + "\n")
    (folder / "test.log").write_text("\n".join(test_lines) + "\n")
    train(str(folder / "train.log"), folder / "bundle", run_settings(None, list(overrides)))
    return of_bundle(folder / "bundle", folder / "test.log")


def of_bundle(path: Path, log: Path) -> Case:
    bundle = Bundle.load(path)
    with tempfile.TemporaryDirectory() as home, reading(str(log), input_settings(bundle, None), Path(home)) as corpus:
        records = pa.concat_tables(list(corpus.scan(LOG_RECORDS.names))).unify_dictionaries()
    found = detect(path, str(log))
    return Case(bundle, path, log, records, found.alerts.to_pylist(), found.figures, found.incidents.to_pylist())


def lines_of(path: Path) -> list[str]:
    data = path.read_bytes()
    text = (lzma.decompress(data) if path.suffix == ".xz" else data).decode(errors="replace")
    return text.replace("\r\n", "\n").rstrip("\n").split("\n")


def streamed(
    one: Case, cuts: list[int], reload: bool
) -> tuple[list[dict[str, Any]], dict[str, Any], list[dict[str, Any]]]:
    """Alerts, figures and incidents of the records as a stream whose batches end at ``cuts``."""
    limit = plan_threshold(one.bundle)
    stream, alerts, incidents = Stream(one.bundle, limit), [], IncidentList()
    bounds = [0, *sorted(cut % (len(one.records) + 1) for cut in cuts), len(one.records)]
    for begin, end in pairwise(bounds):
        step = stream.step(one.records.slice(begin, end - begin))
        alerts.append(step.alerts)
        incidents.add(step.incidents)
        if reload:
            with tempfile.TemporaryDirectory() as folder:
                save_state(stream, one.bundle, Path(folder) / "state")
                stream = Stream(one.bundle, limit)
                load_state(stream, one.bundle, Path(folder) / "state")
    end_of_all = stream.close()
    alerts.append(end_of_all.alerts)
    incidents.add(end_of_all.incidents)
    return in_order_of_severity(alerts).to_pylist(), stream.figures(), incidents.table().to_pylist()


def assert_kept(one: Case, cuts: list[int], reload: bool) -> None:
    """That the stream reports what `detect` does."""
    alerts, figures, incidents = streamed(one, cuts, reload)
    assert [plain(alert) for alert in alerts] == [plain(alert) for alert in one.alerts]
    assert list(map(told, incidents)) == list(map(told, one.incidents))
    for name in ("records", "sessions", "unknown_templates", "silenced", "drift"):
        assert figures[name] == one.figures[name], name


def plain(alert: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in alert.items() if name != "source"}


def told(incident: dict[str, Any]) -> dict[str, Any]:
    return incident | {"evidence": plain(incident["evidence"]) if incident["evidence"] else None}


LONG = (
    "Android",
    "BGL",
    "Hadoop",
    "Linux",
    "Mac",
    "OpenSSH",
    "Proxifier",
    "Windows",
    "Zookeeper",
)  # systems that take longest


@pytest.fixture(
    scope="module", params=[pytest.param(name, marks=pytest.mark.slow) if name in LONG else name for name in SYSTEMS]
)
def system(request: pytest.FixtureRequest, data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Case:
    """The first thousand lines of a system train, all are judged; a few lines are mixed up."""
    lines = lines_of(data_dir / "loghub_2k" / request.param / f"{request.param}_2k.log")
    mixed = lines[1000:]
    rng = random.Random(request.param)
    for _ in range(60):
        here = rng.randrange(len(mixed) - 20)
        mixed.insert(here, mixed.pop(here + rng.randrange(20)))
    return case(tmp_path_factory.mktemp("system"), lines[:1000], mixed)


@pytest.fixture(
    scope="module",
    params=["shuffled", *(pytest.param(name, marks=pytest.mark.slow) for name in ("in order", "short idle time"))],
)
def hdfs(request: pytest.FixtureRequest, data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Case:
    """Blocks of a real cluster, as they are and in random order."""
    lines = lines_of(data_dir / "hdfs" / "HDFS_2pct.log.xz")
    test = lines[30_000:33_000]
    if request.param == "shuffled":
        random.Random(0).shuffle(test)
    overrides = ["sessions.idle_seconds=20"] if request.param == "short idle time" else []
    return case(tmp_path_factory.mktemp("hdfs"), lines[:8_000], test, *overrides)


MORE = [pytest.param(one, marks=pytest.mark.slow) for one in ("short idle time", "windows of time")]


@pytest.fixture(scope="module", params=["keys", "overlapping windows", *MORE])
def shop(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Case:
    """Three services whose lines are interleaved in one file."""
    home = tmp_path_factory.mktemp("shop")
    overrides = {
        "keys": [],
        "short idle time": ["sessions.idle_seconds=1"],
        "overlapping windows": ["sessions.by=count", "sessions.size=20", "sessions.step=5", "split.valid=0"],
        "windows of time": ["sessions.by=time", "sessions.seconds=20", "sessions.step_seconds=10", "split.valid=0"],
    }[request.param]
    found = []
    for name, faults, start in (("train", "none", "2026-03-02"), ("test", "all", "2026-03-09")):
        simulate(home / name, days=0.04, faults=faults, seed=5, start=start)
        found.append(sorted(line for log in (home / name).glob("*.log") for line in lines_of(log)))
    return case(home, *found, *overrides)


@pytest.fixture(scope="module")
def turned_back(tmp_path_factory: pytest.TempPathFactory) -> Case:
    """Sessions of four events, at the end of summer time; one of the new ones is out of order."""
    steps = ["order received", "stock was reserved", "card charged", "parcel handed over"]

    def lines(day: datetime, wrong: int | None) -> list[str]:
        planned = [(3 * n + 7 * k, f"request=a{n:015x} {steps[k]}") for n in range(400) for k in range(4)]
        if wrong is not None:
            planned[4 * wrong + 1], planned[4 * wrong + 2] = (
                (planned[4 * wrong + 1][0], planned[4 * wrong + 2][1]),
                (planned[4 * wrong + 2][0], planned[4 * wrong + 1][1]),
            )
        back = timedelta(hours=1)
        times = [(day + timedelta(seconds=at) - back * (at >= 600), text) for at, text in sorted(planned)]
        return [f"{when:%Y-%m-%d %H:%M:%S},000 INFO shop.orders {text}" for when, text in times]

    start = datetime(2026, 10, 25, 2, 50)
    home = tmp_path_factory.mktemp("turned_back")
    return case(home, lines(start, None), lines(start + timedelta(days=7), 120))


@settings(max_examples=4, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(CUTS, st.booleans())
def test_of_a_clock_that_goes_back(turned_back: Case, cuts: list[int], reload: bool) -> None:
    assert [alert["session_id"] for alert in turned_back.alerts] == [f"a{120:015x}"]
    assert_kept(turned_back, cuts, reload)


@settings(max_examples=4, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(CUTS, st.booleans())
def test_of_a_system(system: Case, cuts: list[int], reload: bool) -> None:
    assert_kept(system, cuts, reload)


@settings(max_examples=4, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(CUTS, st.booleans())
def test_of_hdfs(hdfs: Case, cuts: list[int], reload: bool) -> None:
    assert hdfs.alerts
    assert_kept(hdfs, cuts, reload)


@settings(max_examples=5, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(CUTS, st.booleans())
def test_of_the_shop(shop: Case, cuts: list[int], reload: bool) -> None:
    assert shop.alerts
    assert_kept(shop, cuts, reload)


def test_line_by_line(shop: Case) -> None:
    few = Case(shop.bundle, shop.path, shop.input, shop.records.slice(0, 150), [], {}, [])
    whole = streamed(few, [], False)
    assert streamed(few, list(range(150)), False) == whole


@pytest.fixture
def on_disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As if a few records were too many for memory."""
    for name, value in (("IN_MEMORY", 50), ("PARTITION", 900), ("STRETCH", 100), ("GROUP", 20)):
        monkeypatch.setattr(grouping, name, value)
    yield


def assert_equal_on_disk(one: Case) -> None:
    found = detect(one.path, str(one.input))
    assert [plain(alert) for alert in found.alerts.to_pylist()] == [plain(alert) for alert in one.alerts]
    assert found.figures == one.figures
    assert list(map(told, found.incidents.to_pylist())) == list(map(told, one.incidents))


@pytest.mark.usefixtures("on_disk")
def test_hdfs_on_disk(hdfs: Case) -> None:
    assert_equal_on_disk(hdfs)


@pytest.mark.usefixtures("on_disk")
def test_a_clock_that_goes_back_on_disk(turned_back: Case) -> None:
    assert_equal_on_disk(turned_back)


def test_the_end_of_summer_time(cases_dir: Path, tmp_path: Path) -> None:
    folder = cases_dir / "11-dst-fall-back"
    assert case(tmp_path, lines_of(folder / "train.log.xz"), lines_of(folder / "new.log.xz")).alerts == []


@pytest.mark.usefixtures("on_disk")
def test_the_shop_on_disk(shop: Case) -> None:
    assert_equal_on_disk(shop)


@pytest.mark.usefixtures("on_disk")
def test_a_system_on_disk(system: Case) -> None:
    assert_equal_on_disk(system)


def test_there_is_data_for_it() -> None:
    assert find_data() is None or all((find_data() / "loghub_2k" / name).is_dir() for name in SYSTEMS)
