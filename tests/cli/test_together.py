"""Several processes at once on one bundle: they wait for one another, and nothing is lost."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from tests.cli.shop import write_log

CALL = (sys.executable, "-c", "from logradar.cli import main; main()")


@pytest.mark.slow
def test_six_calls_of_feedback_and_six_readers(logradar, tmp_path):
    write_log(tmp_path / "app.log", 300, seed=1)
    new = write_log(tmp_path / "new.log", 100, seed=2, broken=(10, 40, 70), day=2)
    lines = new.read_text().splitlines()
    for number, word in enumerate(("alpha", "beta", "gamma", "delta", "kappa", "omega")):
        lines.append(f"2026-03-02 12:00:0{number}.000 INFO [job=ffff{number:012x}] {word} {word} is unheard of")
    new.write_text("\n".join(lines) + "\n")
    bundle, alerts = tmp_path / "b", tmp_path / "alerts.json"
    assert logradar("train", tmp_path / "app.log", "-o", bundle, "-q").code == 0
    found = logradar("detect", bundle, new, "-o", alerts, "--json").json["alerts"]
    ids = [alert["alert_id"] for alert in found if alert["session_id"].startswith("ffff")]
    assert len(ids) == 6
    calls = [
        subprocess.Popen((*CALL, *words), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for id_ in ids
        for words in (
            ("feedback", str(bundle), str(alerts), "--false-alarm", id_),
            ("detect", str(bundle), str(new), "-q", "--json"),
        )
    ]
    for call in calls:
        out, err = call.communicate(timeout=300)
        assert call.returncode == 0, err
        assert out
    accepted = json.loads(logradar("feedback", bundle, "--list", "--json").out)["accepted"]
    assert sorted(entry["id"] for entry in accepted) == sorted(ids)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["alerts.json", "app.log", "b", "new.log"]
