"""Values all the way: from lines through sessions to alerts, in memory and on disk, alone and in an ensemble."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from logradar.core.errors import DataError
from logradar.core.sequences import Sequences
from logradar.core.session_set import SessionTable
from logradar.core.session_view import INPUTS, SessionView
from logradar.model.settings import run_settings
from logradar.parsing.sessions import SessionSettings
from logradar.parsing.templates import TemplateMiner
from logradar.pipeline.detect import detect
from logradar.pipeline.evaluate import evaluate
from logradar.pipeline.train import train
from logradar.simulation.day_files import simulate_days
from logradar.simulation.settings import DaySettings
from logradar.simulation.simulate import simulate
from logradar.storage import grouping as on_disk
from logradar.storage import parameters as values_on_disk
from logradar.storage.filling import fill, learn_templates
from logradar.storage.grouping import group
from logradar.storage.records import reading

LINES = 150_000
pytestmark = [pytest.mark.xdist_group("values"), pytest.mark.slow]  # two simulated days, and a training


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fault-free day, a day with both faults, and a bundle."""
    folder = tmp_path_factory.mktemp("values")
    simulate(folder / "normal", lines_per_day=LINES, faults="none", seed=31)
    simulate(
        folder / "faulty",
        lines_per_day=LINES,
        faults="wrong_value,wrong_delay",
        seed=32,
        start="2026-03-03",
        episodes_per_day=8,
    )
    given = {"seed": 3, "detector": "values", "beside": ("count_vector", "ngram")}
    train(str(folder / "normal"), folder / "bundle", run_settings(given=given))
    return folder


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if a few records were very many."""
    monkeypatch.setattr(on_disk, "IN_MEMORY", 100)
    monkeypatch.setattr(on_disk, "PARTITION", 30_000)
    monkeypatch.setattr(on_disk, "STRETCH", 3_000)
    monkeypatch.setattr(on_disk, "GROUP", 500)
    monkeypatch.setattr(values_on_disk, "STRETCH", 9_000)


def test_wrong_values_and_delays_are_found_by_values_and_hardly_by_anything_else(home: Path) -> None:
    document = evaluate(home / "bundle", str(home / "faulty")).document
    assert set(document["faults"]) == {"wrong_value", "wrong_delay"}
    for kind, found in document["faults"].items():
        assert found["sessions"] >= 20
        assert found["recall"]["values"] >= 0.98, kind
    delays = document["faults"]["wrong_delay"]["recall"]
    assert delays["count_vector"] <= 0.05
    assert delays["ngram"] <= 0.05
    # A carrier that never came is another message, as few carriers are constants; other wrong values are numbers.
    assert document["faults"]["wrong_value"]["recall"]["count_vector"] <= 0.3
    assert document["detectors"]["values"]["fpr"] <= 0.012


def test_alerts_say_which_value_and_what_is_usual(home: Path) -> None:
    told = detect(home / "bundle", str(home / "faulty"))
    reasons = [alert["evidence"][0]["reason"] for alert in told.alerts.to_pylist()]
    assert sum("value is" in reason and "; usually" in reason for reason in reasons) > 20
    assert sum(reason.startswith("came ") and "usually below" in reason for reason in reasons) > 20
    carriers = [alert for alert in told.alerts.to_pylist() if "carrier unknown" in str(alert["evidence"])]
    assert carriers
    assert all(alert["evidence"][0]["body"] for alert in told.alerts.to_pylist())


def test_on_disk_it_is_the_same(home: Path, small: None, tmp_path: Path) -> None:
    kept = detect(home / "bundle", str(home / "faulty"))
    given = {"seed": 3, "detector": "values", "beside": ()}
    trained = train(str(home / "normal"), tmp_path / "bundle", run_settings(given=given))
    found = detect(tmp_path / "bundle", str(home / "faulty"), threshold=kept.figures["threshold"])
    assert trained.fitted.thresholds["values"].value == pytest.approx(kept.figures["threshold"], rel=0.05)
    one, other = (set(told.alerts["session_id"].to_pylist()) for told in (kept, found))
    assert len(one & other) >= 0.98 * len(one | other)


@pytest.mark.parametrize("memory", [True, False])
def test_parameters_stand_beside_their_events(
    home: Path, small: None, tmp_path: Path, memory: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if memory:
        monkeypatch.setattr(on_disk, "IN_MEMORY", 10**9)
    with reading(str(home / "faulty"), run_settings().input) as corpus:
        miner = TemplateMiner()
        grouped = group(corpus, SessionSettings(), tmp_path)
        learn_templates(corpus, miner, [grouped], tmp_path)
        table = pa.concat_tables(
            fill(corpus, miner, grouped, tmp_path, frozenset({"template_ids", "parameters"})).tables()
        )
        assert len(table) == len(grouped)
        bodies = pa.concat_arrays([part["body"].combine_chunks() for part in corpus.scan(["body"])])
    sessions = SessionView.whole(SessionTable(table), INPUTS - {"texts"})
    records = Sequences.from_arrow(table["record_ids"]).values
    assert sessions.parameters is not None and len(sessions.parameters) == len(records)
    texts = dict(zip(*(miner.templates()[name].to_pylist() for name in ("template_id", "template")), strict=True))
    for place in range(0, len(records), 97):
        body, values = bodies[int(records[place])].as_py(), sessions.parameters[place].as_py()
        template = texts[int(sessions.sequences.values[place])]
        assert len(values) == template.count("<")
        for value in values:
            template = template.replace(template[template.index("<") : template.index(">") + 1], value, 1)
        assert template == " ".join(body.splitlines()[0].split())


def test_an_ensemble_takes_them_in_too(home: Path, tmp_path: Path) -> None:
    given = {"beside": (), "detectors": {"ensemble": {"members": ["count_vector", "ngram", "values"]}}}
    train(str(home / "normal"), tmp_path / "bundle", run_settings(given=given))
    document = evaluate(tmp_path / "bundle", str(home / "faulty")).document
    assert all(found["recall"]["ensemble"] >= 0.98 for found in document["faults"].values())
    told = detect(tmp_path / "bundle", str(home / "faulty")).alerts.to_pylist()
    assert any(one["reason"].startswith("values: ") for one in told[0]["evidence"])


def test_nobody_who_does_not_ask_gets_them(home: Path, tmp_path: Path) -> None:
    assert "parameters" not in run_settings().inputs
    assert "parameters" in run_settings(given={"beside": ("values",)}).inputs
    with reading(str(home / "faulty"), run_settings().input) as corpus:
        grouped = group(corpus, SessionSettings(), tmp_path)
    assert next(grouped.tables())["parameters"].null_count == len(next(grouped.tables()))


def test_day_files_have_no_values_but_their_lines_do(tmp_path: Path) -> None:
    simulate_days(tmp_path / "days", settings=DaySettings(days=2, lines_per_day=4_000, faults=(), tokens=8))
    given = {"detector": "values", "beside": ()}
    with pytest.raises(DataError, match="events=mined"):
        train(str(tmp_path / "days"), tmp_path / "bundle", run_settings(given=given))
    trained = train(str(tmp_path / "days"), tmp_path / "bundle", run_settings(given={**given, "events": "mined"}))
    assert len(trained.fitted.main._known.numbers.keys) > 10
