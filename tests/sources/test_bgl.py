"""BGL's lines as event numbers: windows of any length, labelled as the published windows of 300 lines are."""

from __future__ import annotations

import gzip

import numpy as np
import polars as pl
import pytest
from published import sessions_of, whole
from reading_lines import write

from logradar.core.quarantine import Quarantine
from logradar.sources.base import ReadLimits
from logradar.sources.bgl import Bgl

HEADER = "line,event_id,line_label,window_label\n"


def lines(odd=()):
    return HEADER + "".join(f"{n},E{n % 7 + 1},{int(n in odd)},0\n" for n in range(25))


@pytest.mark.parametrize(("window", "lengths"), [(1, [1] * 25), (10, [10, 10, 5]), (None, [25]), (10**9, [25])])
def test_windows_of_lines(tmp_path, window, lengths):
    frame = sessions_of(Bgl, write(tmp_path / "e.csv", lines(odd={12})), window=window)
    assert frame["event_sequence"].list.len().to_list() == lengths
    assert frame["label"].sum() == 1
    odd = frame.filter("label")["session_key"].to_list()
    assert odd == [f"e[{12 // (window or 100) * (window or 100) + 1}]"]
    assert frame["event_sequence"].explode().to_list() == [n % 7 + 1 for n in range(25)]


def test_a_window_goes_over_blocks(tmp_path):
    file = write(tmp_path / "e.csv", lines(odd={3}))
    small = sessions_of(Bgl, file, window=10, limits=ReadLimits(block=64, rows=4))
    assert small.drop("offset").equals(sessions_of(Bgl, file, window=10).drop("offset"))


def test_damaged_lines_are_told(tmp_path):
    bad = Quarantine()
    text = HEADER + "0,E1,0,0\n1,,0,0\n2,E2,7,0\n3,E3,1,0\n"
    frame = sessions_of(Bgl, write(tmp_path / "e.csv", text), quarantine=bad, window=1)
    assert frame["event_sequence"].to_list() == [[1], [3]]
    assert bad.count == 2


def test_windows_of_300_have_the_published_labels(data_dir):
    frame = whole("bgl", data_dir, window=300)[1]
    with gzip.open(data_dir / "bgl" / "BGL_events_0_79999.csv.gz") as file:
        published = pl.read_csv(file)["window_label"]
    begin = np.arange(0, 79_501, 300)
    assert frame["label"].head(len(begin)).to_list() == published[begin].cast(pl.Boolean).to_list()


def test_lines_have_texts(data_dir):
    frame = whole("bgl", data_dir, window=1)[1]
    assert (len(frame), frame["label"].sum()) == (80_000, 2_581)
    assert frame["original_logs"].explode().str.contains("<*>", literal=True).mean() > 0.5
