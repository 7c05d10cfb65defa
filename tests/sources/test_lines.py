"""Any log file: the 16 loghub systems against their published columns, and records of several lines."""

from __future__ import annotations

import json

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from reading_lines import read, write

from logradar.core.quarantine import Quarantine
from logradar.sources.base import ReadLimits

# How many of the 2,000 lines have exactly loghub's Component and Content. None: loghub has no such column, or
# another idea of it (OpenSSH: the host's name; Zookeeper: a part of the address).
SYSTEMS = {
    "Android": (2000, 2000),
    "Apache": (None, 2000),
    "BGL": (2000, 2000),
    "HDFS": (2000, 2000),
    "HPC": (2000, 2000),
    "Hadoop": (2000, 2000),
    "HealthApp": (2000, 2000),
    "Linux": (1999, 1999),
    "Mac": (2000, 2000),
    "OpenSSH": (None, 2000),
    "OpenStack": (2000, 2000),
    "Proxifier": (None, 2000),
    "Spark": (2000, 2000),
    "Thunderbird": (1990, 1990),
    "Windows": (2000, 2000),
    "Zookeeper": (None, 2000),
}
LEVELS = {"Android", "Apache", "BGL", "HDFS", "Hadoop", "OpenStack", "Spark", "Windows", "Zookeeper"}


@pytest.mark.parametrize("system", SYSTEMS)
def test_loghub_columns(data_dir, system):
    folder = data_dir / "loghub_2k" / system
    records = read(folder / f"{system}_2k.log")
    published = pl.read_csv(folder / f"{system}_2k.log_structured.csv", infer_schema=False)
    assert records["line"].to_list() == list(range(1, 2001))
    assert records["timestamp"].null_count() == 0
    assert records["level"].null_count() == (0 if system in LEVELS else 2000)
    components, bodies = SYSTEMS[system]
    same = records["body"].str.strip_chars() == published["Content"].str.strip_chars()
    assert same.sum() >= bodies
    if components:
        assert (records["component"] == published["Component"]).fill_null(False).sum() >= components


def test_alert_column_becomes_the_label(data_dir):
    records = read(data_dir / "loghub_2k/BGL/BGL_2k.log")
    assert records["label"].sum() == 143
    assert records["label"].null_count() == 0


TRACE = """\
2024-01-01 10:00:00,001 ERROR [w-1] shop.Cart - It broke
java.lang.IllegalStateException: no money
\tat shop.Cart.pay(Cart.java:12)
Caused by: java.io.IOException: closed
\t... 12 more

2024-01-01 10:00:01,001 INFO [w-1] shop.Cart - Fine again
Traceback (most recent call last):
  File "x.py", line 1, in <module>
ValueError: nothing
2024-01-01 10:00:02,001 INFO [w-1] shop.Cart - Last
"""


def test_stack_traces_join_their_message(tmp_path):
    records = read(write(tmp_path / "a.log", TRACE))
    assert records["line"].to_list() == [1, 7, 11]
    assert records["body"][0].splitlines() == [
        "It broke",
        "java.lang.IllegalStateException: no money",
        "\tat shop.Cart.pay(Cart.java:12)",
        "Caused by: java.io.IOException: closed",
        "\t... 12 more",
    ]
    assert records["body"][1].endswith("ValueError: nothing")
    assert records["component"].to_list() == ["shop.Cart"] * 3


def test_a_file_may_begin_in_the_middle_of_a_record(tmp_path):
    records = read(write(tmp_path / "a.log", "\tat shop.Cart.pay(Cart.java:12)\n\tat shop.Main\n" + TRACE))
    assert records["line"].to_list() == [1, 3, 9, 13]
    assert records["body"][0] == "\tat shop.Cart.pay(Cart.java:12)\n\tat shop.Main"
    assert records["timestamp"].null_count() == 1


def test_a_record_of_too_many_lines_is_cut_and_told(tmp_path):
    head = "2024-01-01 10:00:00,001 ERROR [w-1] shop.Cart - It broke\n"
    file = write(tmp_path / "a.log", head + "\tat one.more.frame(X.java:1)\n" * 5_000 + TRACE)
    for block in (1 << 10, 8 << 20):
        quarantine = Quarantine()
        records = read(file, quarantine=quarantine, limits=ReadLimits(block=block, record=4_096))
        assert 3_900 < len(records["body"][0]) <= 4_096
        assert records["line"].to_list() == [1, 5002, 5008, 5012]
        assert dict(quarantine.reasons) == {"further line of a record that is too long, left out": 4_860}


