"""Values of JSON lines: the fast way and the patient way give the same."""

from __future__ import annotations

import orjson
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from logradar.sources.opening.json_lines import broken, fields, values
from logradar.sources.opening.json_names import names_in

PLAIN = st.text(st.characters(codec="utf-8"), max_size=12)
SCALAR = st.one_of(st.none(), st.integers(-(2**53), 2**53), PLAIN)
OBJECT = st.dictionaries(st.sampled_from(["a", "b.c", "level"]), SCALAR) | st.builds(
    lambda inner: {"b": inner}, st.dictionaries(st.sampled_from(["c", "d"]), SCALAR)
)
WAYS = [("a",), ("b.c",), ("level",), ("b", "c")]


@settings(suppress_health_check=[HealthCheck.too_slow])  # a busy machine draws slowly
@given(st.lists(OBJECT, min_size=1, max_size=8))
def test_both_ways_agree(objects):
    sound = pl.Series([orjson.dumps(value).decode() for value in objects])
    damaged = pl.concat([sound, pl.Series(['{"a": "cut'])])
    fast, patient = values(sound, WAYS), values(damaged, WAYS)
    for keys in WAYS:
        assert fast[keys].to_list() == patient[keys].to_list()[:-1]
        for value, found in zip(objects, fast[keys].to_list(), strict=True):
            expected = value.get(keys[0])
            expected = expected.get(keys[1]) if len(keys) > 1 and isinstance(expected, dict) else expected
            assert found == (None if expected is None or isinstance(expected, dict) else str(expected))


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ('{"ts":1704067200.5,"level":30,"name":"app","msg":"hi"}', ("1704067200.5", 9, None, "app", "hi")),
        (
            '{"@timestamp":"t","log.level":"WARN","service.name":"s","log":{"logger":"x"},"message":"m"}',
            ("t", 13, "s", "x", "m"),
        ),
        (
            '{"timestamp":"t","log":{"level":"error","logger":"x"},"service":{"name":"s"},"message":"m"}',
            ("t", 17, "s", "x", "m"),
        ),
        ('{"version":"1.1","host":"h","short_message":"m","level":4,"timestamp":1}', ("1", 13, None, None, "m")),
        (
            '{"PRIORITY":"3","MESSAGE":"m","SYSLOG_IDENTIFIER":"sshd","_SYSTEMD_UNIT":"ssh.service"}',
            (None, 17, "sshd", "ssh.service", "m"),
        ),
        ('{"timeUnixNano":"17","severityNumber":17,"body":{"stringValue":"m"}}', ("17", 17, None, None, "m")),
        ('{"@t":"t","@mt":"m {x}","@l":"Warning","SourceContext":"c"}', ("t", 13, None, "c", "m {x}")),
        ('{"levelno":40,"msg":{"a":1}}', (None, 17, None, None, '{"a":1}')),
        ("[1, 2]", (None, None, None, None, None)),
    ],
)
def test_names_of_the_known_encoders(line, expected):
    row = fields(pl.Series([line]), names_in([line])).row(0)
    assert row[:5] == expected


def test_what_is_broken():
    lines = ['{"a":1}', '{"a":"cut', '{"a":1} more', '{"a":"raw\ttab"}', "{braces}", "text", '[{"a":1}']
    assert broken(pl.Series(lines)).to_list() == [False, True, True, True, False, False, False]
