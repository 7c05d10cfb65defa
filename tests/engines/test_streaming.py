"""Streaming on Spark: what lands as segments has the ids of what one machine finds in the file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from tests.engines.landing import land, write_log

from logradar.alerting.incidents import IncidentList
from logradar.core.errors import ConfigError, InputError, StateError
from logradar.engines.spark.detection import detection_on
from logradar.engines.spark.messages import ALERTED, CLOSED, READ, Message, document, unpacked
from logradar.model.bundle import Bundle
from logradar.model.settings import run_settings
from logradar.pipeline.detect import Follow, detect, detect_into
from logradar.pipeline.detection.detected import Detected
from logradar.pipeline.train import train
from logradar.scoring.thresholds import plan_threshold
from logradar.simulation.simulate import simulate

pytestmark = pytest.mark.xdist_group("spark")
FIGURES = ("records", "sessions", "unknown_templates", "silenced", "drift")


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Detected]:
    """A bundle, the lines of three services in one file, and what one machine finds in them."""
    home = tmp_path_factory.mktemp("shop")
    for name, days, faults in (("train", 0.1, "none"), ("test", 0.06, "all")):
        simulate(home / name, days=days, faults=faults, seed=5, start="2026-03-02" if name == "train" else "2026-03-09")
        lines = sorted(line for log in (home / name).glob("*.log") for line in log.read_text().splitlines())
        (home / f"{name}.log").write_text("\n".join(lines) + "\n")
    train(str(home / "train.log"), home / "bundle", run_settings(None, ["rates.bucket_seconds=60"]))
    return home / "bundle", home / "test.log", detect(home / "bundle", str(home / "test.log"))


def follow(bundle: Path, landing: Path, state: Path, parts: int = 2) -> Detected:
    engine = detection_on(f"spark?partitions={parts}&once=yes", bundle, Follow(landing))
    return detect_into(None, None, bundle, Follow(landing), state=state, engine=engine)


def ids(found: Detected) -> tuple[list[str], ...]:
    tables = ((found.alerts, "alert_id"), (found.incidents, "incident_id"), (found.rate_changes, "change_id"))
    return tuple(sorted(table[name].to_pylist()) for table, name in tables)


def kept(state: Path) -> tuple[list[str], ...]:
    """The ids of all that a stream wrote."""
    incidents = IncidentList()
    tables: dict[str, list[str]] = {"alerts": [], "rate_changes": []}
    for folder in sorted((state / "results").iterdir()):
        incidents.add(pq.read_table(folder / "incidents.parquet"))
        for name, ids_ in tables.items():
            ids_ += pq.read_table(folder / f"{name}.parquet")[f"{name.split('_')[-1][:-1]}_id"].to_pylist()
    assert len(tables["alerts"]) == len(set(tables["alerts"])), "an alert is there twice"
    changes = sorted(set(tables["rate_changes"]))
    return sorted(tables["alerts"]), sorted(incidents.table()["incident_id"].to_pylist()), changes


def test_the_step_in_two_parts_is_the_step(shop: tuple[Path, Path, Detected], tmp_path: Path) -> None:
    """Without Spark: the reader of the log and the streams of the parts, their states saved after each segment."""
    from logradar.engines.spark.log_reader import LogReader
    from logradar.engines.spark.messages import restored, state_of
    from logradar.engines.spark.part_stream import PartStream
    from logradar.engines.spark.results import Results

    folder, log, found = shop
    segments = write_log(tmp_path / "wal", log.read_text().splitlines(), size=60_000)
    assert len(segments) > 3
    bundle = Bundle.load(folder)
    limit = plan_threshold(bundle)
    states: dict[int, bytes] = {}
    order = [segments[1], segments[0], segments[0], *segments[2:]]  # one too early, one twice
    for number, path in enumerate(order):
        reader = LogReader(bundle, 3)
        if -1 in states:
            reader.restore(*restored(states[-1]))
        messages = list(reader.read([(str(path), path.read_bytes())], "wal") if number else [])
        if not number:  # the first one waits for nothing, so both come together
            messages = list(reader.read([(str(one), one.read_bytes()) for one in order[:2]], "wal"))
        states[-1] = state_of(*reader.state())
        out = [one for one in messages if one.part < 0]
        for part in range(3):
            stream = PartStream(bundle, limit, part)
            if part in states:
                stream.restore(*restored(states[part]))
            out += stream.read([one for one in reversed(messages) if one.part == part])
            states[part] = state_of(*stream.state())
        results = Results(tmp_path / "results", bundle, limit, bundle.settings.incidents)
        assert results.take(number, out) is not None
        assert results.take(number, out) is None  # a micro-batch that is done again
    assert kept(tmp_path) == ids(found)
    figures = results.figures()
    assert {name: figures[name] for name in FIGURES} == {name: found.figures[name] for name in FIGURES}
    assert figures["quarantined"] == 2  # segments that were read before


def test_two_logs_do_not_mix(shop: tuple[Path, Path, Detected], tmp_path: Path) -> None:
    """Both have records of the same numbers and keys; the end of one is not the end of the other."""
    from logradar.engines.spark.log_reader import LogReader
    from logradar.engines.spark.part_stream import PartStream

    folder, log, found = shop
    bundle, lines = Bundle.load(folder), log.read_text().splitlines()
    limit = plan_threshold(bundle)
    alerts = []
    messages: list[Message] = []
    for name, own in (("one", lines), ("two", lines[: len(lines) // 2])):
        segments = [(str(path), path.read_bytes()) for path in write_log(tmp_path / name, own)]
        messages += LogReader(bundle, 2).read(segments, name)
    for unit, part in sorted({(one.unit, one.part) for one in messages if one.part >= 0}):
        out = PartStream(bundle, limit, part, unit).read(
            [one for one in messages if (one.unit, one.part) == (unit, part)]
        )
        alerts += [id_ for one in out if one.kind == ALERTED for id_ in unpacked(one.payload)["alert_id"].to_pylist()]
    whole = found.alerts["alert_id"].to_pylist()
    assert len({one.unit for one in messages}) == 2
    assert set(whole) <= set(alerts) and len(alerts) > len(whole)


def test_segments_that_are_damaged_or_missing_are_counted(shop: tuple[Path, Path, Detected], tmp_path: Path) -> None:
    from logradar.engines.spark.log_reader import LogReader

    folder, log, _ = shop
    segments = write_log(tmp_path / "wal", log.read_text().splitlines(), size=6_000)
    data = [(str(path), path.read_bytes()) for path in segments]
    assert len(data) > 9
    data[2] = (data[2][0], data[2][1][:50] + b"x" + data[2][1][51:])
    del data[4]
    reader = LogReader(Bundle.load(folder), 2)
    (facts,) = [document(one.payload) for one in reader.read([*data, ("notes.wal", b"")]) if one.kind == READ]
    assert facts["reasons"]["damaged bytes of a segment"] == 1
    assert facts["reasons"]["gap before a segment"] == 1
    assert facts["reasons"]["file that is no segment"] == 1
    assert 0 < facts["records"] < len(log.read_text().splitlines())


def test_an_empty_part_and_a_foreign_state(shop: tuple[Path, Path, Detected], tmp_path: Path) -> None:
    from logradar.engines.spark.part_stream import PartStream
    from logradar.engines.spark.results import Results

    bundle = Bundle.load(shop[0])
    limit = plan_threshold(bundle)
    out = list(PartStream(bundle, limit, 0).read([Message(0, 0, 0, CLOSED, b"{}")]))
    assert [one.kind for one in out if one.kind == ALERTED] == [] and len(unpacked(out[-1].payload)) == 1
    Results(tmp_path / "results", bundle, limit, bundle.settings.incidents).take(0, out)
    with pytest.raises(StateError, match="another value of threshold"):
        Results(tmp_path / "results", bundle, plan_threshold(bundle, 1e6), bundle.settings.incidents)


def test_what_a_stream_needs_is_said(shop: tuple[Path, Path, Detected], tmp_path: Path) -> None:
    pytest.importorskip("pyspark")
    with pytest.raises(InputError, match="is no folder"):
        follow(shop[0], tmp_path / "nowhere", tmp_path / "state")
    engine = detection_on("spark", shop[0], Follow(tmp_path))
    with pytest.raises(ConfigError, match="--state"):
        detect_into(None, None, shop[0], Follow(tmp_path), engine=engine)


def test_results_without_their_checkpoint_are_refused(shop: tuple[Path, Path, Detected], tmp_path: Path) -> None:
    """Else the first micro-batches of a new checkpoint would be taken for those that are done."""
    pytest.importorskip("pyspark")
    from logradar.engines.spark.part_stream import PartStream
    from logradar.engines.spark.results import Results
    from logradar.engines.spark.streaming import PARTS

    bundle = Bundle.load(shop[0])
    limit = plan_threshold(bundle)
    results = Results(tmp_path / "state" / "results", bundle, limit, bundle.settings.incidents, PARTS)
    results.take(0, PartStream(bundle, limit, 0).read([]))
    engine = detection_on("spark", shop[0], Follow(tmp_path))
    with pytest.raises(StateError, match="do not belong together"):
        detect_into(None, None, shop[0], Follow(tmp_path), state=tmp_path / "state", engine=engine)
    given = {"input.format": "json"}
    with pytest.raises(ConfigError, match="leave out what says"):
        detect_into(None, None, shop[0], Follow(tmp_path), given=given, state=tmp_path / "new", engine=engine)


@pytest.mark.slow
def test_a_stream_on_spark_goes_on_after_a_stop(spark: Any, shop: tuple[Path, Path, Detected], tmp_path: Path) -> None:
    folder, log, found = shop
    segments = write_log(tmp_path / "wal", log.read_text().splitlines(), size=150_000)
    half = len(segments) // 2
    for some in (segments[:half], segments[half:]):
        land(some, tmp_path / "landing" / "wal")
        last = follow(folder, tmp_path / "landing", tmp_path / "state")
    assert kept(tmp_path / "state") == ids(found)
    assert {name: last.figures[name] for name in FIGURES} == {name: found.figures[name] for name in FIGURES}
