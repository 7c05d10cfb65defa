"""The lines of one log that tell most: the same for any batches, failures before the rest, bounded."""

from __future__ import annotations

import polars as pl
import pytest
from tests.pipeline.differences.test_kinds import records

from logradar.pipeline.differences import ranked_lines
from logradar.pipeline.differences.kinds import Miner
from logradar.pipeline.differences.ranked_lines import RankedLines

LOG = [
    *(f"Compiling crate-{n} v1.{n}.0" for n in range(300)),
    "test parse ... ok",
    "error[E0308]: mismatched types",
    "  --> src/main.rs:5:5",
    *(f"test case_{n} ... ok" for n in range(300)),
    "##[error]Process completed with exit code 101.",
    *(f"cleaning up process {n}" for n in range(50)),
]


def ranked(sizes: int, most: int, tmp_path) -> pl.DataFrame:
    whole = records(LOG)
    batches = [whole[start : start + sizes] for start in range(0, len(whole), sizes)]
    miner = Miner(tmp_path)
    miner.learn(batches)
    miner.freeze()
    counts = dict(miner.counted(batches, 0).group_by("template_id").agg(pl.col("count").sum()).iter_rows())
    return RankedLines(miner, counts, len(LOG), most).ranked(batches)


@pytest.mark.parametrize("sizes", [1, 17, 200, 10_000])
def test_the_size_of_batches_does_not_matter(tmp_path, monkeypatch, sizes):
    whole = ranked(len(LOG), 60, tmp_path)
    monkeypatch.setattr(ranked_lines, "_CHUNK", 250)
    found = ranked(sizes, 60, tmp_path)
    assert found["record_id"].to_list() == whole["record_id"].to_list()
    assert found["score"].to_list() == pytest.approx(whole["score"].to_list())


def test_failures_come_first_with_what_is_around_them(tmp_path):
    found = ranked(len(LOG), 12, tmp_path)["record_id"].to_list()
    assert {301, 302, 603} <= set(found[:5])
    assert len(found) == 12


def test_records_of_several_lines_count_as_such(tmp_path):
    miner = Miner(tmp_path)
    batch = records(["fine", "failed\n\tat a.b(C:1)\n\tat a.c(C:2)", "fine"])
    miner.learn([batch])
    miner.freeze()
    counts = dict(miner.counted([batch], 0).group_by("template_id").agg(pl.col("count").sum()).iter_rows())
    found = RankedLines(miner, counts, 3, 3).ranked([batch])
    assert found["record_id"].to_list() == [1]
