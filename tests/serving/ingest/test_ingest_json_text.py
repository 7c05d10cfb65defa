"""JSON of senders: what is wrong in one text does not cost the rest, and depth is bounded."""

from __future__ import annotations

import json
from contextlib import suppress

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from logradar.serving.ingest.bad_body import BadBody
from logradar.serving.ingest.json_text import check_depth, loads, text_of


@pytest.mark.parametrize(
    ("raw", "value", "repaired"),
    [
        (b'{"a": "caf\xe9"}', {"a": "caf�"}, 1),
        (b'["\xff", "\xef\xbf\xbd", "\xfe\xfd"]', ["�", "�", "��"], 3),
        (b'["\\ud83d\\ude00", "\\ud83d", "\\\\ud83d", "\\ude00\\ud83d"]', ["😀", "�", "\\ud83d", "��"], 3),
        (b'{"a": NaN, "b": [Infinity, -Infinity]}', {"a": None, "b": [None, None]}, 0),
        (b'[1e999, "\xff"]', [float("inf"), "�"], 1),
        (b"\xef\xbb\xbf{}", {}, 0),
        (b"123456789012345678901234567890", 1.2345678901234568e29, 0),
    ],
)
def test_what_is_wrong_is_repaired(raw, value, repaired):
    assert loads(raw, 8) == (value, repaired)


@pytest.mark.parametrize("raw", [b"", b"{", b"{'a': 1}", b'{"a": 1}}', b"\xff", b"[1,]", b'"' + b"\\" * 7])
def test_what_is_no_json_is_refused(raw):
    with pytest.raises(BadBody, match="The body is no JSON: "):
        loads(raw, 8)


@pytest.mark.parametrize("pair", ["[]", "{}"])
def test_depth(pair):
    opening = pair[0] if pair == "[]" else '{"a":'
    inside = "" if pair == "[]" else "1"
    for depth, fine in ((8, True), (9, False), (100_000, False)):
        raw = (opening * depth + inside + pair[1] * depth).encode()
        if fine:
            loads(raw, 8)
        else:
            with pytest.raises(BadBody, match="deeper than 8 levels"):
                loads(raw, 8)


def test_brackets_in_texts_do_not_count():
    value = {"a": "[" * 50, 'b"\\': ['\\"[[[' * 20, "\\"], "c": [{}] * 50}
    assert loads(json.dumps(value).encode(), 3)[0] == value
    with pytest.raises(BadBody):
        loads(json.dumps([[[["["]]]] * 9).encode(), 3)


def _depth(value: object) -> int:
    if isinstance(value, dict | list):
        inner = value.values() if isinstance(value, dict) else value
        return 1 + max(map(_depth, inner), default=0)
    return 0


VALUES = st.recursive(
    st.text('[]{}"\\a') | st.integers(-9, 9),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text('[]{}"\\', max_size=3), inner, max_size=3),
    max_leaves=20,
)


@given(VALUES, st.integers(0, 6))
def test_depth_is_that_of_the_value(value, most):
    raw = orjson.dumps(value)
    if _depth(value) <= most:
        assert loads(raw, most) == (value, 0)
    else:
        with pytest.raises(BadBody):
            check_depth(raw, most)


@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_nothing_else_is_raised(raw):
    text, repaired = text_of(raw)
    assert (repaired == 0) == (text.encode() == raw)
    with suppress(BadBody):
        orjson.dumps(loads(raw, 8)[0])