DOCKER = """\
{"log":"2024-01-01 10:00:00,001 INFO [w-1] shop.Cart - one ","stream":"stdout","time":"2024-01-01T09:00:00.1Z"}
{"log":"other\\n","stream":"stderr","time":"2024-01-01T09:00:00.2Z"}
{"log":"and the rest\\n","stream":"stdout","time":"2024-01-01T09:00:00.3Z"}
{"log":"\\tat frame\\n","stream":"stdout","time":"2024-01-01T09:00:00.4Z"}
{"log":"2024-01-01 10:00:02,001 WARN [w-1] shop.Cart - two\\n","stream":"stdout","time":"2024-01-01T09:00:02.1Z"}
{"log":"2024-01-01 10:00:03,001 WARN [w-1] shop.Cart - three
"""
CRI = """\
2024-01-01T09:00:00.1Z stdout P INFO:shop:one half
2024-01-01T09:00:00.2Z stderr F WARNING:shop:beside
2024-01-01T09:00:00.3Z stdout F  and the other
2024-01-01T09:00:01.3+01:00 stdout F INFO:shop:two
"""
JSON = """\
{"time":"2024-01-01T09:00:00Z","level":"info","service":"cart","logger":"a.b","msg":"hello \\"you\\"","trace_id":"t1"}
{"time":"2024-01-01T09:00:01Z","level":"error","service":"cart","logger":"a.b","msg":"bad","stack_trace":"at x\\nat y"}
plain banner
{"time":"2024-01-01T09:00:02Z","level":"warn","service":"cart","message":"{\\"msg\\":\\"inner\\",\\"logger\\":\\"in\\"}"}
{"time":"2024-01-01T09:00:03Z","level":"info","service":"cart","msg":"cut in the mid
{"time":"2024-01-01T09:00:04Z","level":"info","service":"cart","other":7}
"""


def times(records: pl.DataFrame) -> list[str]:
    return records["timestamp"].dt.to_string("%H:%M:%S%.3f").to_list()


def test_docker_logs_are_unwrapped_and_their_parts_joined(tmp_path):
    quarantine = Quarantine()
    records = read(write(tmp_path / "c-json.log", DOCKER), quarantine=quarantine)
    assert records["body"].to_list() == [
        "one and the rest",
        "other\n\tat frame",
        "two",
        "three",
    ]
    assert records["component"].to_list() == ["shop.Cart", None, "shop.Cart", "shop.Cart"]
    assert times(records) == ["09:00:00.100", "09:00:00.200", "09:00:02.100", "10:00:03.001"]
    assert dict(quarantine.reasons) == {"incomplete JSON object, kept as text": 1}


def test_kubernetes_logs_are_unwrapped_and_their_parts_joined(tmp_path):
    records = read(write(tmp_path / "0.log", CRI))
    assert records["body"].to_list() == ["one half and the other", "beside", "two"]
    assert records["level"].to_list() == [9, 13, 9]
    assert records["line"].to_list() == [1, 2, 4]
    assert times(records) == ["09:00:00.100", "09:00:00.200", "08:00:01.300"]


def test_json_lines(tmp_path):
    quarantine = Quarantine()
    records = read(write(tmp_path / "a.jsonl", JSON), quarantine=quarantine, session_key='"trace_id":"([^"]+)')
    assert records["body"].to_list() == [
        'hello "you"',
        "bad\nat x\nat y",
        "plain banner",
        "inner",
        JSON.splitlines()[4],
        JSON.splitlines()[5],
    ]
    assert records["level"].to_list() == [9, 17, None, 13, None, 9]
    assert records["component"].to_list() == ["a.b", "a.b", None, "in", None, None]
    assert records["service"].to_list() == ["cart", "cart", "cart", "cart", None, "cart"]
    assert records["session_key"].to_list() == ["t1", None, None, None, None, None]
    assert records["timestamp"].null_count() == 1
    assert dict(quarantine.reasons) == {"incomplete JSON object, kept as text": 1}


@pytest.mark.parametrize("text", [TRACE, DOCKER, CRI, JSON], ids=["trace", "docker", "cri", "json"])
def test_where_blocks_end_makes_no_difference(tmp_path, text):
    file = write(tmp_path / "a.log", text * 7)
    whole, reasons = Quarantine(), Quarantine()
    expected = read(file, quarantine=whole)
    for block in (1, 50, 130, 333):
        reasons = Quarantine()
        assert read(file, quarantine=reasons, limits=ReadLimits(block=block)).equals(expected)
        assert reasons.reasons == whole.reasons


def test_records_are_numbered_over_files_and_services_named(tmp_path):
    files = [write(tmp_path / f"{name}.log", TRACE) for name in "ab"]
    records = read(*files, services={files[0]: "a", files[1]: "b"}, names={files[0]: "first"})
    assert records["record_id"].to_list() == list(range(6))
    assert records["service"].to_list() == ["a"] * 3 + ["b"] * 3
    assert records["source"].to_list() == ["first"] * 3 + [str(files[1])] * 3


def test_batches_are_bounded(tmp_path):
    file = write(tmp_path / "a.log", "x\n" * 5_000)
    assert len(read(file, limits=ReadLimits(rows=1_000))) == 5_000


