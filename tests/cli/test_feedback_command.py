"""Feedback as a user gives it: by id, from any alerts file, undone, and with clear sentences."""

from __future__ import annotations

import json

import pytest
from tests.cli.shop import write_labels, write_log


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    home = tmp_path_factory.mktemp("feedback")
    write_log(home / "app.log", 300, seed=1)
    write_log(home / "new.log", 100, seed=2, broken=(40, 70), day=2)
    write_log(home / "newer.log", 100, seed=3, broken=(7, 50, 90), day=3)
    text = (home / "newer.log").read_text().splitlines()
    at = next(i for i, line in enumerate(text) if "quota" in line)
    text[at] = text[at].replace("disk quota exceeded on volume", "controller lost volume")
    (home / "newer.log").write_text("\n".join(text) + "\n")
    write_labels(home / "new.log", home / "labels.csv")
    return home


@pytest.fixture
def bundle(folder, logradar):
    if not (folder / "b").exists():
        assert logradar("train", folder / "app.log", "-o", folder / "b", "-q").code == 0
    for entry in logradar("feedback", folder / "b", "--json").json["accepted"]:
        assert logradar("feedback", folder / "b", "--undo", entry["id"]).code == 0
    return folder / "b"


@pytest.mark.parametrize("kind", ["json", "csv", "parquet"])
def test_the_same_finding_stays_silent_and_another_one_does_not(bundle, folder, logradar, kind):
    alerts = folder / f"alerts.{kind}"
    found = logradar("detect", bundle, folder / "new.log", "-o", alerts, "--json").json["alerts"]
    done = logradar("feedback", bundle, alerts, "--false-alarm", found[0]["alert_id"])
    assert done.code == 0, done.err
    assert "quota" in done.out
    assert "accepts 1 alert as harmless" in done.out
    again = logradar("detect", bundle, folder / "new.log", "-o", alerts)
    assert "2 sessions suppressed by feedback" in again.out
    assert "0 alerts in 100 sessions" in again.out
    later = logradar("detect", bundle, folder / "newer.log", "--json").json
    assert later["silenced"] == 2
    assert len(later["alerts"]) == 1
    assert any("controller lost" in item["body"] for item in later["alerts"][0]["evidence"])
    measured = logradar("evaluate", bundle, folder / "new.log", "--labels", folder / "labels.csv")
    assert "With feedback (1 given, 2 sessions suppressed, 2 of them anomalous)" in measured.out


def test_sentences_for_what_cannot_be_done(bundle, folder, logradar, tmp_path):
    alerts = folder / "a.json"
    found = logradar("detect", bundle, folder / "new.log", "-o", alerts, "--json").json["alerts"]
    first = found[0]["alert_id"]
    for words, said in (
        ((alerts, "--false-alarm", first[:-1] + "x"), f"did you mean '{first}'?"),
        ((alerts, "--false-alarm", "zzz"), "has no alert 'zzz'; it has 2 alerts with other ids"),
        ((alerts,), "Say which alerts are false alarms"),
        (("--false-alarm", first), "Name the file of alerts"),
        (("--undo", first), f"No feedback was given on '{first}'"),
        ((folder / "nothing.json", "--false-alarm", first), "There is no file"),
        ((folder / "app.log", "--false-alarm", first), "is not a file of alerts"),
        (("--list", "--undo", first), "--list only prints"),
    ):
        done = logradar("feedback", bundle, *words)
        assert done.code == 2
        assert said in done.err, done.err
        assert "Traceback" not in done.err
    document = json.loads(alerts.read_text())
    for broken, said in (
        ({"bundle": "0"}, "alerts of another bundle"),
        ({"added": {"3": 10**9}}, "signature of alert"),
        ({"added": ["x"]}, "signature of alert"),
        ({"sequence": None}, "signature of alert"),
    ):
        document["alerts"][0]["signature"] |= broken
        (tmp_path / "x.json").write_text(json.dumps(document))
        done = logradar("feedback", bundle, tmp_path / "x.json", "--false-alarm", first)
        assert (done.code, said in done.err) == (2, True), done.err
    document["alerts"][0]["signature"] = None
    (tmp_path / "x.json").write_text(json.dumps(document))
    assert "has no signature" in logradar("feedback", bundle, tmp_path / "x.json", "--false-alarm", first).err


def test_thresholds_are_asked_for_in_one_way(bundle, folder, logradar):
    done = logradar("detect", bundle, folder / "new.log", "--threshold", 1, "--target-precision", 0.9)
    assert (done.code, "in one way" in done.err) == (2, True)
    done = logradar("detect", bundle, folder / "new.log", "--target-precision", 0.9)
    assert (done.code, "labelled anomalous" in done.err) == (2, True)
    done = logradar("detect", bundle, folder / "new.log", "--target-precision", 1.5)
    assert (done.code, "Traceback" in done.err) == (2, False)
    done = logradar("train", folder / "app.log", "-o", folder / "p", "-q", "threshold.precision=0.9")
    assert (done.code, "threshold.precision needs" in done.err) == (2, True)


def test_learning_goes_on(bundle, folder, logradar, tmp_path):
    write_log(tmp_path / "more.log", 120, seed=4, broken=tuple(range(0, 120, 3)), day=4)
    on = tmp_path / "on"
    done = logradar("train", tmp_path / "more.log", "--from", bundle, "-o", on, "--json", "-q")
    assert done.code == 0, done.err
    assert done.json["from"]["input"] == "app.log"
    assert logradar("detect", on, folder / "new.log", "--json").json["alerts"] == []  # was new, is normal now
    assert logradar("detect", on, folder / "app.log", "--json").json["alerts"] == []
    for words, said in (
        (("--resume",), "give one"),
        (("--detector", "length"), "keeps 'detector' as it is"),
        (("sessions.min_length=2",), "keeps 'sessions' as it is"),
    ):
        done = logradar("train", tmp_path / "more.log", "--from", bundle, "-o", tmp_path / "x", *words)
        assert (done.code, said in done.err) == (2, True), done.err
