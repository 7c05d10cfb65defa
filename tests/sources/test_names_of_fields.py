"""Fields that are found wherever a line holds them: keys of JSON and of logfmt in any order, case and nesting."""

from __future__ import annotations

import itertools
import json
import time
from datetime import UTC, datetime

import orjson
import pytest
from reading_lines import read, write

from logradar.core.quarantine import Quarantine
from logradar.sources.base import ReadLimits

TEN = datetime(2024, 5, 3, 10, tzinfo=UTC)
PAIRS = ("time=2024-05-03T10:00:00Z", "level=warn", "logger=shop.cart", 'msg="stock is low"')


def rows(tmp_path, *lines, **more):
    return read(write(tmp_path / "a.log", "\n".join(lines) + "\n"), **more)


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))))
def test_the_order_of_pairs_is_free(tmp_path, order):
    line = " ".join(PAIRS[place] for place in order)
    records = rows(tmp_path, *[line] * 5)
    assert records["timestamp"].to_list() == [TEN] * 5
    assert records["level"].to_list() == [13] * 5
    assert records["component"].to_list() == ["shop.cart"] * 5
    assert records["body"].to_list() == ['msg="stock is low"'] * 5


def test_pairs_inside_a_message_are_text(tmp_path):
    line = r'msg="said \"level=error time=1999-01-01T00:00:00Z\" twice" level=info time="2024-05-03 10:00:00" id=7'
    records = rows(tmp_path, *[line] * 5)
    assert records["timestamp"][0] == TEN
    assert records["level"][0] == 9
    assert records["body"][0] == r'msg="said \"level=error time=1999-01-01T00:00:00Z\" twice" id=7'


def test_each_line_may_have_its_own_keys(tmp_path):
    records = rows(tmp_path, *PAIRS_OF_EACH * 20)
    assert records["timestamp"].null_count() == 0
    assert records["level"].to_list()[:3] == [9, 17, 13]
    assert records["component"].to_list()[:3] == ["tsdb", "main.go", None]
    assert records["body"].to_list()[:3] == ["caller=head.go:7 msg=done", "msg=up", "msg=late"]


PAIRS_OF_EACH = (
    "level=info ts=2024-05-03T10:00:00Z caller=head.go:7 component=tsdb msg=done",
    "ts=2024-05-03T10:00:01.5Z caller=main.go:9 level=error msg=up",
    't="2024-05-03T12:00:02+02:00" lvl=warn msg=late',
)


@pytest.mark.parametrize(
    ("user", "service"),
    [("10.0.0.1 - - ", None), ("cable1.isp.example - - ", None), ("10.0.0.1 - frank ", None), ("::1 - O'Neil ", None),
     ("host.example - Jane Doe ", None), ("shop.example:443 10.0.0.1 - - ", "shop.example:443"),
     ("shop.example cable1.isp.example - bob ", "shop.example"), ("2001:db8::7 ident frank@example.org ", None)],
)  # fmt: skip
def test_who_asks_a_web_server(tmp_path, user, service):
    records = rows(tmp_path, *[f'{user}[03/May/2024:12:00:00 +0200] "GET /a HTTP/1.1" 200 31'] * 5)
    assert records["timestamp"].to_list() == [TEN] * 5
    assert records["body"].to_list() == ['"GET /a HTTP/1.1" 200 31'] * 5
    assert records["service"].to_list() == [service] * 5


NAMES = [
    ("timestamp", "level", "logger", "message"),
    ("Timestamp", "LogLevel", "Category", "Message"),
    ("TIMESTAMP", "LOG_LEVEL", "LOGGER", "MESSAGE"),
    ("time-stamp", "log-level", "logger-name", "msg"),
    ("@Timestamp", "Severity", "LoggerName", "Msg"),
    ("eventTime", "LevelName", "Component", "shortMessage"),
    ("zeit", "stufe", "logger", "satz"),
]


@pytest.mark.parametrize("names", NAMES, ids=lambda names: names[0])
@pytest.mark.parametrize("inside", [False, True])
def test_names_in_any_case(tmp_path, names, inside):
    values = ("2024-05-03T12:00:00+02:00", "Warning", "shop.Cart", "stock of item 7 is low")
    value = dict(zip(names, values, strict=True)) | {"id": 7, "user_agent": "Mozilla/5.0 (X11; Linux x86_64) and more"}
    if inside and names[0] == "zeit":
        value = {"satz": value.pop("satz"), "logger": value.pop("logger"), "mehr": value}
    records = rows(tmp_path, *[json.dumps(value)] * 5)
    row = records.row(4, named=True)
    assert (row["timestamp"], row["level"], row["component"], row["body"]) == (TEN, 13, "shop.Cart", values[3])


