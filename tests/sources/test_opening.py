"""The door to all inputs: what is found out, what is stored, and what hostile input leads to."""

from __future__ import annotations

import gzip
import io
import json
import sys
from pathlib import Path

import pyarrow as pa
import pytest
from reading_lines import write

from logradar.core.errors import ConfigError, InputError
from logradar.core.tables import LOG_RECORDS, check
from logradar.sources.opening.opening import InputSettings, open_input

LINE = "2026-03-02 08:00:{:02},123 INFO shop.cart [trace={:016x}] step {}\n"
LOG = "".join(LINE.format(n % 60, n // 4, n % 4) for n in range(400))


def read(opened) -> pa.Table:
    return pa.concat_tables([check(batch, LOG_RECORDS) for batch in opened.batches(None)])


def test_what_is_found_out_is_stored_and_reused(tmp_path):
    path = write(tmp_path / "shop.log", LOG)
    opened = open_input(path)
    table = read(opened)
    assert (opened.source, opened.settings.format) == ("lines", "python_trace")
    assert opened.notes == [
        "Lines are grouped by 'trace': it is in 100% of the first lines, with 100 different values, each in 4.0 lines "
        "on average, close to each other. To change this use --session-key REGEX, or --session-key '' for windows."
    ]
    stored = InputSettings.model_validate_json(opened.settings.model_dump_json())
    few = write(tmp_path / "few.log", LOG[: len(LINE) * 2])
    again = open_input(few, stored.model_copy(update={"source": None, "format": None}))
    assert again.notes == []
    assert read(again)["session_key"][0].as_py() == table["session_key"][0].as_py() == f"{0:016x}"


def test_no_key_leads_to_windows_and_that_is_stored(tmp_path):
    opened = open_input(write(tmp_path / "a.log", "2026-03-02 08:00:00 INFO hello\n" * 50))
    assert read(opened)["session_key"].null_count == 50
    assert opened.settings.session_key == ""
    assert "windows are used" in opened.notes[0]
    assert open_input(tmp_path / "a.log", opened.settings).notes == []


def test_windows_can_be_asked_for(tmp_path):
    opened = open_input(write(tmp_path / "a.log", LOG), InputSettings(session_key=""))
    assert read(opened)["session_key"].null_count == 400


def test_a_folder_of_services(tmp_path):
    for name in ("gateway", "research"):
        write(tmp_path / f"{name}.log", LOG)
    write(tmp_path / "access.log", '10.0.0.1 - - [04/Dec/2005:04:47:44 +0100] "GET / HTTP/1.1" 200 5\n' * 3)
    opened = open_input(tmp_path)
    table = read(opened)
    assert table["record_id"].to_pylist() == list(range(803))
    assert table["service"].to_pylist() == ["access"] * 3 + ["gateway"] * 400 + ["research"] * 400
    assert [file.name for file in opened.files] == ["access.log", "gateway.log", "research.log"]
    assert opened.settings.format is None


def test_files_of_different_sources(tmp_path):
    write(tmp_path / "a.log", LOG)
    write(tmp_path / "b.log", "081109 203615 148 INFO dfs.DataNode: Got blk_1\n" * 3)
    write(tmp_path / "c.txt", "5 22 5\n22 5\n" * 3)
    opened = open_input(tmp_path)
    table = read(opened)
    assert opened.source == "lines, hdfs, sequences"
    assert table["record_id"].to_pylist() == list(range(400 + 3 + 15))
    assert table["session_key"].to_pylist()[400:405] == ["blk_1", "blk_1", "blk_1", "c-1", "c-1"]


def test_reading_twice_counts_bad_input_once(tmp_path):
    opened = open_input(write(tmp_path / "a.log", LOG.encode() + b"caf\xe9\n"))
    assert read(opened).num_rows == read(opened).num_rows == 401
    assert opened.quarantine.count == 1


def test_stdin(monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(gzip.compress(LOG.encode()))))
    with open_input("-") as opened:
        table = read(opened)
        assert set(table["source"].to_pylist()) == {"stdin"}
        assert table.num_rows == 400
        kept = opened.files[0]
    assert not kept.parent.exists()


def test_forced_source_and_format(tmp_path):
    path = write(tmp_path / "a.log", "081109 203615 148 INFO dfs.DataNode: Got blk_1\n" * 5)
    assert read(open_input(path, InputSettings(source="lines", format="text")))["body"][0].as_py().startswith("081109")
    assert "matches only 0%" in open_input(path, InputSettings(source="lines", format="syslog")).notes[0]
    with pytest.raises(ConfigError, match="no log format named 'sylog'; did you mean 'syslog'"):
        open_input(path, InputSettings(format="sylog"))
    with pytest.raises(ConfigError, match="no source named 'line'; did you mean 'lines'"):
        open_input(path, InputSettings(source="line"))
    with pytest.raises(ConfigError, match="is not a regular expression"):
        open_input(path, InputSettings(session_key="(blk"))


def zeros() -> bytes:
    """A quarter of a gigabyte of zeros, packed."""
    return gzip.compress(bytes(1 << 20)) * 256


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "is empty"),
        (b"\n\r\n  \n", "is empty"),
        (b"\xef\xbb\xbf\n", "is empty"),
        (b"\x7fELF" + bytes(200), "is binary"),
        (bytes(range(256)) * 20, "is binary"),
        (zeros, "is binary"),
        (b"PK\x03\x04" + bytes(100), "is an archive; unpack it first"),
        (gzip.compress(LOG.encode())[:12], "is a truncated gz file"),
        (b"\x1f\x8b\x08\x00garbage, no deflate", "is a damaged gz file|is a truncated gz file"),
        (b'{\n "a": [1,\n 2]\n}\n', "is of a kind that no source recognises"),
        (gzip.compress(b""), "is empty"),
    ],
    ids=["empty", "blank", "mark", "elf", "bytes", "zeros", "zip", "cut", "damaged", "document", "nothing"],
)
def test_a_file_that_is_no_log_is_one_sentence(tmp_path, data, message):
    path = write(tmp_path / "bad.json", data() if callable(data) else data)
    with pytest.raises(InputError, match=message) as error:
        open_input(path)
    assert "\n" not in str(error.value)
    write(tmp_path / "good.log", LOG)
    opened = open_input(tmp_path, None, tmp_path / "quarantine.jsonl")
    assert read(opened).num_rows == 400
    assert opened.quarantine.count == 1
    case = json.loads((tmp_path / "quarantine.jsonl").read_text())
    assert case["source"].endswith("bad.json")


