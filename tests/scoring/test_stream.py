"""A stream: alerts before a session ends, states that are saved, scores that are looked up."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from logradar.alerting.incidents import IncidentList
from logradar.core.errors import ConfigError, StateError
from logradar.core.tables import LOG_RECORDS
from logradar.model.bundle import Bundle, input_settings
from logradar.model.settings import run_settings
from logradar.pipeline.detect import filled_sessions
from logradar.pipeline.train import train
from logradar.scoring.early_alerts import EarlyAlerts
from logradar.scoring.score_cache import SMALL, ScoreCache
from logradar.scoring.state import FORMAT, load_state, save_state
from logradar.scoring.stream import Stream
from logradar.scoring.thresholds import plan_threshold
from logradar.simulation.day_files import simulate_days
from logradar.simulation.settings import DaySettings
from logradar.storage.records import reading

STEPS = ("accepted", "read the basket", "asked the bank", "answered")


def session(number: int, steps: tuple[str, ...] = STEPS) -> list[str]:
    """Lines of one request, a second apart; requests follow each other every ten seconds."""
    minute, second = divmod(10 * number, 60)
    hour, minute = divmod(minute, 60)
    return [
        f"2026-03-02 {hour:02}:{minute:02}:{second + i:02} INFO shop - request={number:06} {step}"
        for i, step in enumerate(steps)
    ]


def write(path: Path, lines: list[str]) -> Path:
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("stream")
    write(folder / "train.log", [line for number in range(400) for line in session(number)])
    settings = ["input.session_key=request=([0-9]+)", "sessions.idle_seconds=8"]
    train(str(folder / "train.log"), folder / "bundle", run_settings(None, settings))
    return folder


def records_of(bundle: Bundle, path: Path) -> pa.Table:
    with reading(str(path), input_settings(bundle)) as corpus:
        return pa.concat_tables(list(corpus.scan(LOG_RECORDS.names))).unify_dictionaries()


def test_an_unfinished_session_raises_an_alert_that_is_completed_under_the_same_id(home: Path, tmp_path: Path) -> None:
    bundle = Bundle.load(home / "bundle")
    steps = ("accepted", "the bank does not answer", "asked the bank", "answered")
    records = records_of(bundle, write(tmp_path / "new.log", session(500, steps) + session(501)))
    stream = Stream(bundle, plan_threshold(bundle))
    found = [stream.step(records.slice(row, 1)) for row in range(len(records))]
    early = [row for step in found for row in step.early.to_pylist()]
    final = [row for step in (*found, stream.close()) for row in step.alerts.to_pylist()]
    assert len(early) == len(final) == 1
    assert early[0]["alert_id"] == final[0]["alert_id"]
    assert len(found[1].early) == 1, "raised as soon as the line is there"
    assert len(early[0]["record_ids"]) == 2 and len(final[0]["record_ids"]) == 4
    assert early[0]["evidence"][0]["body"] == "request=000500 the bank does not answer"
    assert early[0]["score"] <= final[0]["score"]


def test_normal_sessions_raise_nothing(home: Path, tmp_path: Path) -> None:
    bundle = Bundle.load(home / "bundle")
    records = records_of(bundle, write(tmp_path / "new.log", [line for n in range(500, 530) for line in session(n)]))
    stream = Stream(bundle, plan_threshold(bundle))
    steps = [stream.step(records.slice(row, 3)) for row in range(0, len(records), 3)]
    assert sum(len(step.alerts) + len(step.early) for step in (*steps, stream.close())) == 0
    assert stream.figures() | {"drift": None} == {
        "records": 120, "sessions": 30, "unknown_templates": 0, "silenced": 0, "drift": None,
    }  # fmt: skip


def test_a_state_belongs_to_its_bundle_and_version(home: Path, tmp_path: Path) -> None:
    bundle = Bundle.load(home / "bundle")
    stream = Stream(bundle, plan_threshold(bundle))
    stream.step(records_of(bundle, write(tmp_path / "new.log", session(500))))
    state = tmp_path / "state"
    save_state(stream, bundle, state)
    load_state(Stream(bundle, plan_threshold(bundle)), bundle, state)
    write(tmp_path / "other.log", [line for number in range(100) for line in session(number, STEPS[:3])])
    train(str(tmp_path / "other.log"), tmp_path / "other", run_settings())
    other = Bundle.load(tmp_path / "other")
    with pytest.raises(StateError, match="belongs to another bundle"):
        load_state(Stream(other, plan_threshold(other)), other, state)
    with pytest.raises(StateError, match="holds no state"):
        save_state(stream, bundle, home / "bundle")
    (state / "open_events.parquet").write_bytes(b"damaged")
    with pytest.raises(StateError, match="is damaged"):
        load_state(Stream(bundle, plan_threshold(bundle)), bundle, state)


def test_a_bundle_of_day_files_reads_no_records(tmp_path: Path) -> None:
    simulate_days(tmp_path / "days", settings=DaySettings(days=2, lines_per_day=4_000, faults=(), tokens=8))
    train(str(tmp_path / "days"), tmp_path / "bundle", run_settings())
    bundle = Bundle.load(tmp_path / "bundle")
    with pytest.raises(ConfigError, match="day files"):
        Stream(bundle, plan_threshold(bundle))


def test_scores_that_are_looked_up_are_those_that_are_computed(home: Path, tmp_path: Path) -> None:
    bundle = Bundle.load(home / "bundle")
    odd = [line for n in range(40) for line in session(500 + n, tuple(np.roll(STEPS, n % 4)))]
    with reading(str(write(tmp_path / "new.log", odd)), input_settings(bundle)) as corpus:
        (sessions,) = filled_sessions(corpus, bundle, tmp_path).tables()
    calls: list[int] = []

    def score(table: pa.Table) -> pa.Table:
        calls.append(len(table))
        return bundle.main.score(table)

    cache = ScoreCache(bundle.main, score)
    whole = bundle.main.score(sessions)
    for _ in range(2):
        assert cache.score(sessions).to_pylist() == whole.to_pylist()
        assert cache.score(sessions.slice(7, 3)).to_pylist() == whole.slice(7, 3).to_pylist()
    assert calls == [4], "each sequence once"
    assert len(cache.score(pa.concat_tables([sessions] * 10))) == 400 > SMALL
    assert calls == [4, 400]


def test_the_state_is_a_set_of_tables_with_a_version(home: Path, tmp_path: Path) -> None:
    bundle = Bundle.load(home / "bundle")
    stream = Stream(bundle, plan_threshold(bundle))
    stream.step(records_of(bundle, write(tmp_path / "new.log", session(500))))
    save_state(stream, bundle, tmp_path / "state")
    about = json.loads((tmp_path / "state" / "state.json").read_text())
    assert about["state"] == FORMAT and about["bundle"] == bundle.identity
    assert {path.stem for path in (tmp_path / "state").glob("*.parquet")} == set(stream.tables())


def test_open_sessions_hold_no_more_records_than_they_may(home: Path, tmp_path: Path) -> None:
    """Those idle longest are over early; nothing is lost, and the limit is kept whatever arrives."""
    bundle = Bundle.load(home / "bundle")
    together = [
        line
        for step in range(len(STEPS))
        for number in range(300)
        for line in [session(0)[step].replace("000000", f"{number:06}")]
    ]
    records = records_of(bundle, write(tmp_path / "new.log", together))
    stream = Stream(bundle, plan_threshold(bundle), most_open=100)
    for row in range(0, len(records), 30):
        stream.step(records.slice(row, 30))
        assert stream._sessionizer.held <= 100
    assert stream.shortened > 1000
    stream.close()
    assert stream.records == len(records)
    assert stream.sessions >= stream.shortened + 1
    whole = Stream(bundle, plan_threshold(bundle))
    whole.step(records)
    whole.close()
    assert (whole.shortened, whole.sessions) == (0, 300)


def test_an_early_alert_whose_session_begins_earlier_than_known_is_withdrawn(home: Path, tmp_path: Path) -> None:
    """A line that comes late is the first one of its session, so the alert has another id than it was raised under."""
    bundle = Bundle.load(home / "bundle")
    steps = ("accepted", "the bank does not answer", "asked the bank", "answered")
    lines = session(500, steps)
    records = records_of(bundle, write(tmp_path / "late.log", [lines[1], lines[2], lines[0], lines[3], *session(501)]))
    whole = records_of(bundle, write(tmp_path / "whole.log", lines + session(501)))
    expected = Stream(bundle, plan_threshold(bundle))
    found = [expected.step(whole), expected.close()]
    (right,) = {id_ for step in found for id_ in step.alerts["alert_id"].to_pylist()}
    stream = Stream(bundle, plan_threshold(bundle))
    state = tmp_path / "state"
    withdrawn, incidents, seen = {}, IncidentList(), []
    for row in range(len(records)):
        step = stream.step(records.slice(row, 1))
        seen += step.early["alert_id"].to_pylist() + step.alerts["alert_id"].to_pylist()
        withdrawn |= step.withdrawn
        incidents.add(step.incidents)
        save_state(stream, bundle, state)
        stream = Stream(bundle, plan_threshold(bundle))
        load_state(stream, bundle, state)
    end = stream.close()
    incidents.add(end.incidents)
    seen += end.alerts["alert_id"].to_pylist()
    assert set(seen) - {right} == withdrawn.keys() and len(withdrawn) >= 1
    assert set(withdrawn.values()) <= {*withdrawn, right}
    (incident,) = incidents.table().to_pylist()
    assert incident["alert_ids"] == [right]


def test_an_early_alert_of_a_session_that_turns_out_ordinary_is_withdrawn() -> None:
    """Whatever the reason: what ends without an alert leaves none behind."""
    raised = EarlyAlerts()
    alerts = pa.table({"session_id": ["a", "b", "c"], "alert_id": ["1", "2", "3"]})
    fresh, moved = raised.fresh(alerts)
    assert (fresh["alert_id"].to_pylist(), moved) == (["1", "2", "3"], {})
    fresh, moved = raised.fresh(pa.table({"session_id": ["a", "b"], "alert_id": ["1", "9"]}))
    assert (fresh["alert_id"].to_pylist(), moved) == (["9"], {"2": "9"})
    raised = EarlyAlerts.of(raised.table())
    over = pa.table({"session_id": ["a", "b", "c", "d"]})
    assert raised.over(over, pa.table({"session_id": ["a", "b"], "alert_id": ["1", "8"]})) == {"9": "8", "3": None}
    assert raised.over(over, alerts) == {}
