"""`logradar validate` as it is called: table, JSON, page, folder, --strict."""

from __future__ import annotations

import json

import pytest
from tests.cli.shop import write_log
from tests.sources.day_samples import document, session

from logradar.cli.show.inventory import spark


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "days").mkdir()
    for day in (1, 2, 4):
        made = [session(number, service_name="[bold]a[/bold]\x1b[31m") for number in range(30)]
        made[3]["session_id"] = "three" if day == 2 else 3
        (tmp_path / "days" / f"preprocessed_logs_2024-05-0{day}.json").write_bytes(document(made))
    return tmp_path


def test_the_table_tells_faults_with_their_places(folder, logradar):
    done = logradar("validate", folder / "days")
    assert done.code == 0, done.err
    assert "89 sessions of 1 service in 3 files, with 1 fault." in " ".join(done.out.split())
    assert "1 × session with a wrong type: session_id (lost)" in done.out
    text = (folder / "days" / "preprocessed_logs_2024-05-02.json").read_text()
    assert f"preprocessed_logs_2024-05-02.json, byte {text.index('three') - 16}" in done.out
    assert "1 day between the first and the last has no data: 2024-05-03." in " ".join(done.out.split())
    assert "[bold]a[/bold]·[31m" in done.out
    assert "\x1b" not in done.out
    assert len(done.out.splitlines()) < 30


def test_a_page_and_a_folder(folder, logradar):
    done = logradar("validate", folder / "days", "--json", "-o", folder / "page.html")
    assert done.code == 0, done.err
    assert done.json["fault_kinds"][0]["examples"][0]["source"] == "preprocessed_logs_2024-05-02.json"
    page = (folder / "page.html").read_text()
    assert "with 1 fault" in page
    assert not (folder / "quarantine.jsonl").exists()
    done = logradar("validate", folder / "days", "-o", folder / "out", "-q")
    assert done.code == 0, done.err
    assert {path.name for path in (folder / "out").iterdir()} == {"report.html", "validate.json", "quarantine.jsonl"}
    told = json.loads((folder / "out" / "validate.json").read_text())
    assert told.keys() == logradar("validate", folder / "days", "--json").json.keys()
    assert "report.html" in done.out


def test_strict(folder, logradar):
    done = logradar("validate", folder / "days", "--strict", "--json")
    assert done.code == 2
    assert "1 fault in" in done.err and "session with a wrong type" in done.err
    assert done.json["lost"] == 1
    (folder / "days" / "preprocessed_logs_2024-05-02.json").unlink()
    assert logradar("validate", folder / "days", "--strict").code == 0


def test_other_logs(folder, logradar):
    log = write_log(folder / "app.log", 60, seed=1)
    done = logradar("validate", log, "-o", folder / "app.html", "--strict")
    assert done.code == 0, done.err
    assert "60 sessions" in done.out
    assert "INFO 100 %" in done.out
    assert "<svg" in (folder / "app.html").read_text()


def test_refusals(folder, logradar):
    for output in (folder / "days", next((folder / "days").glob("*.json"))):
        done = logradar("validate", folder / "days", "-o", output)
        assert done.code == 2 and done.out == "" and "Traceback" not in done.err


def test_a_sparkline_has_a_letter_for_several_days():
    assert spark([0, 1, 2, 7]) == "▁▂▃█"
    assert len(spark(range(1, 1_000))) == 48
    assert spark([0, 0]) == "▁▁"
