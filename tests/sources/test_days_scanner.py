"""The boundary scanner beside the json module: any text, any layout, any size of block, any damage."""

from __future__ import annotations

import json
from typing import Any

import pytest
from day_samples import NASTY, SHORT, document, expected, rows, scan, session, sessions
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

QUICK = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
LAYOUTS = st.fixed_dictionaries(
    {
        "indent": st.sampled_from([None, None, 0, 2, 5, "\t", "\r\n "]),
        "ensure_ascii": st.booleans(),
        "separators": st.sampled_from([None, (",", ":"), (" ,\n ", "\t: ")]),
    }
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | NASTY,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(SHORT, inner, max_size=4),
    max_leaves=12,
)
SIZES = st.integers(1, 300)


@QUICK
@given(st.lists(sessions(), max_size=8), LAYOUTS, SIZES, SIZES, st.booleans())
def test_sound_sessions_come_out_as_the_json_module_reads_them(made, layout, block, step, mark):
    data = document(made, **layout)
    table, faults = scan(b"\xef\xbb\xbf" * mark + data, block, step)
    assert rows(table) == [expected(one) for one in json.loads(data)]
    assert faults.cases == []
    for start, one in zip(table["offset"].to_pylist(), made, strict=True):
        text = data.decode()[len(data[: start - 3 * mark].decode()) :]
        assert json.JSONDecoder().raw_decode(text)[0] == one


@QUICK
@given(st.lists(VALUES, max_size=10), LAYOUTS, SIZES, SIZES)
def test_borders_of_any_elements_are_those_that_the_json_module_finds(elements, layout, block, step):
    pieces = [json.dumps(element, **layout).encode() for element in elements]
    data = b" [ " + b" ,\n".join(pieces) + b" ]\n"
    table, faults = scan(data, block, step)
    assert table.num_rows == 0
    found = [(example.offset, example.place) for _, _, example in faults.cases]
    assert [data[start:end] for start, end in found] == pieces


@QUICK
@given(sessions(), VALUES, SHORT, LAYOUTS, SIZES)
def test_keys_that_nobody_knows_are_noted_and_skipped(made, value, key, layout, block):
    table, faults = scan(document([{**made, "x" + key: value}], **layout), block)
    assert rows(table) == [expected(made)]
    assert faults.counts() == dict.fromkeys(faults.counts(), 1)
    assert "session with an unknown key, ignored" in faults.counts()


@QUICK
@given(st.data())
def test_damage_costs_only_the_sessions_that_it_touches(data):
    made = [session(number, length=data.draw(st.integers(0, 20))) for number in range(7)]
    layout = data.draw(LAYOUTS)
    pieces = [json.dumps(one, **layout).encode() for one in made]
    whole = b"[" + b", ".join(pieces) + b"]"
    ends, starts, at = [], [], 1
    for piece in pieces:
        starts.append(at)
        ends.append(at + len(piece))
        at += len(piece) + 2
    begin = data.draw(st.integers(0, len(whole)))
    end = data.draw(st.integers(begin, min(len(whole), begin + data.draw(st.sampled_from([0, 1, 40, 2000])))))
    junk = data.draw(
        st.binary(max_size=6) | st.sampled_from([b'"', b"\\", b"{", b"}", b"[", b"]", b",", b"\0", b'"{"'])
    )
    table, _ = scan(whole[:begin] + junk + whole[end:], data.draw(SIZES), large=10**6)
    untouched = [one for one, start, stop in zip(made, starts, ends, strict=True) if stop <= begin or start >= end]
    found = rows(table)
    assert [expected(one) for one in untouched] == [row for row in found if row in [expected(one) for one in untouched]]
    if len(untouched) == len(found) and begin != end + len(junk):
        assert all(row in [expected(one) for one in made] for row in found)


