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


@pytest.fixture
def many(tmp_path_factory, logradar):
    """A bundle, and the alerts of a day: of two kinds, one of which begins with a deploy at job 60."""
    home = tmp_path_factory.mktemp("many")
    write_log(home / "app.log", 300, seed=1)
    write_log(home / "new.log", 100, seed=2, broken=(10, 30, 70, 80), day=2)
    text = (home / "new.log").read_text().splitlines()
    changed = 0
    for place, line in enumerate(text):
        if "wrote result" in line and line[11:19] >= "00:20:00" and changed < 6:
            text[place] = line.replace("wrote result to disk", "wrote result to bucket")
            changed += 1
    (home / "new.log").write_text("\n".join(text) + "\n")
    assert logradar("train", home / "app.log", "-o", home / "b", "-q").code == 0
    found = logradar("detect", home / "b", home / "new.log", "-o", home / "a.json", "--json").json["alerts"]
    quota = [a["alert_id"] for a in found if "quota" in json.dumps(a)]
    bucket = [a["alert_id"] for a in found if "bucket" in json.dumps(a)]
    assert len(quota) == 4 and len(bucket) == 6 and len(found) == 10
    return home, quota, bucket


def test_all_alerts_of_a_kind_are_accepted_and_taken_back(many, logradar):
    home, quota, bucket = many
    done = logradar("feedback", home / "b", home / "a.json", "--all-of", bucket[0])
    assert done.code == 0, done.err
    assert f"6 alerts of 1 kind accepted; --undo all-of:{bucket[0]}" in done.out and "bucket" in done.out
    assert "accepts 6 alerts as harmless" in done.out
    left = logradar("detect", home / "b", home / "new.log", "--json").json
    assert {a["alert_id"] for a in left["alerts"]} == {*quota} and left["silenced"] == 6
    assert logradar("feedback", home / "b", "--undo", f"all-of:{bucket[0]}", "--json").json["accepted"] == []
    assert len(logradar("detect", home / "b", home / "new.log", "--json").json["alerts"]) == 10


@pytest.mark.parametrize("kind", ["json", "csv", "parquet"])
def test_everything_since_a_deploy_is_accepted_but_no_confirmed_anomaly(many, logradar, kind):
    home, quota, _ = many
    alerts = home / f"a.{kind}"
    assert logradar("detect", home / "b", home / "new.log", "-o", alerts, "-q").code == 0
    done = logradar("feedback", home / "b", alerts, "--anomaly", quota[0])
    assert "knows 1 alert as real" in done.out, done.err
    done = logradar("feedback", home / "b", alerts, "--normal-since", "2026-03-02T00:20:00")
    assert done.code == 0, done.err
    assert "6 alerts of 1 kind accepted; --undo normal-since:2026-03-02T00:20:00+00:00" in done.out
    assert "not accepted" in done.out and f"would hide alert '{quota[0]}', which was confirmed" in done.out
    left = logradar("detect", home / "b", home / "new.log", "--json").json["alerts"]
    assert {a["alert_id"] for a in left} == {*quota}
    assert all(f"confirmed before as an anomaly (alert {quota[0]})" in a["evidence"][0]["reason"] for a in left)
    refused = logradar("feedback", home / "b", alerts, "--false-alarm", quota[1])
    assert (refused.code, "was confirmed as an anomaly" in refused.err) == (2, True), refused.err
    for undone in (quota[0], "normal-since:2026-03-02T00:20:00+00:00"):
        assert logradar("feedback", home / "b", "--undo", undone).code == 0
    result = logradar("feedback", home / "b", alerts, "--normal-since", "2026-03-02 00:20", "--json").json
    assert [(k["alerts"], k["before"]) for k in result["given"][0]["kinds"]] == [(6, False), (2, True)]
    assert logradar("detect", home / "b", home / "new.log", "--json").json["alerts"] == []


def test_a_confirmed_anomaly_is_never_suppressed_by_what_was_accepted_before(many, logradar):
    home, quota, _ = many
    assert logradar("feedback", home / "b", home / "a.json", "--false-alarm", quota[0]).code == 0
    assert len(logradar("detect", home / "b", home / "new.log", "--json").json["alerts"]) == 6
    assert logradar("feedback", home / "b", home / "a.json", "--anomaly", quota[1]).code == 0
    assert len(logradar("detect", home / "b", home / "new.log", "--json").json["alerts"]) == 10
    shown = logradar("feedback", home / "b", "--list").out
    assert "· anomaly" in shown and "accepts 1 alert as harmless" in shown
    assert logradar("train", home / "new.log", "--from", home / "b", "-o", home / "c", "-q").code == 0
    assert len(logradar("feedback", home / "c", "--list", "--json").json["confirmed"]) == 1


def test_sentences_for_verdicts_that_cannot_be_stored(many, logradar, tmp_path):
    home, quota, bucket = many
    alerts = home / "a.json"
    document = json.loads(alerts.read_text())
    broad = next(a for a in document["alerts"] if a["alert_id"] == bucket[0])
    broad["signature"]["unseen"] = [f"?message {number}" for number in range(21)]
    (tmp_path / "broad.json").write_text(json.dumps(document))
    assert logradar("detect", home / "b", home / "new.log", "-o", tmp_path / "masked.json", "--redact", "-q").code == 0
    for words, said in (
        ((alerts, "--false-alarm", quota[0], "--anomaly", quota[0]), "cannot be a false alarm and an anomaly"),
        ((alerts, "--normal-since", "yesterday"), "is no time"),
        ((alerts, "--normal-since", "2027-01-01"), "No alert of"),
        ((alerts, "--all-of", "zzz"), "has no alert 'zzz'"),
        (("--normal-since", "2026-01-01"), "Name the file of alerts"),
        (("--undo", "all-of:x"), "No feedback was given on 'all-of:x'"),
        (("--list", "--anomaly", quota[0]), "--list only prints"),
        ((tmp_path / "broad.json", "--false-alarm", bucket[0]), "has 21 messages that are not in the training data"),
    ):
        done = logradar("feedback", home / "b", *words)
        assert (done.code, said in done.err, "Traceback" in done.err) == (2, True, False), done.err
    bulk = logradar("feedback", home / "b", tmp_path / "broad.json", "--normal-since", "2026-03-02", "--json").json
    assert [one["alert"] for one in bulk["given"][0]["refused"]] == [bucket[0]]
    assert bulk["given"][0]["alerts"] == 9
