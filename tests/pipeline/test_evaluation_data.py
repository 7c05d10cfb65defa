"""What may be measured on: sessions that were learnt from, or lie in the time of training, fail the run."""

from __future__ import annotations

import shutil

import pytest
from tests.cli.shop import write_labels, write_log

from logradar.core.errors import DataError
from logradar.model.settings import run_settings
from logradar.pipeline.evaluate import evaluate
from logradar.pipeline.train import train
from logradar.storage import grouping


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    folder = tmp_path_factory.mktemp("measured")
    for name, jobs, seed, broken, day in (
        ("past", 200, 1, (), 1),
        ("later", 60, 2, (5, 40), 2),
        ("beside", 60, 3, (5, 40), 1),  # other jobs of the same hours
    ):
        write_labels(write_log(folder / f"{name}.log", jobs, seed, broken, day), folder / f"{name}.csv")
    given = {"beside": ("new_template",), "detectors.ensemble.members": ("new_template", "ngram")}
    train(str(folder / "past.log"), folder / "bundle", run_settings(given=given))
    return folder


def measured(home, name, **options):
    return evaluate(home / "bundle", str(home / f"{name}.log"), given={"input.labels": home / f"{name}.csv"}, **options)


def test_later_sessions_are_measured_though_their_sequences_repeat(home):
    audit = measured(home, "later").document["audit"]
    assert audit["seen_sequences"]["all"]["share"] > 0.9
    assert (audit["time"]["overlap"], audit["overlap_allowed"], audit["seen_sessions"]) == (False, False, 0)


def test_the_figures_do_not_depend_on_where_sessions_are_kept(home, monkeypatch):
    whole = measured(home, "later")
    for name, value in (("IN_MEMORY", 50), ("PARTITION", 60), ("STRETCH", 20), ("GROUP", 10)):
        monkeypatch.setattr(grouping, name, value)
    parts = measured(home, "later")
    changing = {"seconds", "created"}
    assert whole.document.keys() == parts.document.keys()
    for name in whole.document.keys() - changing:
        assert parts.document[name] == whole.document[name], name
    assert parts.detected.to_json() == whole.detected.to_json()
    assert parts.scores.to_pydict() == whole.scores.to_pydict()
    assert parts.document["anomalies"] == 2


def test_a_test_in_the_time_of_training_fails_unless_allowed(home):
    with pytest.raises(DataError, match=r"lies in the time of training.*--allow-overlap"):
        measured(home, "beside")
    with pytest.raises(DataError, match="lies in the time of training"):
        measured(home, "beside", held_out=True)
    document = measured(home, "beside", allow_overlap=True).document
    assert (document["sessions"], document["audit"]["overlap_allowed"]) == (60, True)
    assert any("lies in the time of training" in note for note in document["audit"]["notes"])


def test_the_same_file_fails_unless_allowed(home):
    shutil.copy(home / "past.log", home / "copy.log")
    shutil.copy(home / "past.csv", home / "copy.csv")
    with pytest.raises(DataError, match="All 200 sessions took part in training"):
        measured(home, "copy")
    document = measured(home, "copy", allow_overlap=True).document
    assert document["audit"]["seen_sessions"] == 200
    assert "took part in training themselves" in document["audit"]["notes"][0]


def test_what_was_learnt_can_be_left_out(home):
    both = home / "both.log"
    both.write_text((home / "past.log").read_text() + (home / "later.log").read_text())
    write_labels(both, home / "both.csv")
    with pytest.raises(DataError, match=r"200 of 260 sessions.*--held-out, or .*--allow-overlap"):
        measured(home, "both")
    assert measured(home, "both", held_out=True).document["sessions"] == 60
    assert measured(home, "both", held_out=True, allow_overlap=True).document["sessions"] == 60
    assert measured(home, "both", allow_overlap=True).document["sessions"] == 260


def write_february(home, name, also=""):
    """60 jobs of a month before training, and behind them what is in ``also``."""
    log = write_log(home / f"{name}.log", 60, 7, (5,), 1)
    text = log.read_text().replace("2026-03-01", "2026-02-01")
    assert text.count("2026-02-01") == len(text.splitlines())
    log.write_text(text + also)
    write_labels(log, home / f"{name}.csv")


def test_older_logs_are_no_overlap(home):
    write_february(home, "february")
    document = measured(home, "february").document
    assert document["sessions"] == 60
    assert document["audit"]["time"]["test_until"] < document["audit"]["time"]["train_from"]
    assert document["audit"]["time"]["overlap"] is False
    assert not any("time of training" in note for note in document["audit"]["notes"])


def test_older_logs_that_reach_into_training_overlap(home):
    write_february(home, "february-and-march", (home / "beside.log").read_text())
    with pytest.raises(DataError, match="lies in the time of training"):
        measured(home, "february-and-march")
    document = measured(home, "february-and-march", allow_overlap=True).document
    assert (document["sessions"], document["audit"]["time"]["overlap"]) == (120, True)


def test_the_delay_of_labelled_lines_counts_from_the_first_anomalous_line(tmp_path):
    """Windows of 20 lines of BGL: line 11 of the third window is the first anomalous one and has a new message."""

    def write(name: str, day: int, anomalous: tuple[int, ...]) -> str:
        lines = []
        for number in range(400):
            mark, text = (
                ("KERNDTLB", "data TLB error interrupt") if number in anomalous else ("-", f"generating core.{number}")
            )
            clock = f"{number // 60:02}.{number % 60:02}"
            at = f"2005.06.0{day} R02-M1-N0-C:J12-U11 2005-06-0{day}-15.{clock}.675872 R02-M1-N0-C:J12-U11"
            lines.append(f"{mark} {1117756800 + 86400 * day + number} {at} RAS KERNEL INFO {text}")
        (tmp_path / name).write_text("\n".join(lines) + "\n")
        return str(tmp_path / name)

    given = {"sessions.by": "count", "sessions.size": 20, "beside": ("new_template", "count_vector")}
    train(write("past.log", 1, ()), tmp_path / "b", run_settings(given=given))
    document = evaluate(tmp_path / "b", write("new.log", 2, (50, 51, 55))).document
    assert (document["sessions"], document["anomalies"]) == (20, 1)
    delay = document["delay"]
    assert delay["from"] == "first anomalous event"
    assert delay["detectors"]["new_template"]["events"]["max"] == 0
    assert delay["detectors"]["new_template"]["until_end"]["max"] == 9.0  # lines 50 to 59, one a second
    whole = delay["detectors"]["count_vector"]
    assert (whole["events"]["max"], whole["seconds"]["max"], whole["at_end"]) == (9.0, 9.0, 1.0)
