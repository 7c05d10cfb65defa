"""Parts of long lines of containers are joined as they are in a file that is read at once."""

import random

import pyarrow as pa
import pytest

from logradar.core.quarantine import Quarantine
from logradar.serving.listeners.cri_parts import MOST, PATIENCE, CriParts
from logradar.serving.listeners.file_lines import FileLines, Line
from logradar.sources.base import Hints
from logradar.sources.lines import Lines

LINES = """2026-03-02T08:00:00.000000001Z stdout F first
2026-03-02T08:00:01.000000001Z stdout P one
2026-03-02T08:00:01.000000002Z stderr F between
2026-03-02T08:00:01.000000003Z stdout P  two
2026-03-02T08:00:01.000000004Z stderr P x
2026-03-02T08:00:01.000000005Z stdout F  three
2026-03-02T08:00:01.000000006Z stderr F y
2026-03-02T08:00:02.000000001Z stdout F last
"""


def pushed(parts, texts):
    at, found = 0, []
    for text in texts:
        data = text.encode()
        found += parts.push([Line(data, at, at + len(data) + 1)])
        at += len(data) + 1
    return [line.text.decode() for line in found]


def test_parts_are_joined_in_the_order_of_their_first_ones():
    parts = CriParts()
    assert pushed(parts, LINES.splitlines()) == [
        "2026-03-02T08:00:00.000000001Z stdout F first",
        "2026-03-02T08:00:01.000000001Z stdout F one two three",
        "2026-03-02T08:00:01.000000002Z stderr F between",
        "2026-03-02T08:00:01.000000004Z stderr F xy",
        "2026-03-02T08:00:02.000000001Z stdout F last",
    ]
    assert parts.start is None


def test_the_joined_lines_are_read_as_the_parts_are(tmp_path):
    rng = random.Random(3)
    texts = []
    for number in range(300):
        stream = rng.choice(["stdout", "stderr"])
        kind = rng.choice("PFF") if number < 290 else "F"
        texts.append(f"2026-03-02T08:00:{number % 60:02}.{number:09}Z {stream} {kind} part {number}")
    file, joined = tmp_path / "0.log", tmp_path / "joined.log"
    file.write_text("".join(f"{text}\n" for text in texts))
    joined.write_text("".join(f"{text}\n" for text in pushed(CriParts(), texts)))

    def records(path):
        table = pa.concat_tables(Lines().read([path], Hints(), Quarantine()))
        return table.select(["timestamp", "body"]).to_pylist()

    assert records(file) == records(joined)


def test_the_position_is_that_of_the_first_line_that_waits():
    lines = FileLines().feed(LINES.encode())
    parts = CriParts()
    assert parts.push(lines[:1]) == lines[:1]
    assert parts.push(lines[1:4]) == []
    assert parts.start == lines[1].start
    assert [line.end for line in parts.push(lines[4:])][-1] == len(LINES)


def test_a_part_whose_end_never_comes_is_let_go():
    now = [0.0]
    parts = CriParts(clock=lambda: now[0])
    lines = FileLines().feed(LINES.encode())
    assert parts.push(lines[1:3]) == []
    now[0] = PATIENCE + 1
    assert [line.text[-9:] for line in parts.push([])] == [b"out F one"[-9:], b"F between"[-9:]]
    many = pushed(CriParts(), [LINES.splitlines()[1], *["plain"] * (MOST + 5)])
    assert len(many) == MOST + 6


def test_a_joined_line_is_bounded():
    parts = CriParts(limit=100)
    head = "2026-03-02T08:00:01.000000001Z stdout "
    (line,) = pushed(parts, [head + "P " + "x" * 40] * 5 + [head + "F end"])
    assert len(line) == 100 and parts.cut == 1


@pytest.mark.parametrize("size", [1, 3, 1000])
def test_lines_of_a_file(size):
    data = b"\xef\xbb\xbfone\r\ntwo\n\nthree" + b"\0" * 20 + b"four\n" + b"\0" * 9 + b"five\n" + b"x" * 300 + b"\nsix"
    lines = FileLines(limit=100)
    found = [line for at in range(0, len(data), size) for line in lines.feed(data[at : at + size])]
    assert [line.text for line in found] == [b"one", b"two", b"three", b"four", b"five", b"x" * 100]
    assert (lines.cut, lines.start) == (1, len(data) - 3)
    assert all(data[line.end - 1 : line.end] == b"\n" for line in found)
    assert [line.text for line in lines.finish()] == [b"six"]
