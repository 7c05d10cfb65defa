"""``logradar diff`` as a user calls it: text, JSON, page, exit codes, hostile logs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

STEER = "\x1b]0;owned\x07\x1b[2J\x9b31m\u202e"
GOOD = "".join(f"2024-05-01 12:00:{n % 60:02},000 INFO [main] shop.web - served {n}\n" for n in range(50))
BAD = GOOD + "2024-05-01 12:01:00,000 ERROR [main] shop.pay - payment refused\n"


@pytest.fixture
def logs(tmp_path) -> tuple[Path, Path]:
    (tmp_path / "good.log").write_text(GOOD)
    (tmp_path / "bad.log").write_text(BAD)
    return tmp_path / "good.log", tmp_path / "bad.log"


def test_text_says_what_is_new_with_level_time_and_place(logradar, logs):
    done = logradar("diff", *logs)
    assert done.code == 0
    assert "1. new · ERROR · " in done.out
    assert "2024-05-01 12:01:00 UTC · bad.log:51 · 1 time, never in the good run" in done.out
    assert "payment refused" in done.out


def test_json_is_one_document_and_the_page_one_file(logradar, logs, tmp_path):
    done = logradar("diff", *logs, "--json", "-o", tmp_path / "page.html")
    assert done.json["changes"][0]["text"] == "payment refused"
    assert done.json["counts"] == {"new": 1, "gone": 0, "more": 0, "less": 0, "cut_off": 0, "renamed": 0}
    page = (tmp_path / "page.html").read_text()
    assert "payment refused" in page
    assert "<script" not in page and "http" not in page.replace("http-equiv", "")


def test_exit_code_3_where_more_is_new_than_chance_explains(logradar, logs, tmp_path):
    good, bad = logs
    assert logradar("diff", good, good, "--fail-on-new").code == 0
    assert logradar("diff", good, bad).code == 0
    errors = "".join(
        f"2024-05-01 12:01:00,000 ERROR [main] shop.pay - {word} is lost\n" for word in ("key", "cart", "bill")
    )
    (tmp_path / "worse.log").write_text(GOOD + errors)
    assert logradar("diff", good, tmp_path / "worse.log", "--fail-on-new").code == 3
    done = logradar("diff", "-", bad, "--fail-on-new")
    assert (done.code, "needs a good run" in done.err) == (2, True)


def test_one_log_without_a_good_one(logradar, logs):
    done = logradar("diff", "-", logs[1], "--top", "3")
    assert done.out.startswith("The 3 records of 51 that tell most.")
    assert "●     51 payment refused" in done.out


def test_parts_of_one_log(logradar, logs):
    done = logradar("diff", logs[1], "--before", "2024-05-01T12:01")
    assert "payment refused" in done.out


def test_no_differences_is_a_sentence(logradar, logs):
    assert "No differences: the runs say the same." in logradar("diff", logs[0], logs[0]).out


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("good.log",), "There is no bad run"),
        (("absent.log", "bad.log"), "absent.log"),
        (("good.log", "empty.log"), "is empty"),
        (("good.log", "bad.log", "-o", "page.txt"), "has another ending"),
        (("good.log", "bad.log", "--before", "noon"), "--before"),
    ],
)
def test_mistakes_end_with_2_and_one_sentence(logradar, logs, monkeypatch, words, sentence):
    monkeypatch.chdir(logs[0].parent)
    Path("empty.log").touch()
    done = logradar("diff", *words)
    assert done.code == 2
    assert sentence in done.err
    assert "Traceback" not in done.err


def test_hostile_lines_steer_neither_the_terminal_nor_the_page(logradar, logs, tmp_path):
    hostile = f"2024-05-01 12:01:00,000 ERROR [main] x - {STEER}<script>alert(1)</script>\n\tat a.<b>(C{STEER}:1)\n"
    (tmp_path / f"bad{STEER}.log").write_text(GOOD + hostile)
    for first in (logs[0], "-"):
        done = logradar("diff", first, tmp_path / f"bad{STEER}.log", "-o", tmp_path / "page.html")
        assert done.code == 0
        assert not {letter for letter in done.out + done.err if not letter.isprintable() and letter not in "\n\t\xa0"}
        page = (tmp_path / "page.html").read_text()
        assert "<script" not in page
        assert not {letter for letter in page if letter in "\x1b\x07\x9b\u202e"}
        json.loads(logradar("diff", first, tmp_path / f"bad{STEER}.log", "--json").out)
