"""Reading text: every compression and encoding, and every way in which a file can be bad."""

from __future__ import annotations

import bz2
import gzip
import lzma
import resource
import subprocess
import sys
import zlib
from functools import partial

import pytest
import zstandard
from hypothesis import example, given
from hypothesis import strategies as st
from reading_lines import write

from logradar.core.quarantine import Quarantine
from logradar.sources.base import ReadLimits
from logradar.sources.decoding.encoding import is_binary
from logradar.sources.opening.reading import read_blocks, read_sample, split_lines

TEXT = "first line\nwörld\n\n" + "".join(f"line {number}\n" for number in range(5_000))
PACK = {
    "plain": lambda data: data,
    "gz": gzip.compress,
    "xz": partial(lzma.compress, preset=0),
    "bz2": bz2.compress,
    "zst": zstandard.compress,
}


def lines_of(path, quarantine=None, **limits):
    quarantine = quarantine or Quarantine()
    found, number = [], 1
    for block in read_blocks(path, path.name, quarantine, ReadLimits(**limits)):
        assert block.first == number
        number += len(block.lines)
        found += block.lines.to_list()
    return found


@pytest.mark.parametrize("kind", PACK)
@pytest.mark.parametrize("block", [1 << 10, 8 << 20])
def test_the_kind_is_told_by_the_content(tmp_path, kind, block):
    file = write(tmp_path / "name.without.meaning", PACK[kind](TEXT.encode()))
    used = []
    quarantine = Quarantine()
    for _ in read_blocks(file, "x", quarantine, ReadLimits(block=block), used.append):
        pass
    assert lines_of(file, quarantine, block=block) == TEXT.splitlines()
    assert sum(used) == file.stat().st_size
    assert not quarantine.count


@pytest.mark.parametrize("kind", ["gz", "xz", "bz2", "zst"])
def test_several_members_in_one_file(tmp_path, kind):
    assert lines_of(write(tmp_path / "a", PACK[kind](b"one\n") + PACK[kind](b"two\n"))) == ["one", "two"]


