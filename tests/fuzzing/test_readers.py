"""Readers of headers, timestamps and day files on made-up texts of the shapes that they look for, and on damaged ones.

Whatever comes: no exception, every line is in a record or counted, and where blocks end makes no difference.
``make fuzz`` tries more examples (LOGRADAR_FUZZ_EXAMPLES).
"""

from __future__ import annotations

import os
from typing import Final

import polars as pl
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from logradar.core.quarantine import Quarantine
from logradar.sources.base import ReadLimits
from logradar.sources.decoding.layouts import _SHAPES, layout_of
from logradar.sources.decoding.timestamps import TIME, Clock
from logradar.sources.opening.headers import HEADERS
from tests.sources.day_samples import document, rows, scan, session
from tests.sources.reading_lines import read, write

EXAMPLES: Final = int(os.environ.get("LOGRADAR_FUZZ_EXAMPLES", "20"))
QUICK: Final = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize="LOGRADAR_FUZZ_EXAMPLES" not in os.environ,
    suppress_health_check=list(HealthCheck),
)
PATTERNS: Final = {name: header.pattern for name, header in HEADERS.items() if name != "jul"}  # which has two lines
MESSAGE: Final = st.text(st.characters(codec="utf-8", exclude_characters="\n\r"), max_size=30)
JUNK: Final = st.binary(max_size=12).filter(lambda raw: b"\n" not in raw and b"\r" not in raw)


@st.composite
def lines(draw: st.DrawFn, pattern: str) -> list[bytes]:
    """Lines with headers of one format, some of them damaged, and lines without any."""
    header = st.from_regex(pattern).filter(lambda text: "\n" not in text and "\r" not in text)
    found = []
    for _ in range(draw(st.integers(1, 12))):
        line = (draw(header) + draw(MESSAGE)).encode("utf-8", "replace")
        if draw(st.integers(0, 3)) == 0:
            at = draw(st.integers(0, len(line)))
            line = line[:at] + draw(JUNK) + line[at + draw(st.integers(0, 3)) :]
        found.append(line)
    return found


@QUICK
@given(st.sampled_from(sorted(HEADERS)), st.data())
def test_headers_of_every_format_are_read_or_counted(tmp_path_factory, name, data):
    made = data.draw(lines(HEADERS[name].pattern))
    file = write(tmp_path_factory.mktemp("header") / "made.log", b"\n".join(made) + b"\n")
    whole, parts = Quarantine(), Quarantine()
    expected = read(file, quarantine=whole, format=name)
    assert expected["line"].is_sorted()
    assert expected["line"].n_unique() == len(expected)
    assert read(file, quarantine=parts, format=name, limits=ReadLimits(block=40)).equals(expected)
    assert parts.reasons == whole.reasons
    held = sum(body.count("\n") + 1 for body in expected["body"].fill_null("").to_list())
    blank = sum(not line.strip() for line in made)
    assert held + whole.count + blank >= len(made)


@st.composite
def times(draw: st.DrawFn) -> str:
    """A text of the shape of a timestamp; its numbers may be no date at all, and it may be damaged."""
    shape, *_ = draw(st.sampled_from(_SHAPES))
    text = draw(st.from_regex(shape, fullmatch=True))
    if draw(st.integers(0, 3)) == 0:
        at = draw(st.integers(0, len(text)))
        text = text[:at] + draw(st.text(max_size=4)) + text[at + 1 :]
    return text


@QUICK
@example(["9999999999999999999", "0.000000001", "99999999999999999999999"])
@example(["2024-02-30 25:61:61", "Feb 29 00:00:00", "0000-00-00T00:00:00Z", "9999-12-31T23:59:59.999999999+14:00"])
@given(st.lists(times() | st.text(max_size=30) | st.from_regex(r"\A[0-9.]{1,22}\Z"), min_size=1, max_size=20))
def test_texts_like_timestamps_are_times_or_none(texts):
    for text in texts:
        if (layout := layout_of(text)) is not None and not layout.unit:  # an epoch may be in no year that logs have
            assert layout.read(pl.Series([text.strip()])).null_count() == 0
    found = Clock().read(pl.Series("timestamp", texts))
    assert found.dtype == TIME
    assert len(found) == len(texts)


TOKENS: Final = [b"[", b"]", b"{", b"}", b",", b":", b'"', b"\\", b"0", b"-", b"1e999", b"null", b"true", b" ", b"\n"]
TOKENS += [
    b"\0",
    b"\xff",
    b"\xed\xa0\x80",
    b"\\u0000",
    b"\\ud800",
    b"9" * 25,
    b'"session_id"',
    b'"token_ids"',
    b"[" * 99,
]


@QUICK
@given(st.lists(st.integers(0, 5), max_size=5), st.data())
def test_day_files_of_any_bytes_are_read_the_same_in_blocks_of_any_size(numbers, data):
    whole = document([session(number, length=8) for number in numbers])
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(whole)))
        whole = (
            whole[:at]
            + b"".join(data.draw(st.lists(st.sampled_from(TOKENS), max_size=4)))
            + whole[at + data.draw(st.sampled_from([0, 0, 1, 7, 60])) :]
        )
    once, faults = scan(whole)
    for block in (64, 300):
        again, others = scan(whole, block)
        assert rows(again) == rows(once)
        assert others.counts() == faults.counts()