@pytest.mark.parametrize(
    ("line", "level"),
    [('{"reqId":"a","level":%d,"time":"2024-05-03T10:00:00+00:00","remoteAddr":"","app":"core","message":"m"}',
      {0: 5, 1: 9, 2: 13, 3: 17, 4: 21}),
     ('{"version":"1.1","host":"a","short_message":"m","timestamp":1714730400,"level":%d}', {3: 17, 4: 13, 6: 9, 7: 5}),
     ('{"level":%d,"time":1714730400000,"msg":"m"}', {10: 1, 20: 5, 30: 9, 40: 13, 50: 17, 60: 21}),
     ('{"severity":%d,"time":"2024-05-03T10:00:00Z","msg":"m"}', {3: 17, 4: 13, 6: 9})],
)  # fmt: skip
def test_levels_that_are_numbers(tmp_path, line, level):
    records = rows(tmp_path, *[line % number for number in level] * 3)
    assert records["level"].to_list()[: len(level)] == list(level.values())
    assert records["timestamp"].to_list() == [TEN] * 3 * len(level)


def test_numbers_that_json_does_not_have(tmp_path):
    quarantine = Quarantine()
    lines = [
        '{"time":"2024-05-03T10:00:00Z","level":"info","msg":"is NaN, or : Infinity}","ratio":NaN}',
        '{"time":"2024-05-03T10:00:00Z","level":"info","msg":"fine","ratio":0.5}',
        '{"time":"2024-05-03T10:00:00Z","level":"error","values":[1,-Infinity,Infinity],"msg":"bad"}',
        '{"time":"2024-05-03T10:00:00Z","level":"error","msg":"cut, NaN',
    ]
    records = rows(tmp_path, *lines, quarantine=quarantine)
    assert records["body"].to_list() == ["is NaN, or : Infinity}", "fine", "bad", lines[3]]
    assert records["level"].to_list() == [9, 9, 17, None]
    assert dict(quarantine.reasons) == {"incomplete JSON object, kept as text": 1}


@pytest.mark.parametrize("block", [200, 8 << 20])
def test_encoders_with_times_as_objects(tmp_path, block):
    mongo = {"t": {"$date": "2024-05-03T12:00:00.000+02:00"}, "s": "W", "c": "NETWORK", "ctx": "a", "msg": "refused"}
    log4j = {"instant": {"epochSecond": 1714730400, "nanoOfSecond": 0}, "level": "WARN", "loggerName": "NETWORK",
             "message": "refused"}  # fmt: skip
    for value in (mongo, log4j):
        records = rows(tmp_path, *[orjson.dumps(value).decode()] * 9, limits=ReadLimits(block=block))
        assert records["timestamp"].to_list() == [TEN] * 9
        assert records["level"].to_list() == [13] * 9
        assert records["component"].to_list() == ["NETWORK"] * 9
        assert records["body"].to_list() == ["refused"] * 9


def test_a_status_is_no_level_and_an_id_no_time(tmp_path):
    lines = [f'{{"status":"OK","order":{1714730400 - 7 * n},"note":"order {n} is done"}}' for n in range(9)]
    records = rows(tmp_path, *lines)
    assert records["level"].null_count() == 9
    assert records["timestamp"].null_count() == 9
    assert records["body"].to_list() == [f"order {n} is done" for n in range(9)]


def test_long_objects_are_objects(tmp_path):
    value = {"padding": "x" * 9_000, "time": "2024-05-03T10:00:00Z", "level": "warn", "msg": "stock is low"}
    records = rows(tmp_path, *[json.dumps(value)] * 5)
    assert records["timestamp"].to_list() == [TEN] * 5
    assert records["body"].to_list() == ["stock is low"] * 5


def test_an_object_of_very_many_keys_takes_no_time(tmp_path):
    value = json.dumps({f"key{n}": n for n in range(3_000)} | {"time": "2024-05-03T10:00:00Z", "msg": "stock is low"})
    began = time.monotonic()
    assert rows(tmp_path, *[value] * 200)["body"].to_list() == ["stock is low"] * 200
    assert time.monotonic() - began < 10


def test_the_cases_of_headers_and_names(cases_dir):
    for name in ("cassandra.log", "prometheus.log", "access.log"):
        records = read(cases_dir / "15-headers-not-known" / name)
        assert len(records) == 100
        assert records["timestamp"].null_count() == 0
        assert records["level"].null_count() == (100 if name == "access.log" else 0)
    for name, component in (("mongod.log", "NETWORK"), ("log4j2.log", "com.shop.Orders")):
        records = read(cases_dir / "17-json-fields" / name)
        assert len(records) == 60
        assert records["timestamp"].null_count() == records["level"].null_count() == 0
        assert records["component"].unique().to_list() == [component]
