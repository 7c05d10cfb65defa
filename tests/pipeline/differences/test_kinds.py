"""Kinds of records: the same whatever the order of runs, batches and lines on disk."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from logradar.pipeline.differences.kinds import REST, Miner
from logradar.pipeline.differences.masked_lines import MaskedLines
from logradar.pipeline.differences.stack_traces import DISTINCT, TraceDepth, trace_keys

TRACE = (
    "java.io.IOException: no\n\tat a.B.read(B.java:{line})\n\tat a.C.run(C.java:9)\n"
    "Caused by: x.YError: z\n\tat x.Y.f(Y.java:3)"
)
BODIES = [
    *(f"served request {n} in {n % 7}ms" for n in range(40)),
    *(f"user u{n % 3} logged {'in' if n % 2 else 'out'}" for n in range(20)),
    *(f"read failed\n{TRACE.format(line=n)}" for n in range(3)),
    "read failed\njava.lang.NullPointerException\n\tat a.B.read(B.java:7)",
    "disk is full",
]


def records(bodies: list[str]) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "record_id": range(len(bodies)),
            "timestamp": [datetime(2024, 5, 1, tzinfo=UTC)] * len(bodies),
            "level": pl.Series([17 if "failed" in body else 9 for body in bodies], dtype=pl.Int8),
            "body": bodies,
        }
    )


def kinds(batches: list[pl.DataFrame], folder: Path) -> list[tuple]:
    miner = Miner(folder)
    miner.learn(batches)
    miner.freeze()
    texts = miner.templates
    rows = miner.counted(batches, 0)
    return sorted((texts[row["template_id"]], *list(row.values())[1:]) for row in rows.to_dicts())


@given(st.lists(st.integers(1, len(BODIES)), max_size=8), st.randoms())
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_neither_the_cut_nor_the_order_of_batches_matters(tmp_path, cuts, random):
    whole = records(BODIES)
    ends = sorted({0, len(whole), *cuts})
    batches = [whole[start:end] for start, end in pairwise(ends)]
    random.shuffle(batches)
    assert kinds(batches, tmp_path) == kinds([whole], tmp_path)


def test_lines_on_disk_come_in_the_same_order(tmp_path):
    texts = pl.Series([f"line {n * 7919 % 5000}" for n in range(6_000)])
    small, large = MaskedLines(tmp_path / "small", limit=8_000), MaskedLines(tmp_path / "large")
    for start in range(0, len(texts), 500):
        small.add(texts[start : start + 500])
        large.add(texts[start : start + 500])
    assert len(list((tmp_path / "small").iterdir())) > 3
    assert pl.concat(list(small.pieces())).equals(pl.concat(list(large.pieces())))


def test_a_trace_counts_by_its_first_frames_and_its_cause():
    one, other, third, none = trace_keys(
        pl.Series([BODIES[60], BODIES[61], BODIES[63], "key = value\n\tother = value\n"])
    ).to_list()
    assert one == other == "java.io.IOException | x.YError | a.B.read < a.C.run | x.Y.f"
    assert third == "java.lang.NullPointerException |  | a.B.read | "
    assert none == ""


def test_a_python_traceback_counts_by_its_exception():
    body = 'lost\nTraceback (most recent call last):\n  File "/a/b.py", line 7, in run\n    f()\nValueError: no 7'
    assert trace_keys(pl.Series([body])).to_list() == ["ValueError |  | run | "]


def test_very_many_traces_are_compared_less_exactly():
    depth = TraceDepth()
    depth.add(pl.Series([f"x\nA{chr(97 + n % 26) * (n // 26 + 1)}Error: y\n\tat a.b(C:1)" for n in range(60)]))
    assert depth.depth == 2
    depth.add(
        pl.Series([f"x\nIOError: y\n\tat a.{'b' * (n % 90)}.{'c' * (n // 90)}x(C:1)" for n in range(DISTINCT + 9)])
    )
    assert depth.depth == 1


@pytest.mark.parametrize("bodies", [[""], ["\n\n"], ["   "], ["one"]])
def test_lines_that_say_nothing_are_kinds_too(tmp_path, bodies):
    assert sum(row[4] for row in kinds([records(bodies)], tmp_path)) == 1


def test_messages_beyond_the_limit_of_templates_are_one_kind(tmp_path):
    letters = "abcdefghijklmnopqrstuvwxyz"
    bodies = [
        " ".join(letters[(n // 26**k) % 26] * (k + 2) for k in range(4)) + f" {'x' * (n % 9)}y" for n in range(15_000)
    ]
    found = kinds([records(bodies)], tmp_path)
    assert sum(row[4] for row in found) == len(bodies)
    assert len(found) <= 10_001
    assert {row[0] for row in found} >= ({REST} if len(found) > 10_000 else set())
