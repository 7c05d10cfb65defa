"""What is grouped on disk is what is grouped in memory."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from logradar.core.shards import Shards
from logradar.core.tables import SESSIONS
from logradar.evaluation import audit
from logradar.model.settings import RunSettings, run_settings
from logradar.parsing.sessions import SessionSettings
from logradar.parsing.templates import TemplateMiner
from logradar.pipeline.detect import detect
from logradar.pipeline.evaluate import evaluate
from logradar.pipeline.prepare import prepare
from logradar.pipeline.train import train
from logradar.pipeline.training_data import sessions as material
from logradar.simulation.simulate import simulate
from logradar.storage import grouping
from logradar.storage.filling import fill, learn_templates
from logradar.storage.grouping import group
from logradar.storage.records import Corpus, reading


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    simulate(tmp_path / "shop", days=0.1, faults="all", seed=3)
    return tmp_path / "shop"


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if a few records were very many."""
    monkeypatch.setattr(grouping, "IN_MEMORY", 100)
    monkeypatch.setattr(grouping, "PARTITION", 3_000)
    monkeypatch.setattr(grouping, "STRETCH", 700)
    monkeypatch.setattr(grouping, "GROUP", 50)


def both(
    corpus: Corpus, settings: SessionSettings, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[pa.Table, pa.Table]:
    """SESSIONS with templates, in order of time: grouped in memory, and on disk."""
    found = []
    for name, most in (("memory", 10**9), ("disk", 100)):
        monkeypatch.setattr(grouping, "IN_MEMORY", most)
        (home := folder / name).mkdir()
        grouped = group(corpus, settings, home)
        assert isinstance(grouped, Shards) == (name == "disk")
        miner = TemplateMiner()
        learn_templates(corpus, miner, [grouped], home)
        tables = list(fill(corpus, miner, grouped, home).tables())
        found.append(pa.concat_tables(tables).unify_dictionaries())
    return found[0], found[1]


def equal(one: pa.Table, other: pa.Table) -> bool:
    """Whether two SESSIONS tables hold the same, whatever their dictionaries."""
    plain = pa.schema([f.with_type(pa.string()) if f.name == "service" else f for f in SESSIONS])
    return bool(one.cast(plain).combine_chunks().equals(other.cast(plain).combine_chunks()))


@pytest.mark.usefixtures("small")
def test_keys(shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with reading(str(shop), RunSettings().input) as corpus:
        ours, theirs = both(corpus, SessionSettings(), tmp_path, monkeypatch)
    assert len(ours) > 300 and equal(ours, theirs)


@pytest.mark.slow
@pytest.mark.usefixtures("small")
def test_real_keys(data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with reading("hdfs", run_settings(None, [f"input.data_dir={data_dir}"]).input) as corpus:
        ours, theirs = both(corpus, SessionSettings(), tmp_path, monkeypatch)
    assert equal(ours, theirs)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("settings", [SessionSettings(by="count", size=20), SessionSettings(by="time", seconds=30)])
def test_windows_of_one_file_in_order_of_time(
    shop: Path, tmp_path: Path, settings: SessionSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with reading(str(shop / "gateway.log"), RunSettings().input) as corpus:
        ours, theirs = both(corpus, settings, tmp_path, monkeypatch)
    assert len(ours) > 100 and equal(ours, theirs)


@pytest.mark.usefixtures("small")
def test_keys_and_windows_for_the_rest(shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = run_settings(None, ["input.session_key=(POST)"])
    with reading(str(shop / "gateway.log"), settings.input) as corpus:
        ours, theirs = both(corpus, SessionSettings(max_length=50), tmp_path, monkeypatch)
    assert sorted(ours["session_id"].to_pylist()) == sorted(theirs["session_id"].to_pylist())
    assert ours["record_ids"].to_pylist() and equal(ours.sort_by("session_id"), theirs.sort_by("session_id"))


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize(
    "settings",
    [
        SessionSettings(by="count", size=20, step=10),
        SessionSettings(by="time", seconds=30, step_seconds=10),
        SessionSettings(idle_seconds=2),
    ],
)
def test_overlapping_windows_and_idle_time(
    shop: Path, tmp_path: Path, settings: SessionSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with reading(str(shop), RunSettings().input) as corpus:
        ours, theirs = both(corpus, settings, tmp_path, monkeypatch)
    assert len(ours) > 300 and equal(ours, theirs)


def test_everything_comes_out_the_same(
    shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    simulate(tmp_path / "later", days=0.1, faults="all", seed=4, start="2026-03-09")
    ours = train(str(shop), tmp_path / "a", RunSettings())
    alerts = detect(tmp_path / "a", str(tmp_path / "later")).alerts
    prepare(str(shop), tmp_path / "pa", RunSettings())
    request.getfixturevalue("small")
    theirs = train(str(shop), tmp_path / "b", RunSettings())
    assert isinstance(ours.fitted.seen.sessions, np.ndarray)
    assert sorted(ours.fitted.seen.sessions.tolist()) == theirs.fitted.seen.sessions.tolist()
    assert theirs.figures["split"] == ours.figures["split"]
    for name, scores in ours.fitted.validation.items():
        assert np.array_equal(scores, theirs.fitted.validation[name]), name
    assert theirs.figures["thresholds"] == ours.figures["thresholds"]
    again = detect(tmp_path / "b", str(tmp_path / "later")).alerts
    known = {row["alert_id"]: row for row in alerts.drop_columns("raised_at").to_pylist()}
    assert {row["alert_id"]: row for row in again.drop_columns("raised_at").to_pylist()} == known
    prepare(str(shop), tmp_path / "pb", RunSettings())
    assert not list((tmp_path / "pb").glob("tmp*"))


def test_validation_is_thinned(shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grouping, "IN_MEMORY", 100)
    monkeypatch.setattr(material, "MOST_VALID", 50)
    trained = train(str(shop), tmp_path / "b", RunSettings())
    assert all(len(scores) <= 50 for scores in trained.fitted.validation.values())
    assert trained.figures["split"]["valid"] > 50


@pytest.mark.usefixtures("small")
def test_what_was_trained_on_is_left_out_even_if_its_list_was_too_long_to_keep(
    shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = run_settings(None, ["detector=count_vector", "split.test=0.4", f"input.labels={shop / 'labels.csv'}"])
    found = []
    for most in (audit.MOST_SEEN, 10):
        monkeypatch.setattr(audit, "MOST_SEEN", most)
        train(str(shop), tmp_path / f"b{most}", settings)
        found.append(evaluate(tmp_path / f"b{most}", str(shop)).document)
    whole, cut = found
    assert cut["split"]["known_until"] <= cut["split"]["test_from"]
    assert whole["title"] == cut["title"]
    assert whole["audit"]["sessions"]["test"] == cut["audit"]["sessions"]["test"] == whole["split"]["test"]
    assert whole["f1"] == cut["f1"]
    assert cut["unseen_only"]["sessions"] <= whole["unseen_only"]["sessions"]
    assert cut["audit"]["seen_sequences"]["all"]["of"] < whole["audit"]["seen_sequences"]["all"]["of"]
