"""What a message says arrives as fields; nothing that is sent raises, and a message is never dropped."""

import json
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from logradar.core.quarantine import Quarantine
from logradar.serving.arrivals import arrivals_table
from logradar.serving.listeners.syslog_message import arrival_of
from logradar.serving.listeners.syslog_time import time_of
from logradar.sources.base import Hints
from logradar.sources.lines import Lines

NOW = int(datetime(2026, 6, 15, 12, tzinfo=UTC).timestamp() * 1e6)


def read(text: str, zone=UTC):
    return arrival_of(text.encode(), "10.0.0.7", NOW, zone=zone)


def when(arrival):
    return datetime.fromtimestamp(arrival.timestamp / 1e6, UTC).replace(tzinfo=None).isoformat()


def test_rfc_5424_with_structured_data():
    found = read(
        '<165>1 2003-10-11T22:14:15.003Z web shop 812 ID47 [ex@32473 eventID="10\\"11\\]" path="C:\\\\x"]'
        '[trace@32473 trace_id="5b8efff798038103d269b633813fc60c"] \ufeffpaid öre'
    )
    assert (found.stream, found.service, found.component, found.level) == ("syslog:web/shop", "shop", "ID47", 10)
    assert (found.body, when(found)) == ("paid öre", "2003-10-11T22:14:15.003000")
    assert found.session_key == "5b8efff798038103d269b633813fc60c"
    assert json.loads(found.attributes) == {
        "syslog.facility": "local4",
        "host.name": "web",
        "process.pid": "812",
        "ex@32473": {"eventID": '10"11]', "path": "C:\\x"},
        "trace@32473": {"trace_id": "5b8efff798038103d269b633813fc60c"},
    }


@pytest.mark.parametrize("severity", range(8))
def test_levels_are_those_of_opentelemetry(severity):
    levels = [21, 19, 18, 17, 13, 10, 9, 5]
    assert read(f"<{8 * 16 + severity}>1 - - - - - - x").level == levels[severity]
    assert read(f"<{severity}>Jun 14 15:16:01 host app: x").level == levels[severity]


def test_traceparent_is_a_trace_id():
    found = read('<13>1 - - - - - [w3c traceparent="00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"] x')
    assert found.session_key == "4bf92f3577b34da6a3ce929d0e0e4736"
    assert read('<13>1 - - - - - [w3c trace_id="00000000000000000000000000000000"] x').session_key is None


@pytest.mark.parametrize(
    ("text", "body"),
    [
        ("<13>1 - - - - - -", ""),
        ("<13>1 - - - - - - ", ""),
        ("<13>1 - - - - - -  two", " two"),
        ('<13>1 - - - - - [a b="c"]', ""),
        ('<13>1 - - - - - [a b="c"] x', "x"),
        ("<13>1 - - - - - [open x", "[open x"),
        ("<13>1 - - - - - [12.3] eth0: up", "eth0: up"),
        ('<13>1 - - - - - - {"level":"error","msg":"x"}', '{"level":"error","msg":"x"}'),
    ],
)
def test_the_text_of_the_program_stays_as_it_is(text, body):
    assert read(text).body == body


SAMPLES = [
    "Jun 14 15:16:01 combo sshd(pam_unix)[19939]: check pass; user unknown",
    "Jun 14 15:16:02 combo su: 'su root' failed for lonvick",
    "Jun  4 15:16:02 combo app:  two spaces",
    "Jun 14 15:16:03 combo something without a tag",
    "Jun 14 15:16:04 combo kernel: [12.3] eth0: up",
    "Jun 14 15:16:05 combo postfix/smtpd[3]: connect from unknown[10.0.0.1]",
    "Dec 31 23:59:59 combo cron[1]: the year before",
    "2026-01-02T03:04:05.678901+01:00 combo cron[12]: started",
]


@pytest.mark.parametrize("line", SAMPLES)
def test_a_record_is_the_one_that_the_file_holds(tmp_path, line):
    """Time, service, component and message of `detect /var/log/syslog`; a level as well."""
    file = tmp_path / "syslog"
    file.write_text(f"{line}\n")
    (row,) = pa.concat_tables(Lines().read([file], Hints(format="syslog,syslog_iso"), Quarantine())).to_pylist()
    changed = int(file.stat().st_mtime * 1e6)
    found = arrival_of(f"<13>{line}".encode(), "10.0.0.7", changed)
    assert found.body == row["body"]
    assert (found.service, found.component, found.level) == (row["service"], row["component"], 10)
    assert when(found) == row["timestamp"].replace(tzinfo=None).isoformat()
    host = "combo"
    assert found.stream == (f"syslog:{host}/{found.service}" if found.service else f"syslog:{host}")
    assert line.startswith(json.loads(found.attributes)["syslog.header"])  # where a session key may be