def test_a_file_may_change_its_format(tmp_path):
    first = "".join(f"2024-01-01 10:00:00,001 INFO [w-1] shop.Cart - old {n}\n" for n in range(5_000))
    second = "".join(f"I0102 15:04:05.678901   12 server.go:57] new {n}\n" for n in range(5_000))
    records = read(write(tmp_path / "a.log", first + second), limits=ReadLimits(rows=1_000))
    assert len(records) == 10_000
    assert records["component"].to_list() == ["shop.Cart"] * 5_000 + ["server.go"] * 5_000
    assert records["body"][9_999] == "new 4999"


PIECES = [line.encode() + b"\n" for text in (TRACE, DOCKER, CRI, JSON) for line in text.splitlines()]
PIECES += [
    b"\n",
    b"\r\n",
    b"\xff\xfe bad\n",
    b"\x00\x1b[1mx\n",
    b"no end",
    b"x" * 3_000 + b"\n",
    b'{"log":"',
    b'{"a":',
    b"\t\n",
    b"]\n",
]
QUIET = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@QUIET
@given(st.lists(st.sampled_from(PIECES), max_size=30), st.sampled_from([1, 100, 5_000]))
def test_whatever_is_mixed_is_read_the_same_in_blocks_of_any_size(tmp_path, pieces, block):
    """All lines of all kinds in any order: no exception, lines in order, nothing depends on where blocks end."""
    file = write(tmp_path / "mixed.log", b"".join(pieces))
    limits = {"line": 1_000, "record": 2_000}
    whole, parts = Quarantine(), Quarantine()
    expected = read(file, quarantine=whole, limits=ReadLimits(**limits))
    assert expected["line"].is_sorted()
    assert expected["line"].n_unique() == len(expected)
    assert read(file, quarantine=parts, limits=ReadLimits(block=block, **limits)).equals(expected)
    assert parts.reasons == whole.reasons


def docker(text, stream):
    return json.dumps({"log": text, "stream": stream, "time": "2024-01-01T09:00:00.1Z"}) + "\n"


@pytest.mark.parametrize("block", [1, 300, 1 << 20])
def test_the_parts_of_a_cut_line_find_each_other_over_other_streams_in_the_order_of_lines(tmp_path, block):
    other = docker("INFO all is well\n", "stdout")
    text = docker("one ", "stderr") + other * 20 + docker("line\n", "stderr") + other
    records = read(write(tmp_path / "a.log", text), limits=ReadLimits(block=block))
    assert records["line"].to_list() == [1, *range(2, 22), 23]
    assert records["body"].to_list()[0] == "one line"


@pytest.mark.parametrize("block", [2_000, 1 << 24])
def test_a_cut_line_whose_rest_never_comes_holds_up_no_more_than_some_lines(tmp_path, block):
    other = docker("INFO all is well\n", "stdout")
    text = docker("INFO killed ", "stderr") + other * 12_000 + docker("INFO another\n", "stderr")
    records = read(write(tmp_path / "a.log", text), limits=ReadLimits(block=block))
    assert records["line"].to_list() == list(range(1, 12_003))
    assert (records["body"][0], records["body"][12_001]) == ("INFO killed ", "INFO another")


def test_a_strange_line_is_a_record_of_its_own_in_the_session_before(tmp_path):
    """What a library prints between the records must be seen, not hidden below one."""
    strange = "malloc(): corrupted top size"
    line = "2026-03-02 08:00:00,12{0} INFO shop.cart [trace={0}] step\n"
    text = line.format(1) + strange + "\n" + line.format(2) + "  indented\nCustomProblem: no\n" + line.format(3)
    for block in (1, 8 << 20):
        file = write(tmp_path / "a.log", text)
        records = read(file, limits=ReadLimits(block=block), session_key=r"trace=(\d)", services={file: "cart"})
        assert records["body"].to_list() == ["step", strange, "step\n  indented", "CustomProblem: no", "step"]
        assert records["session_key"].to_list() == ["1", "1", "2", "2", "3"]
        assert times(records) == ["08:00:00.121"] * 2 + ["08:00:00.122"] * 2 + ["08:00:00.123"]
        assert records["level"].to_list() == [9, None, 9, None, 9]
        assert records["service"].to_list() == ["cart"] * 5


def test_the_exception_below_a_traceback_belongs_to_it(tmp_path):
    trace = 'Traceback (most recent call last):\n  File "x.py", line 1\n    pay()\nshop.CustomProblem: no money\n'
    head = "2026-03-02 08:00:00,121 INFO shop.cart: step\n"
    for block in (1, 8 << 20):
        records = read(write(tmp_path / "a.log", head + trace + head), limits=ReadLimits(block=block))
        assert records["body"].to_list() == ["step\n" + trace.rstrip(), "step"]
