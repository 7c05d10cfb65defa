"""Requests score whole sessions as `logradar detect` does: day files, windows without a key, and long sessions."""

import orjson
import pytest
from tests.serving.conftest import KEY, hdfs_lines

from logradar.core.errors import InputError
from logradar.model.bundle import Bundle
from logradar.model.settings import run_settings
from logradar.pipeline.detect import detect
from logradar.pipeline.train import train
from logradar.serving.scoring_requests import Asked, RequestScorer, RequestScorers
from logradar.sources.radar.generate import write_days


def scores_of(bundle, path):
    """Score, and whether there is an alert, of each session by its name."""
    found = {}

    def keep(table, scored, limit, dated):
        found.update(zip(table["session_id"].to_pylist(), scored["score"].to_pylist(), strict=True))

    alerts = detect(bundle, str(path), on_scores=keep).alerts["session_id"].to_pylist()
    return found, set(alerts)


@pytest.fixture(scope="module")
def days(tmp_path_factory):
    folder = tmp_path_factory.mktemp("days")
    write_days(folder / "days", 4, 150_000)
    train(str(folder / "days"), folder / "bundle", run_settings(None, []))
    return folder


def test_sessions_of_day_files(days):
    path = sorted((days / "days").glob("*.json"))[-1]
    sessions = orjson.loads(path.read_bytes())
    sessions[3]["event_sequence"] = [2**31 - 1, -5, 77, 78]  # ids that training does not have
    path = days / path.name
    path.write_bytes(orjson.dumps(sessions))
    expected, alerts = scores_of(days / "bundle", path)
    scorer = RequestScorer(Bundle.load(days / "bundle"))
    asked = [
        Asked(
            str(one["session_id"]),
            one.get("service_name"),
            one.get("original_logs", []),
            one["event_sequence"],
            one.get("has_error"),
            one.get("has_warn"),
        )
        for one in sessions
    ]
    found = scorer.score([*asked, Asked("empty", None, [], [])])
    names = {key.rpartition("/")[2]: key for key in expected}
    for one in found[:-1]:
        key = names[one["session_id"]]
        assert one["anomaly_score"] == pytest.approx(expected[key], abs=1e-9)
        assert one["is_anomaly"] == (key in alerts)
    assert found[3]["is_anomaly"] and found[3]["evidence"]
    assert found[-1]["anomaly_score"] is None
    with pytest.raises(InputError, match="send event_sequence"):
        scorer.score([Asked("a", None, ["a line"])])


def test_windows_and_parts_count_by_their_worst(world, tmp_path):
    folder, lines, _ = world
    options = ["sessions.by=count", "sessions.size=20"]
    train(str(folder / "train.log"), tmp_path / "windows", run_settings(None, options))
    expected, alerts = scores_of(tmp_path / "windows", folder / "test.log")
    (one,) = RequestScorer(Bundle.load(tmp_path / "windows")).score([Asked("all", None, lines)])
    assert one["parts"] == len(expected) > 50 and one["is_anomaly"] == bool(alerts)
    worst = max((score for key, score in expected.items() if not alerts or key in alerts))
    assert one["anomaly_score"] == pytest.approx(worst, abs=1e-9)


def test_parameters_are_scored_too(tmp_path):
    (tmp_path / "train.log").write_text("\n".join(hdfs_lines(300, 1)) + "\n")
    lines = hdfs_lines(5, 3)
    (tmp_path / "test.log").write_text("\n".join(lines) + "\n")
    options = [f"input.session_key={KEY}", "detector=values"]
    train(str(tmp_path / "train.log"), tmp_path / "bundle", run_settings(None, options))
    expected, _ = scores_of(tmp_path / "bundle", tmp_path / "test.log")
    asked = [Asked(key, None, [line for line in lines if key in line]) for key in expected]
    for one in RequestScorer(Bundle.load(tmp_path / "bundle")).score(asked):
        assert one["anomaly_score"] == pytest.approx(expected[one["session_id"]], abs=1e-9)


def test_few_bundles_are_kept_in_memory(world):
    scorers = RequestScorers()
    assert scorers.of(world[0] / "bundle") is scorers.of(world[0] / "bundle")