@pytest.mark.parametrize(
    ("text", "stream", "service", "body"),
    [
        ("<13>Jun 14 15:16:01 app[12]: connection failed: x", "syslog:10.0.0.7/app", "app", "connection failed: x"),
        ("<13>Jun 14 15:16:01 fe80::1 app: x", "syslog:fe80::1/app", "app", "x"),
        ("<14>shop: hello", "syslog:10.0.0.7/shop", "shop", "hello"),
        ("<14>shop[7]: hello", "syslog:10.0.0.7/shop", "shop", "hello"),
        ("<14>error: hello", "syslog:10.0.0.7", None, "error: hello"),
        ("<14>ValueError: hello", "syslog:10.0.0.7", None, "ValueError: hello"),
        ("<14>2026-03-02 08:00:00,123 INFO a [b] c", "syslog:10.0.0.7", None, "2026-03-02 08:00:00,123 INFO a [b] c"),
        ('<14>{"a": 1}', "syslog:10.0.0.7", None, '{"a": 1}'),
        ("<14>Jun 14 15:16:01 h app: " + '{"a": 1}', "syslog:h/app", "app", '{"a": 1}'),
        ("plain text", "syslog:10.0.0.7", None, "plain text"),
        ("<192>x", "syslog:10.0.0.7", None, "<192>x"),
        ("<b>bold</b>", "syslog:10.0.0.7", None, "<b>bold</b>"),
        ("Jun 14 15:16:01 h app: later", "syslog:10.0.0.7", None, "Jun 14 15:16:01 h app: later"),
    ],
)
def test_habits_of_programs(text, stream, service, body):
    found = read(text)
    assert (found.stream, found.service, found.body) == (stream, service, body)


def test_years_that_are_missing():
    def at(text, now, zone=UTC):
        found = time_of(text, int(now.timestamp() * 1e6), zone)
        return found and datetime.fromtimestamp(found / 1e6, UTC).replace(tzinfo=None)

    assert at("Jan  1 00:00:01", datetime(2026, 12, 31, 23, 59, tzinfo=UTC)) == datetime(2027, 1, 1, 0, 0, 1)
    assert at("Dec 31 23:59:59", datetime(2027, 1, 1, 0, 1, tzinfo=UTC)) == datetime(2026, 12, 31, 23, 59, 59)
    assert at("Feb 29 10:00:00", datetime(2027, 3, 1, tzinfo=UTC)) == datetime(2024, 2, 29, 10)
    assert at("Feb 29 10:00:00.25", datetime(2103, 3, 1, tzinfo=UTC)) == datetime(2096, 2, 29, 10, 0, 0, 250_000)
    assert at("Jun 14 2001 10:00:00", datetime(2027, 3, 1, tzinfo=UTC)) == datetime(2001, 6, 14, 10)
    berlin = at("Jun 14 10:00:00", datetime(2026, 7, 1, tzinfo=UTC), ZoneInfo("Europe/Berlin"))
    assert berlin == datetime(2026, 6, 14, 8)
    for text in (
        "Feb 30 10:00:00",
        "Jun 31 10:00:00",
        "Jun 14 25:00:00",
        "Foo 14 10:00:00",
        "-",
        "",
        "2026-13-01T00:00:00Z",
    ):
        assert at(text, datetime(2026, 7, 1, tzinfo=UTC)) is None


HEADS = ["", "<13>", "<13>1 ", "<13>1 - - - - - ", "<34>Oct 11 22:14:15 ", "<34>Oct 11 22:14:15 h app[1]", "<999>", "<"]


@given(st.sampled_from(HEADS), st.text() | st.from_regex(r'(\[[a-z@]+( [a-z]="[^"]?")*\]?)*.*'), st.binary(max_size=50))
def test_no_message_raises_or_is_lost(head, text, tail):
    message = head.encode() + text.encode() + tail
    found = arrival_of(message, "::1", NOW)
    found.body.encode()
    assert arrivals_table([found]).num_rows == 1
    assert message.decode("utf-8", "replace").endswith(found.body)
    assert found.attributes is None or isinstance(json.loads(found.attributes), dict)


@pytest.mark.parametrize(
    "text",
    [
        "<13>Oct 11 22:14:15 h " + "/a" * 500_000,
        "<13>Oct 11 22:14:15 " + "a" * 1_000_000,
        "<13>1 - - - - - " + '[a b="c"]' * 100_000 + "[",
        '<13>1 - - - - - [a b="' + "\\" * 1_000_000,
        "<13>1 - - - - - [" + "a " * 500_000,
        "<13>" + "a" * 1_000_000 + ": x",
    ],
)
def test_long_headers_take_no_long_time(text):
    for _ in range(3):  # a pattern that goes back and forth would take hours
        arrival_of(text.encode(), "::1", NOW)
