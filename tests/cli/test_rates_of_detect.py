"""`logradar detect` on a log whose sessions are normal and whose rates are not: what it prints, writes and returns."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from tests.scoring.test_rates import LATER, SETTINGS, shop, without, write

from logradar.pipeline.train import train

LOGRADAR = str(Path(sys.executable).with_name("logradar"))
SILENT = (LATER + 3600, LATER + 4800)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle of three hours, a new log in which the store is silent for twenty minutes, and one without a change."""
    home = tmp_path_factory.mktemp("silent")
    train(str(write(home / "train.log", shop(3, 1))), home / "bundle", SETTINGS)
    write(home / "new.log", without(shop(3, 3, day=1), " store ", *SILENT))
    write(home / "same.log", shop(3, 2, day=1))
    return home


def test_a_silent_service_is_an_incident_though_there_is_no_alert(home, logradar):
    done = logradar("detect", home / "bundle", home / "new.log")
    assert done.code == 0
    first, size, example, look, *_ = done.out.splitlines()
    assert first.startswith("1. high · store: silence, nothing for ")
    assert "over · 1 rate change · store" in size
    assert example.strip().startswith("last of these in training: ")
    assert look.strip().startswith("look at: store (first, at 01:00:00, silent)")
    assert "1 incident." in done.out
    assert done.out.count("nothing for") == 1, "it is said once"
    assert "0 alerts in " in done.out


def test_the_document_links_incidents_and_rate_changes(home, logradar, tmp_path):
    found = logradar("detect", home / "bundle", home / "new.log", "--json", "-o", tmp_path / "a.json").json
    (incident,), (change,) = found["incidents"], found["rate_changes"]
    assert incident["rate_change_ids"] == [change["change_id"]]
    assert (incident["alerts"], incident["rate_changes"], found["alerts"]) == (0, 1, [])
    assert change["started_at"] < change["found_at"] < change["last_at"]
    again = logradar("detect", home / "bundle", home / "new.log", "-o", tmp_path / "a.parquet")
    assert again.code == 0 and pq.read_table(tmp_path / "a.parquet").num_rows == 0, "alerts alone"


def test_a_page_tells_the_silence(home, logradar, tmp_path):
    assert logradar("detect", home / "bundle", home / "new.log", "-o", tmp_path / "p.html").code == 0
    text = (tmp_path / "p.html").read_text()
    assert "store: silence, nothing for" in text and "0 alerts and 1 rate change" in text


def test_fail_on_alert_counts_changes_of_rates(home, logradar):
    assert logradar("detect", home / "bundle", home / "new.log", "--fail-on-alert").code == 3
    assert logradar("detect", home / "bundle", home / "same.log", "--fail-on-alert").code == 0


@pytest.mark.skipif(os.name != "posix", reason="pipes are read by select")
def test_a_stream_tells_the_change_when_it_is_certain_and_the_state_keeps_it(home, tmp_path):
    lines = (home / "new.log").read_text().splitlines(keepends=True)
    cut = next(n for n, line in enumerate(lines) if "T01:17" in line)
    said = []
    for part in (lines[:cut], lines[cut:]):
        command = [LOGRADAR, "detect", home / "bundle", "-", "--state", tmp_path / "state"]
        done = subprocess.run(command, input="".join(part), capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        said.append(done.stdout)
    (incident,) = [line for line in said[0].splitlines() if "  incident " in line]
    (change,) = [line for line in said[0].splitlines() if "  rate  " in line]
    assert "is open  high" in incident and "store: silence" in incident and "silence, nothing for" in change
    assert incident.split()[3] in said[1], "it goes on in the next call"


def test_what_is_redacted_has_the_same_rate_changes(home, logradar):
    plain, masked = (
        logradar("detect", home / "bundle", home / "new.log", "--json", *more).json for more in ((), ("--redact",))
    )
    assert masked["redacted"] is True
    assert masked["incidents"][0]["rate_change_ids"] == [masked["rate_changes"][0]["change_id"]]
    assert masked["rate_changes"][0]["change_id"] == plain["rate_changes"][0]["change_id"]
    assert masked["incidents"][0]["title"].startswith("store: silence")