def test_a_folder_without_any_log_sums_up(tmp_path):
    write(tmp_path / "a", b""), write(tmp_path / "b", b""), write(tmp_path / "c", bytes(99))
    with pytest.raises(InputError, match="of 3 files 2 empty, 1 binary"):
        open_input(tmp_path)


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="needs a file that nobody can read, not even root")
def test_an_unreadable_file_is_a_sentence():
    with pytest.raises(InputError, match=r"'/proc/self/mem' cannot be read \(Input/output error\)"):
        open_input("/proc/self/mem")


def test_a_file_that_vanishes_is_told(tmp_path):
    paths = [write(tmp_path / name, LOG) for name in ("a.log", "b.log")]
    opened = open_input(tmp_path)
    paths[0].unlink()
    assert read(opened).num_rows == 400
    assert dict(opened.quarantine.reasons) == {"file that cannot be read to its end": 1}


def test_a_half_written_log_is_read_as_far_as_it_goes(tmp_path):
    long = "".join(LINE.format(n % 60, n * 7919, n % 4) for n in range(100_000))
    packed = gzip.compress(long.encode())
    opened = open_input(write(tmp_path / "a.log.gz", packed[: len(packed) // 2]))
    assert 10_000 < read(opened).num_rows < 90_000
    assert dict(opened.quarantine.reasons) == {"truncated gz file, its end is missing": 1}


def test_a_line_of_ten_megabytes(tmp_path):
    data = (
        LOG.encode() + b"2026-03-02 08:00:00,123 INFO shop.cart [trace=1] " + b"x" * 10_000_000 + b"\n" + LOG.encode()
    )
    opened = open_input(write(tmp_path / "a.log", data), InputSettings(session_key="trace=([0-9a-f]+)"))
    table = read(opened)
    assert table.num_rows == 801
    assert table["session_key"][400].as_py() == "1"
    assert len(table["body"][400].as_py()) <= 1 << 20
    assert dict(opened.quarantine.reasons) == {"line too long, cut": 1}


def test_a_session_key_that_few_lines_have_is_said_with_a_better_one(tmp_path):
    lines = [f"2024-05-01 10:00:{n % 60:02} INFO shop trace={n // 4:016x} step {n % 4}" for n in range(400)]
    lines[::20] = [f"{line} order=o{number}" for number, line in enumerate(lines[::20])]
    file = write(tmp_path / "app.log", "\n".join(lines))
    with open_input(file, InputSettings(session_key="order=(\\w+)")) as opened:
        (note,) = opened.notes
    assert note.startswith("The session key 'order=(\\w+)' is in only 5% of the first lines, the others form windows")
    assert "better is 'trace', in 100%: --session-key '" in note
    with open_input(file, InputSettings(session_key="trace=(\\w+)")) as opened:
        assert opened.notes == []
    lines = [f"2024-05-01 10:00:{n % 60:02} INFO step {n % 4}" for n in range(400)]
    with open_input(write(tmp_path / "b.log", "\n".join(lines)), InputSettings(session_key="order=(\\w+)")) as opened:
        assert "0% of the first lines, the others form windows; no other field" in opened.notes[0]
