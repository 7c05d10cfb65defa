"""Shapes change nothing: masked lines, clusters and templates are those of masking every line."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from drain3_peer import SYSTEMS, clusters, drain3, masked_by_python
from hypothesis import example, given, settings
from hypothesis import strategies as st

from logradar.parsing.drain import Drain
from logradar.parsing.interning import Texts
from logradar.parsing.masking import DEFAULT_RULES, MaskingRule, MaskingSettings, mask
from logradar.parsing.shapes import Shapes


@pytest.mark.parametrize("system", SYSTEMS)
def test_masked_real_lines_get_the_numbers_and_templates_of_drain3(lines_of, system):
    lines = lines_of(system)
    numbers, templates = drain3(masked_by_python(lines, MaskingSettings()))
    for size in (len(lines), 100):
        drain = Drain()
        shapes = Shapes(MaskingSettings(), drain)
        found = []
        for begin in range(0, len(lines), size):
            found += drain.scan(shapes.line_ids(Texts.of(lines[begin : begin + size]))).tolist()
        assert found == numbers
        assert clusters(drain) == templates


PIECES = [
    "0",
    "7",
    "19",
    "x",
    "0x",
    "0X",
    "_",
    " ",
    ".",
    ":",
    "-",
    "a",
    "GB",
    "ms",
    "blk_",
    "é",
    "٣",
    "\x01",
    "\x02",
    "\x04",
    "<*>",
    "\n",
    "ab12cd34ef",
    "DEADBEEF",
    "1234567e",
    "e5",
    "12345678B",
    "0b1c2d3e-4f5a-6b7c-8d9e-0f1a2b3c4d5e",
    "12345678-1234-1234-1234-123456789012",
    "-4f5a",
    "fe80::",
    "Dec",
    "g",
]
HEX = st.text("0123456789abcdefABCDEF", max_size=12)
LINES = st.lists(
    st.lists(st.sampled_from(PIECES) | st.integers(0, 10**6).map(str) | HEX, max_size=14).map("".join), max_size=30
)
CERTAIN = MaskingRule(name="http", regex="HTTP/1.1|[1-5]a", token="<HTTP>")


@settings(max_examples=200, deadline=None)
@given(LINES, st.sampled_from([(), (CERTAIN,)]), st.sampled_from([0, 500, 2000, 10**9]))
@example(["a0", "x1", "a00x1g", "0x0", "1x0", "g0x1f0 1"], (), 0)
@example([" ".join(f"n{i}" for i in range(3000)), "n" + "5" * 3000], (), 2000)
def test_masked_lines_are_those_of_masking_every_line(lines, extra, limit):
    masking = MaskingSettings(extra=extra)
    drain = Drain()
    shapes = Shapes(masking, drain)
    for part in (lines[:10], lines[10:], lines):
        if part:
            ids = shapes.line_ids(Texts.of(part))
            assert drain.lines.strings().gather(ids).to_list() == mask(pl.Series(part), masking).to_list()
            shapes.forget(limit)


def test_only_a_new_shape_is_masked(monkeypatch):
    masked: list[str] = []

    def counting(lines: pl.Series, settings: MaskingSettings) -> pl.Series:
        masked.extend(lines)
        return mask(lines, settings)

    monkeypatch.setattr("logradar.parsing.shapes.mask", counting)
    drain = Drain()
    shapes = Shapes(MaskingSettings(), drain)
    shapes.line_ids(Texts.of([f"job{10 + i % 90} took {100 + i % 900} s" for i in range(5000)]))
    assert len(masked) == 1
    assert len(drain.lines) == 90


def test_forgetting_keeps_the_clusters_and_frees_the_memory():
    drain = Drain()
    shapes = Shapes(MaskingSettings(rules=DEFAULT_RULES[:1]), drain)
    lines = [f"user{i} did thing{i} in {i}" for i in range(3000)]
    before = drain.scan(shapes.line_ids(Texts.of(lines)))
    full = shapes.nbytes
    shapes.forget()
    assert shapes.nbytes < full / 5
    assert np.array_equal(drain.scan(shapes.line_ids(Texts.of(lines[::-1]))), before[::-1])


def test_what_was_used_lately_is_kept():
    drain = Drain()
    shapes = Shapes(MaskingSettings(), drain)
    old, new = ([f"{kind} job{i} of {i} in x" + "y" * (i % 70) for i in range(700)] for kind in ("old", "new"))
    shapes.line_ids(Texts.of(old))
    both = shapes.nbytes
    shapes.line_ids(Texts.of(new))
    shapes.line_ids(Texts.of(old[:10]))
    shapes.forget(both * 3 // 2)
    known = set(drain.lines.strings())
    assert {mask(pl.Series(old[:10]), shapes.masking)[3], "new job3 of <NUM> in xyyy"} < known
    assert "old job300 of <NUM> in x" + "y" * 20 not in known
    assert len(shapes.shapes) < 200


SAME = [
    "0b1c2d3e-4f5a-6b7c-8d9e-0f1a2b3c4d5e",
    "ffffffff-0000-1111-2222-333333333333",
    "00000000-a000-0000-0000-000000000000",
]


@pytest.mark.parametrize("ids", [SAME, ["ab12cd34ef", "0000aaaaaa", "ABCDEFabcd"], ["0x1f", "0x00", "0xAb"]])
def test_hexadecimal_ids_have_one_shape(ids):
    drain = Drain()
    shapes = Shapes(MaskingSettings(), drain)
    shapes.line_ids(Texts.of([f"[req-{i}] done by n7_{i}, {i}" for i in ids]))
    assert len(shapes.shapes) == 1
    wordy = MaskingRule(name="word", regex="[a-z]+", token="<WORD>")
    shapes = Shapes(MaskingSettings(extra=(wordy,)), drain)
    shapes.line_ids(Texts.of([f"[req-{i}] done by n7_{i}, {i}" for i in ids]))
    assert len(shapes.shapes) > 1