@pytest.mark.parametrize("kind", ["gz", "xz", "bz2", "zst"])
def test_a_half_written_file_yields_what_is_there(tmp_path, kind):
    whole = "".join(f"{number * 7919 % 10_007} {zlib.crc32(str(number).encode())}\n" for number in range(150_000))
    packed = PACK[kind](whole.encode())
    quarantine = Quarantine()
    found = lines_of(write(tmp_path / "a", packed[: len(packed) // 2]), quarantine)
    assert 10_000 < len(found) < 150_000
    assert found[:-1] == whole.splitlines()[: len(found) - 1]
    assert dict(quarantine.reasons) == {f"truncated {kind} file, its end is missing": 1}


@pytest.mark.parametrize("kind", ["gz", "xz", "bz2", "zst"])
def test_a_damaged_file_yields_what_stands_before(tmp_path, kind):
    packed = PACK[kind](b"good\n" * 1_000)
    path = tmp_path / "q.jsonl"
    quarantine = Quarantine(path)
    found = lines_of(write(tmp_path / "a", packed + packed[:12] + b"\xff" * 5_000), quarantine)
    assert found[:1_000] == ["good"] * 1_000
    assert quarantine.count == 1
    assert '"offset": ' in path.read_text()


@pytest.mark.parametrize(
    ("data", "lines"),
    [
        (b"a\r\nb\r\n", ["a", "b"]),
        (b"a\rb\rc", ["a", "b", "c"]),
        (b"\xef\xbb\xbfa\nb", ["a", "b"]),
        ("a\nbö\n".encode("utf-16"), ["a", "bö"]),
        ("\ufeffa\nbö".encode("utf-16-be"), ["a", "bö"]),
        (b"no end", ["no end"]),
        (b"\n\n\n", ["", "", ""]),
        (b"", []),
        (b"\x1b[32mgreen\x1b[0m\n", ["green"]),
        ("a\u2028b\x85c\x0cd\n".encode(), ["a\u2028b\x85cd"]),
    ],
)
def test_line_ends_marks_and_colours(tmp_path, data, lines):
    assert lines_of(write(tmp_path / "a", data)) == lines


def test_bytes_that_are_not_utf8_are_counted_once_a_file(tmp_path):
    path = tmp_path / "q.jsonl"
    quarantine = Quarantine(path)
    file = write(tmp_path / "a", b"fine\n" + b"caf\xe9 au lait\n" * 10_000 + "real �\n".encode())
    assert lines_of(file, quarantine, block=5_000)[:2] == ["fine", "caf� au lait"]
    assert dict(quarantine.reasons) == {"line with bytes that are not UTF-8, replaced": 10_000}
    assert path.read_text().count("\n") == 1
    assert '"line": 2' in path.read_text()


def test_control_characters_are_removed_and_counted(tmp_path):
    quarantine = Quarantine()
    assert lines_of(write(tmp_path / "a", b"a\x00\x00b\nc\x07\n\td\n"), quarantine) == ["ab", "c", "\td"]
    assert dict(quarantine.reasons) == {"line with control characters, removed": 2}


@pytest.mark.parametrize("block", [1 << 16, 8 << 20])
def test_a_long_line_is_cut_and_told(tmp_path, block):
    path = tmp_path / "q.jsonl"
    quarantine = Quarantine(path)
    file = write(tmp_path / "a", b"before\n" + "xö".encode() * 3_500_000 + b"\nafter\n")
    before, long, after = lines_of(file, quarantine, block=block)
    assert (before, after) == ("before", "after")
    assert (1 << 20) - 2 <= len(long.encode()) <= 1 << 20
    assert dict(quarantine.reasons) == {"line too long, cut": 1}
    assert '"line": 2' in path.read_text()


def test_a_line_without_an_end_stops_its_file(tmp_path):
    quarantine = Quarantine()
    file = write(tmp_path / "a", b"x" * 3_000_000 + b"\nnever reached\n")
    found = lines_of(file, quarantine, block=1 << 16, line=1 << 10, endless=1 << 20)
    assert found == ["x" * 1024]
    assert quarantine.reasons["line without an end, rest of the file skipped"] == 1


@pytest.mark.parametrize("kind", ["gz", "xz", "zst"])
def test_a_bomb_costs_no_memory(tmp_path, kind):
    """One gigabyte of one letter, packed to a megabyte or less: read in a process of its own, to see its peak."""
    piece = b"x" * (1 << 20)
    if kind == "gz":
        packer = zlib.compressobj(1, wbits=31)
    else:
        packer = lzma.LZMACompressor(preset=0) if kind == "xz" else zstandard.ZstdCompressor(1).compressobj()
    count = 64 if kind == "xz" else 1024
    bomb = b"".join([packer.compress(b"start\n"), *(packer.compress(piece) for _ in range(count)), packer.flush()])
    file = write(tmp_path / "bomb", bomb)
    code = (
        "import sys, pathlib\n"
        "from logradar.core.memory import peak_mb\n"
        "from logradar.core.quarantine import Quarantine\n"
        "from logradar.sources.opening.reading import read_blocks\n"
        "base = peak_mb()\n"
        "n = sum(len(b.lines) for b in read_blocks(pathlib.Path(sys.argv[1]), 'x', Quarantine()))\n"
        "print(n, round(peak_mb() - base))"
    )
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime  # of all earlier processes of this test run
    done = subprocess.run([sys.executable, "-c", code, str(file)], capture_output=True, text=True, check=True)
    lines, megabytes = map(int, done.stdout.split())
    assert lines == 2
    assert megabytes < 200
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before < 60


def test_what_is_binary():
    assert is_binary(b"\x7fELF\x02\x01\x01\x00\x00\x00\x00")
    assert is_binary(bytes(range(256)) * 4)
    assert is_binary(bytes(1_000))
    assert not is_binary(b"")
    assert not is_binary("wörld\n".encode("utf-16"))
    assert not is_binary("naïve café\n".encode("latin-1"))
    assert not is_binary(b"\x1b[31mred\x1b[0m\n")


def test_a_sample_ends_early(tmp_path):
    assert len(read_sample(write(tmp_path / "a", "12345678\n" * 100_000), 9_000)) < 200_000
    assert read_sample(write(tmp_path / "b", "x\n" * 100), rows=7) == ["x"] * 7
    assert read_sample(write(tmp_path / "c", "")) == []


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\n\r"), max_size=40)), st.integers(1, 20))
def test_lines_are_split_and_cut_as_python_does_it(lines, limit):
    data = "".join(line + "\n" for line in lines).encode()
    found, cut = split_lines(data, limit)
    assert found.to_list() == [line.encode()[:limit].decode("utf-8", "ignore") for line in lines]
    assert cut == [row for row, line in enumerate(lines) if len(line.encode()) > limit]


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize(
    "text",
    [
        "2024-05-03 10:00:00 INFO eins, zwei, drü",
        "2024-05-03 10:00:00 ОШИБКА в модуле",
        "10:00 模块无法启动因为磁盘已满请联系管理员检查",
    ],
)
@pytest.mark.parametrize("block", [1 << 10, 8 << 20])
def test_utf_16_without_a_mark(tmp_path, encoding, text, block):
    lines = [f"{text} {number}" for number in range(3_000)]
    quarantine = Quarantine()
    assert lines_of(write(tmp_path / "a", "\r\n".join(lines).encode(encoding)), quarantine, block=block) == lines
    assert quarantine.count == 0
    assert not is_binary("\n".join(lines[:30]).encode(encoding))


@pytest.mark.parametrize("block", [1 << 10, 8 << 20])
@pytest.mark.parametrize("length", [4, 100, 20_000, 3_000_000])
def test_a_run_of_nul_bytes_is_told_and_skipped(tmp_path, block, length):
    """At the beginning (copytruncate), inside a line (power loss), between two lines, and at the end."""
    nul = bytes(length)
    lines = [f"2024-05-03 10:00:{second:02} INFO line" for second in range(60)]
    text = [line.encode() + b"\n" for line in lines]
    half = text[20][:12]
    data = nul + b"".join(text[:20]) + half + nul + b"".join(text[21:40]) + nul + b"".join(text[40:]) + nul
    path = tmp_path / "q.jsonl"
    quarantine = Quarantine(path)
    found = [
        block.frame for block in read_blocks(write(tmp_path / "a", data), "a", quarantine, ReadLimits(block=block))
    ]
    expected = [*lines[:20], half.decode(), *lines[21:]]
    assert [text for frame in found for text in frame["text"] if text] == expected
    numbers = [number for frame in found for number, text in frame.rows() if text]
    assert numbers == [*range(1, 22), *range(21, 60)]  # the line feed of the cut line was lost
    assert dict(quarantine.reasons) == {"run of NUL bytes, skipped": 4}
    assert f'"offset": {length + len(b"".join(text[:20])) + 12}' in path.read_text()


@example([b"a", b"b\r\n", *[b"b\r\n", b"\0"] * 6])  # no UTF-16, though every fourth byte is a zero
@given(st.lists(st.sampled_from([b"\0", b"\0\0\0\0", b"a", b"\n", b"b\r\n", "ä".encode(), b"\0" * 9]), max_size=40))
def test_no_text_is_lost_in_nul_bytes(parts):
    import tempfile
    from pathlib import Path

    data = b"".join(parts)
    with tempfile.TemporaryDirectory() as folder:
        found = "".join(lines_of_any(write(Path(folder) / "a", data)))
    assert found == data.replace(b"\0", b"").replace(b"\r", b"").replace(b"\n", b"").decode()


def lines_of_any(path):
    return [line for block in read_blocks(path, "a", Quarantine()) for line in block.lines.to_list()]


def test_many_runs_of_nul_bytes_are_told_together(tmp_path):
    path = tmp_path / "q.jsonl"
    quarantine = Quarantine(path)
    assert len(lines_of(write(tmp_path / "a", (b"text\n" + bytes(10)) * 500), quarantine)) == 500
    assert dict(quarantine.reasons) == {"run of NUL bytes, skipped": 500}
    assert path.read_text().count("\n") == 21


def test_records_of_a_database_are_binary():
    entry = (
        b"\x07\0\0\0" + b"\x1f\x05\0\0" + b"pts/0".ljust(32, b"\0") + b"ts/0" + b"root".ljust(32, b"\0") + bytes(300)
    )
    assert is_binary(entry * 100)
