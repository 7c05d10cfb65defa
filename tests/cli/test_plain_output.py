"""What strangers wrote (names of files and services, keys, lines) steers neither a terminal nor a spreadsheet."""

from __future__ import annotations

import csv
import io
import shutil

import pytest
from tests.cli.shop import write_job

STEER = "\x1b]0;owned\x07\x1b[2J\x9b31m\u202e"


def unprintable(done) -> set[str]:
    """Characters of an output that are neither printable nor a line feed, tab or fixed blank."""
    return {letter for letter in done.out + done.err if not letter.isprintable() and letter not in "\n\t\xa0"}


def test_names_of_files_do_not_steer_the_terminal(logradar, tmp_path):
    (tmp_path / f"place{STEER}").mkdir()
    home = write_job(tmp_path / f"place{STEER}")
    logs = home / f"logs{STEER}"
    logs.mkdir()
    shutil.move(home / "app.log", logs / f"app{STEER}.log")
    (logs / f"bad{STEER}.log").write_bytes(bytes(range(256)) * 40)
    new = shutil.move(home / "new.log", home / f"new{STEER}.log")
    bundle = home / f"bundle{STEER}"
    calls = (
        ("validate", logs, "-o", home / f"page{STEER}.html"),
        ("prepare", logs, "-o", home / f"prepared{STEER}"),
        ("train", logs, "-o", bundle, "detector=new_template", "beside=[length]"),
        ("train", logs, "-o", bundle, "detector=new_template", "beside=[length]"),
        ("inspect", bundle),
        ("detect", bundle, new, "-o", home / f"alerts{STEER}.json"),
        ("detect", bundle, new, "-o", home / f"alerts{STEER}.doc"),
        ("detect", bundle, home / f"missing{STEER}.log"),
        ("evaluate", bundle, new, "--labels", home / "labels.csv", "-o", home / f"run{STEER}"),
        ("compare", bundle, new, "--labels", home / "labels.csv", "-o", home / f"compared{STEER}"),
        ("analyze", home / f"alerts{STEER}.json"),
        ("report", home / f"run{STEER}"),
        ("report", home / f"none{STEER}"),
        ("simulate", "-o", home / f"shop{STEER}", "--days", "0.01"),
        ("train", logs, "-o", home / "b", f"detector=ngram{STEER}"),
        ("feedback", bundle, home / f"alerts{STEER}.json", "--false-alarm", f"id{STEER}"),
    )
    codes = []
    for words in calls:
        done = logradar(*words)
        codes.append(done.code)
        assert unprintable(done) == set(), (words[0], done.out, done.err)
    assert codes == [0, 0, 0, 2, 0, 0, 2, 2, 0, 0, 0, 0, 2, 0, 2, 2]


def test_services_keys_and_lines_do_not_steer_the_terminal(logradar, tmp_path):
    import orjson

    def lines(count: int, odd: int) -> str:
        rows = []
        for number in range(count):
            steps = ["accepted", "loaded", "answered"] + ["\x1b[2J gave up \x9b31m"] * (number % 20 < odd)
            rows += [
                {"ts": 1_700_000_000 + number * 10 + i, "level": "info", "service": f"cart{STEER}", "msg": step,
                 "traceId": f"=cmd|{number:06x}{STEER}"}
                for i, step in enumerate(steps)
            ]  # fmt: skip
        return "\n".join(orjson.dumps(row).decode() for row in rows)

    (tmp_path / "app.json").write_text(lines(200, 0))
    (tmp_path / "new.json").write_text(lines(40, 1))
    key = ("--session-key", '"traceId":"([^"]+)"')
    for words in (
        ("validate", tmp_path / "app.json", *key),
        ("train", tmp_path / "app.json", "-o", tmp_path / "b", *key),
        ("detect", tmp_path / "b", tmp_path / "new.json"),
    ):
        done = logradar(*words)
        assert done.code == 0, done.err
        assert unprintable(done) == set(), words[0]
    assert "1." in done.out


@pytest.mark.parametrize("begin", ["=", "+", "-", "@"])
def test_cells_are_no_formulas(logradar, tmp_path, begin):
    odd, bodies = f"{begin}cmd|calc", ["accepted", "loaded", "answered"]
    rows = [
        f"2026-03-01 10:{n // 60:02}:{n % 60:02} INFO [id={odd}{n:05}] {body}" for n in range(200) for body in bodies
    ]
    (tmp_path / "app.log").write_text("\n".join(rows) + "\n")
    new = f"2026-03-02 10:00:00 INFO [id={odd}00001] never seen before"
    (tmp_path / "new.log").write_text("\n".join([new, *rows[:60]]) + "\n")
    key = ("--session-key", r"\[id=([^\]]+)\]")
    assert logradar("train", tmp_path / "app.log", "-o", tmp_path / "b", "detector=new_template", *key).code == 0
    assert (
        logradar("detect", tmp_path / "b", tmp_path / "new.log", "-o", tmp_path / "a.csv", "--threshold", "0").code == 0
    )
    assert logradar("prepare", tmp_path / "app.log", "-o", tmp_path / "d", "--format", "radar-json", *key).code == 0
    for file in (tmp_path / "a.csv", tmp_path / "d" / "session_ids.csv"):
        cells = [cell for row in csv.reader(io.StringIO(file.read_text())) for cell in row]
        assert any(cell.startswith(f"'{odd}") for cell in cells)
        assert [cell for cell in cells if cell[:1] in ("=", "+", "-", "@", "\t")] == []


def test_a_path_is_no_pattern(logradar, tmp_path):
    place = tmp_path / "run[1] *{a,b}?"
    place.mkdir()
    home = write_job(place)
    words = ("-o", home / "b[2]", "detector=ensemble", "detectors.ensemble.members=[length,values]", "beside=[]")
    assert logradar("train", home / "app.log", *words).code == 0
    found = logradar("evaluate", home / "b[2]", home / "new.log", "--labels", home / "labels.csv", "-o", home / "r[3]")
    assert found.code == 0, found.err
    for ending in ("csv", "parquet"):
        alerts = home / f"a[4].{ending}"
        assert logradar("detect", home / "b[2]", home / "new.log", "-o", alerts).code == 0
        assert logradar("analyze", alerts).code == 0
