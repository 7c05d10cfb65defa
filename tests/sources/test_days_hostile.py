"""Day files that are damaged, cut, malicious or merely odd: counted, placed, and the rest survives."""

from __future__ import annotations

import gzip
import io
import json
import lzma

import pytest
import zstandard
from day_samples import EveryFault, document, expected, rows, scan, session

from logradar.core.quarantine import Quarantine
from logradar.sources.radar.faults import LISTED_CASES, Faults
from logradar.sources.radar.reading import read_day
from logradar.sources.radar.scanner import Scanner

GOOD = [session(number) for number in range(3)]
TEXTS = [json.dumps(one) for one in GOOD]


def around(bad: str | bytes) -> tuple[list[int], EveryFault, bytes]:
    """The sessions that survive when something stands between three sound ones, and the faults."""
    raw = bad if isinstance(bad, bytes) else bad.encode()
    data = b"[" + TEXTS[0].encode() + b"," + raw + b"," + TEXTS[1].encode() + b", " + TEXTS[2].encode() + b"]"
    table, faults = scan(data)
    return table["session_id"].to_pylist(), faults, data


def changed(**keys: object) -> str:
    return json.dumps(session(9, **keys))


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (TEXTS[0][:70], "session that does not end before another begins"),
        (TEXTS[0][:20], "session that is not valid JSON"),
        (TEXTS[0][: TEXTS[0].index("line 7") + 3], "session that is not valid JSON: original_logs"),
        (TEXTS[0][:2], "session that is not valid JSON"),
        (changed(session_id=...), "session without a needed key: session_id"),
        (changed(event_sequence=...), "session without a needed key: event_sequence"),
        ("{}", "session without a needed key: session_id"),
        (changed(session_id="9"), "session with a wrong type: session_id"),
        (changed(session_id=9.0), "session with a wrong type: session_id"),
        (changed(session_id=None), "session with a wrong type: session_id"),
        (changed(session_id=True), "session with a wrong type: session_id"),
        (changed(event_sequence="3 4"), "session with a wrong type: event_sequence"),
        (changed(event_sequence=[3, [4]]), "session with a wrong type: event_sequence"),
        (changed(event_sequence=[3, 4.5]), "session with a wrong type: event_sequence"),
        (changed(event_sequence=[3, "4"]), "session with a wrong type: event_sequence"),
        (changed(token_ids=[3, None]), "session with a wrong type: token_ids"),
        (changed(attention_mask=[True]), "session with a wrong type: attention_mask"),
        (changed(has_error=0), "session with a wrong type: has_error"),
        (changed(has_warn="false"), "session with a wrong type: has_warn"),
        (changed(service_name=["a"]), "session with a wrong type: service_name"),
        (changed(original_logs="a line"), "session with a wrong type: original_logs"),
        (changed(original_logs=["a", None]), "session with a wrong type: original_logs"),
        (changed(session_id=2**63), "session with an integer that does not fit: session_id"),
        (changed(session_id=10**400), "session with an integer that does not fit: session_id"),
        (changed(event_sequence=[2**31]), "session with an integer that does not fit: event_sequence"),
        (changed(event_sequence=[-(2**31) - 1]), "session with an integer that does not fit: event_sequence"),
        (changed(token_ids=[10**30]), "session with an integer that does not fit: token_ids"),
        (changed(event_sequence=[float("nan")]), "session that is not valid JSON"),
        (changed(more=float("inf")), "session that is not valid JSON"),
        (changed().replace("[12", "[012"), "session that is not valid JSON"),
        (changed()[:-1] + ', "session_id": 5}', "session with a key twice: session_id"),
        (changed()[:-1] + ', "session\\u005fid": 5}', "session with a key twice: session_id"),
        (changed()[:-1] + ', "has_error": null}', "session with a key twice: has_error"),
        (changed()[:-1] + ', "x": ' + "[" * 100_000, "session nested deeper than 64"),
        (changed()[:-1] + ', "x": ' + '{"a":' * 100_000, "session nested deeper than 64"),
        (
            changed(service_name="tab").replace("tab", "\t"),
            "session with a control character inside a string: service_name",
        ),
        (changed(service_name="x").replace('"x"', '"\\x41"'), "session that is not valid JSON: service_name"),
        (changed(service_name="x").replace('"x"', '"\\u00g0"'), "session that is not valid JSON: service_name"),
        (
            b'{"session_id": 9, "event_sequence": [3], "service_name": "\xff"}',
            "session with bytes that are not UTF-8: service_name",
        ),
        (b'{"session_id": 9, "event_sequence": [3], "x\xe9": 1}', "session with bytes that are not UTF-8"),
        (b"\0" * 5_000, "session that is not valid JSON"),
        ("12", "element of the array that is no object"),
        ('"text with { and \\" and ]"', "element of the array that is no object"),
        ('[{"a": [1, 2]}]', "element of the array that is no object"),
        ("", "comma between sessions missing or too many"),
        ("oops", "session that is not valid JSON"),
    ],
)
def test_what_is_damaged_is_quarantined_and_the_rest_survives(bad, reason):
    survivors, faults, data = around(bad)
    assert survivors == [0, 1, 2]
    assert [word.partition(":")[0] for word in faults.words()][:1] == [reason.partition(":")[0]]
    if ":" in reason:
        assert faults.words() == [reason]
    case = faults.cases[0][2]
    assert case.source == "day.json"
    assert case.offset == len(TEXTS[0]) + 2
    raw = bad if isinstance(bad, bytes) else bad.encode()
    assert data[case.offset :].startswith(case.text[:20].encode()) or b"\xff" in raw or b"\xe9" in raw