@QUICK
@given(st.lists(sessions(), min_size=1, max_size=4), st.data())
def test_a_byte_changed_is_judged_as_the_json_module_judges(made, data):
    """Where the json module still reads the document, the same sessions are read, or lost for a reason it has not."""
    whole = bytearray(document(made, ensure_ascii=data.draw(st.booleans())))
    place = data.draw(st.integers(0, len(whole) - 1))
    whole[place] = data.draw(st.sampled_from(list(b'"\\{}[]:,0 9-.enu\n\x01\xff')) | st.integers(0, 255))
    table, faults = scan(bytes(whole), data.draw(SIZES))
    try:
        read = json.loads(whole.decode(), object_pairs_hook=list, parse_constant=_refuse)
    except ValueError:
        assert faults.cases, bytes(whole)
        return
    kept = [dict(pairs) for pairs in read if isinstance(pairs, list) and _is_session(pairs)]
    wanted = [
        (
            one["session_id"],
            one["event_sequence"],
            _plain(one.get("service_name")),
            [_plain(x) for x in one.get("original_logs") or []],
        )
        for one in kept
    ]
    found = [
        (row["session_id"], row["event_sequence"], row["service"], row["original_logs"] or []) for row in rows(table)
    ]
    assert found == wanted
    assert len(faults.cases) == len(read) - len(kept)


def _refuse(word: str) -> Any:
    raise ValueError(word)


def _plain(text: Any) -> Any:
    """Lone surrogates as they are replaced."""
    return text and "".join("�" if 0xD800 <= ord(sign) < 0xE000 else sign for sign in text)


def _is_session(pairs: list[Any]) -> bool:
    """Whether a list of key-value pairs is a session by the letter of the format."""
    if not all(isinstance(pair, tuple) for pair in pairs):
        return False
    keys = [key for key, _ in pairs]
    one = dict(pairs)
    kinds = {"has_error": bool, "has_warn": bool, "service_name": str}
    known = [*session(1)]

    def whole(value: Any, bits: int) -> bool:
        return type(value) is int and -(2 ** (bits - 1)) <= value < 2 ** (bits - 1)

    return (
        all(keys.count(key) == 1 for key in keys if key in known)
        and whole(one.get("session_id"), 64)
        and isinstance(one.get("event_sequence"), list)
        and all(whole(value, 32) for value in one["event_sequence"])
        and all(
            one.get(key) is None or (isinstance(one[key], list) and all(whole(value, 64) for value in one[key]))
            for key in ("token_ids", "attention_mask")
        )
        and all(one.get(key) is None or isinstance(one[key], kind) for key, kind in kinds.items())
        and (
            one.get("original_logs") is None
            or (isinstance(one["original_logs"], list) and all(isinstance(x, str) for x in one["original_logs"]))
        )
    )


@pytest.mark.parametrize("block", [1, 7, 64, 1000, 1 << 20])
def test_blocks_of_any_size_give_the_same(block):
    made = [session(number, list(range(3, 3 + number * 5)), 64) for number in range(30)]
    table, faults = scan(document(made, indent=2), block)
    assert rows(table) == [expected(one) for one in made]
    assert not faults.cases


def test_characters_of_every_length_at_every_place_of_a_block():
    texts = ["x" * before + sign * 40 for before in range(70) for sign in ("é", "한", "😀")]
    table, _ = scan(document([session(1, original_logs=texts)], ensure_ascii=False))
    assert table["original_logs"][0].as_py() == texts


@pytest.mark.parametrize(
    "bad",
    [
        b"\x80",
        b"\xc0\xaf",
        b"\xc3",
        b"\xe0\x80\xaf",
        b"\xed\xa0\x80",
        b"\xf0\x8f\xbf\xbf",
        b"\xf4\x90\x80\x80",
        b"\xff",
        b"\xe1\x80",
        b"\xf0\x90\x80",
        b"\xf8\x88\x80\x80\x80",
    ],
)
def test_bytes_that_are_not_utf8_are_found_at_every_place(bad):
    with pytest.raises(UnicodeDecodeError):
        bad.decode()
    for before in range(60, 68):
        line = b'"' + b"x" * before + "é".encode() + bad + b'"'
        data = b'[{"session_id": 1, "event_sequence": [3], "original_logs": [' + line + b"]}]"
        table, faults = scan(data)
        assert table.num_rows == 0
        assert faults.words() == ["session with bytes that are not UTF-8: original_logs"]
