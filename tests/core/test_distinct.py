"""Distinct sequences out of core: against the ones in memory, whatever the chunks and the memory."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from logradar.core.distinct import count_distinct, sweep
from logradar.core.sequences import Sequences

Sequences.from_lists([[1]]).distinct()  # compiled before hypothesis looks at the clock
corpora = st.lists(
    st.lists(st.lists(st.integers(-(2**31), 2**31 - 1) | st.integers(0, 3), max_size=5), max_size=12), max_size=6
)


def random_rows(count: int, seed: int, ids: int = 500) -> Sequences:
    rng = np.random.default_rng(seed)
    offsets = np.concatenate([[0], np.cumsum(rng.integers(0, 30, count))])
    return Sequences.of(rng.integers(3, ids, offsets[-1]).astype(np.int32), offsets)


def counted(rows: Sequences) -> Counter:
    return Counter({tuple(row.tolist()): int(count) for row, count in zip(rows, rows.counts, strict=True)})


@settings(deadline=None, max_examples=50)
@given(corpora, st.sampled_from([0, 40, 200, 1 << 20]))
def test_it_is_distinct_of_all_chunks_together(corpus, memory):
    chunks = [Sequences.from_lists(rows) for rows in corpus]
    found = count_distinct(chunks, memory=memory)
    expected = Sequences.from_lists([row for rows in corpus for row in rows]).distinct()
    assert counted(found.loaded()) == counted(expected)
    assert (len(found), found.total, found.values) == (len(expected), expected.counts.sum(), len(expected.values))
    if found.whole is not None:  # in order of first appearance
        assert [row.tolist() for row in found.whole] == [row.tolist() for row in expected]


@settings(deadline=None, max_examples=10)
@given(st.lists(st.integers(0, 400), max_size=6), st.sampled_from([2000, 1 << 20]))
def test_the_order_does_not_depend_on_the_chunks(cuts, memory):
    rows = random_rows(400, 1, ids=6)
    at = [0, *sorted(cuts), 400]
    chunks = [rows.part(start, stop) for start, stop in pairwise(at)]
    one, other = (count_distinct(parts, memory=memory).loaded() for parts in ([rows], chunks))
    assert one.values.tobytes() == other.values.tobytes()
    assert one.offsets.tobytes() == other.offsets.tobytes()
    assert one.counts.tolist() == other.counts.tolist()


def test_counts_of_the_chunks_add_up():
    rows = Sequences.from_lists([[3], [4], [3]]).distinct()
    for memory in (0, 1 << 20):
        assert counted(count_distinct([rows, rows], memory=memory).loaded()) == {(3,): 4, (4,): 2}


def test_files_are_read_in_bounded_chunks_and_go_with_their_owner(tmp_path):
    found = count_distinct([random_rows(3000, 0)], tmp_path, memory=10_000)
    assert found.whole is None
    assert [path.parent.name.startswith("distinct-") for path in found.files] == [True]
    assert not list(tmp_path.glob("spilled-*"))
    sizes = [len(chunk.values) for chunk in found.chunks(300)]
    assert max(sizes) <= 300
    assert sum(sizes) == found.values
    with found:
        pass
    assert not list(tmp_path.iterdir())


def test_an_interrupted_count_leaves_nothing(tmp_path):
    def chunks():
        yield random_rows(3000, 0)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        count_distinct(chunks(), tmp_path, memory=1000)
    assert not list(tmp_path.iterdir())


def test_one_sequence_larger_than_memory_is_still_counted():
    rows = Sequences.from_lists([[7] * 10_000] * 3 + [[8]])
    assert counted(count_distinct([rows], memory=100).loaded()) == counted(rows.distinct())


def test_derived_rows_are_distinct_again():
    for memory in (200, 1 << 20):
        found = count_distinct([random_rows(300, 2, ids=5)], memory=memory)
        firsts = found.derived(lambda part: Sequences(part.values[:0], part.offsets * 0, part.counts, part.inverse))
        assert counted(firsts.loaded()) == {(): 300}


def test_stored_rows_keep_their_order():
    found = count_distinct([random_rows(300, 3)])
    stored = found.stored()
    assert stored.whole is None
    assert stored.loaded().values.tobytes() == found.whole.values.tobytes()
    assert stored.stored() is stored


def test_equal_hashes_are_not_equal_rows(monkeypatch):
    monkeypatch.setattr(Sequences, "fingerprints", lambda self: np.zeros(len(self), np.uint64))
    rows = random_rows(60, 4, ids=5)
    expected = Counter(tuple(row.tolist()) for row in rows)
    assert counted(rows.distinct()) == expected
    assert counted(count_distinct([rows, rows.part(0, 0)], memory=100).loaded()) == expected


def test_what_a_killed_count_left_is_swept(tmp_path):
    code = f"""
        import os, pathlib
        from logradar.core.memory import peak_mb
        from logradar.core.distinct import count_distinct
        from logradar.core.sequences import Sequences
        folder = pathlib.Path({str(tmp_path)!r}) / "deeplog"
        found = count_distinct([Sequences.from_lists([[n] * 50 for n in range(400)])] * 3, folder, memory=100)
        os.kill(os.getpid(), 9)
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=False)
    assert done.returncode == -signal.SIGKILL
    (tmp_path / "checkpoint").touch()
    assert list((tmp_path / "deeplog").rglob("rows.parquet"))
    sweep(tmp_path)
    assert not list((tmp_path / "deeplog").iterdir())
    assert (tmp_path / "checkpoint").exists()


@pytest.mark.slow
def test_memory_does_not_grow_with_the_corpus():
    """All sequences distinct, 1 M and 4 M of them: the same peak within 20 %."""
    peaks = [_peak(count) for count in (1_000_000, 4_000_000)]
    assert peaks[1] < 1.2 * peaks[0]


def _peak(count: int) -> float:
    code = f"""
        import numpy as np
        from logradar.core.memory import peak_mb
        from logradar.core.distinct import count_distinct, sweep
        from logradar.core.sequences import Sequences
        def chunks():
            for seed in range({count} // 20_000):
                values = np.random.default_rng(seed).integers(3, 500, 440_000).astype(np.int32)
                yield Sequences.of(values, np.arange(20_001) * 22)
        found = count_distinct(chunks(), memory=16 << 20)
        assert len(found) == sum(map(len, found.chunks())) == {count}
        print(peak_mb())
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=True)
    return float(done.stdout)