@pytest.mark.parametrize("cut", range(0, len(TEXTS[0]), 7))
def test_an_object_cut_anywhere_costs_only_itself(cut):
    for between in (",", "", "\n"):
        data = "[" + TEXTS[0][:cut] + between + TEXTS[1] + ", " + TEXTS[2] + "]"
        table, faults = scan(data.encode(), block=64)
        assert table["session_id"].to_pylist() == [1, 2]
        assert cut == 0 or len(faults.cases) >= 1


@pytest.mark.parametrize("indent", [None, 2])
def test_a_file_cut_anywhere_keeps_what_came_before(indent):
    data = document(GOOD, indent=indent)
    table, _ = scan(data)
    ends = [*(offset - 4 for offset in table["offset"].to_pylist()[1:]), len(data) - 2]  # about: white space may follow
    ends = [data.rindex(b"}", 0, end + 3) + 1 for end in ends]
    for cut in range(1, len(data), 11):
        table, faults = scan(data[:cut], block=100)
        assert table.num_rows == sum(end <= cut for end in ends)
        assert faults.cases
        assert faults.words()[-1] in (
            "session that is cut off by the end of the file",
            "array that is not closed, the file may be cut",
        )


def test_a_lost_bracket_does_not_swallow_the_file():
    for key in ("event_sequence", "nobody_knows"):
        inside = f'[{{"session_id": 5, "{key}": [3, ' + ", ".join(TEXTS * 200) + "]"
        table, faults = scan(inside.encode(), block=4_096, large=20_000)
        assert table.num_rows == 600
        assert faults.words() == ["session that does not end before another begins"]


def test_an_object_without_end_is_given_up_in_bounded_memory():
    huge = '{"session_id": 5, "event_sequence": [3], "original_logs": ["' + "x" * 300_000 + '"]}'
    data = ("[" + huge + "," + TEXTS[1] + "]").encode()
    table, faults = scan(data, block=1_000, limit=50_000)
    assert table["session_id"].to_pylist() == [1]
    assert faults.words() == ["session that is larger than the limit"]
    table, faults = scan(data, block=1_000)
    assert table["session_id"].to_pylist() == [5, 1]
    assert not faults.cases


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", ["no array of sessions at the beginning of the file"]),
        (b"  \n", ["no array of sessions at the beginning of the file"]),
        (b"[]", []),
        (b" [ \n ] ", []),
        (b"\xef\xbb\xbf[]", []),
        (b"\xef\xbb\xbf", ["no array of sessions at the beginning of the file"]),
        (b"[", ["array that is not closed, the file may be cut"]),
        (b"{}", ["no array of sessions at the beginning of the file"]),
        (b"not json at all", ["no array of sessions at the beginning of the file"]),
        (bytes(range(256)) * 40, ["no array of sessions at the beginning of the file"]),
        (b"[1", ["element of the array that is no object", "array that is not closed, the file may be cut"]),
    ],
)
def test_files_without_sessions(data, words):
    for block in (1, 1 << 16):
        table, faults = scan(data, block)
        assert table.num_rows == 0
        assert faults.words() == words


def test_arrays_and_objects_that_only_stand_behind_each_other():
    one = document(GOOD)
    for data in (
        one + b"\n" + one,
        "\n".join(TEXTS * 2).encode(),
        b"[" + one + b"," + one + b"]",
        one[1:] + b"\n" + one[1:],
    ):
        table, faults = scan(data)
        assert table["session_id"].to_pylist() == [0, 1, 2, 0, 1, 2]
        assert faults.cases


@pytest.mark.parametrize(
    ("keys", "note"),
    [
        ({"has_error": ...}, "session without has_error"),
        ({"has_warn": None}, "session without has_warn"),
        ({"service_name": ...}, "session without service_name"),
        ({"original_logs": ...}, "session without original_logs"),
        ({"original_logs": None}, "session without original_logs"),
        ({"token_ids": ...}, "session without token_ids"),
        ({"attention_mask": ...}, "session without attention_mask"),
        ({"original_logs": ["one"]}, "session with another number of original_logs than of events"),
        ({"original_logs": ["a", "b", "c", "d"]}, "session with another number of original_logs than of events"),
        ({"token_ids": [12, 7, 11, 0, 5]}, "session whose token_ids are not its padded event_sequence"),
        ({"token_ids": [12, 7, 0, 0, 0]}, "session whose token_ids are not its padded event_sequence"),
        ({"token_ids": [12, 7, 111, 0, 0]}, "session whose token_ids are not its padded event_sequence"),
        ({"token_ids": [101, 12, 7, 11, 102]}, "session whose token_ids are not its padded event_sequence"),
        ({"attention_mask": [1, 1, 0, 0, 0]}, "session whose attention_mask does not fit its event_sequence"),
        ({"attention_mask": [0, 1, 1, 1, 0]}, "session whose attention_mask does not fit its event_sequence"),
        ({"attention_mask": [1, 1, 1, 1, 1]}, "session whose attention_mask does not fit its event_sequence"),
        ({"attention_mask": [1, 1, 2, 0, 0]}, "session whose attention_mask does not fit its event_sequence"),
        ({"attention_mask": [1, 1, 1, 0]}, "session whose token_ids and attention_mask differ in length"),
        ({"service_name": "\ud800x"}, "session with half of a surrogate pair in its text, replaced"),
        ({"more": {"session_id": [1, {"x": "}]"}]}}, "session with a key that is not known, ignored"),
    ],
)
@pytest.mark.parametrize("sort", [False, True])
def test_what_is_unusual_is_noted_and_kept(keys, note, sort):
    odd = session(9, length=5, **keys)
    table, faults = scan(document([GOOD[0], odd, odd], sort_keys=sort))
    assert table["session_id"].to_pylist() == [0, 9, 9]
    assert table["event_sequence"].to_pylist()[1] == odd["event_sequence"]
    assert faults.counts() == {note: 2}
    fault = faults.reasons[note]
    assert fault.kept and not faults.cases
    at = document([GOOD[0], odd, odd], sort_keys=sort).index(b'"more"' if "more" in keys else b"}, {") + (
        3 * ("more" not in keys)
    )
    assert fault.examples[0].offset == at


@pytest.mark.parametrize("length", [0, 1, 2, 3, 4, 63, 64, 65, 512])
@pytest.mark.parametrize("events", [[], [0], [0, 0, 0], [5], [0, 5, 0], [12, 7, 11] * 30, [1] * 20, [0] * 80])
def test_tokens_are_the_events_padded_or_cut(events, length):
    for layout in ({}, {"indent": 2}, {"separators": (",", ":")}, {"sort_keys": True}):
        made = [session(1, events, length, original_logs=["x"] * len(events))]
        table, faults = scan(document(made, **layout))
        assert rows(table) == [expected(made[0])]
        assert faults.counts() == {}
        for at in {0, 1, 2, 40, len(events), length - 1} & set(range(length)):
            for key in ("token_ids", "attention_mask"):
                wrong = [*made[0][key]]
                wrong[at] = 1 - wrong[at]
                _, faults = scan(document([{**made[0], key: wrong}], **layout))
                assert [key in word for word in faults.counts()] == [True]


def test_faults_reach_the_quarantine_with_file_offset_and_text(tmp_path):
    path = tmp_path / "preprocessed_logs_2024-05-01.json"
    bad = json.dumps({"session_id": 1})
    path.write_text("[" + ", ".join([TEXTS[0], bad, changed(more=1), changed(more=2)]) + "]")
    quarantine = Quarantine(tmp_path / "bad.jsonl")
    assert sum(table.num_rows for table in read_day(path, quarantine, name="day")) == 3
    first, second = (json.loads(line) for line in (tmp_path / "bad.jsonl").read_text().splitlines())
    assert (first["source"], first["offset"], first["text"]) == ("day", len(TEXTS[0]) + 3, bad)
    assert first["reason"] == "session without a needed key: event_sequence"
    assert (second["reason"], second["count"]) == ("session with a key that is not known, ignored", 2)


def test_many_cases_of_a_kind_are_told_in_sum():
    quarantine = Quarantine()
    faults = Faults("day", quarantine)
    data = b"[" + b",".join([b"{}"] * (LISTED_CASES + 2_500)) + b"]"
    assert list(Scanner(faults, block=1_000).tables(io.BytesIO(data).readinto)) == []
    assert dict(quarantine.reasons) == {"session without a needed key: session_id": LISTED_CASES + 2_500}
    assert faults.lost == LISTED_CASES + 2_500
    assert len(faults.reasons["session without a needed key: session_id"].examples) == 5


@pytest.mark.parametrize("pack", [gzip.compress, lzma.compress, zstandard.ZstdCompressor().compress])
def test_compressed_files_are_known_by_their_content(pack, tmp_path):
    path = tmp_path / "day.json"
    path.write_bytes(pack(document(GOOD * 50, indent=2)))
    used = []
    tables = list(read_day(path, on_progress=used.append, block=5_000))
    assert sum(table.num_rows for table in tables) == 150
    assert len(tables) > 1
    assert sum(used) == path.stat().st_size


def test_a_compressed_file_that_is_cut_keeps_what_came_before(tmp_path):
    path = tmp_path / "day.json.gz"
    path.write_bytes(gzip.compress(document(GOOD * 200))[:-200])
    quarantine = Quarantine()
    kept = sum(table.num_rows for table in read_day(path, quarantine))
    assert 0 < kept < 600
    assert "truncated gz file, its end is missing" in quarantine.reasons
    assert quarantine.count == 2
