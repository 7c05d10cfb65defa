"""A claim on a folder: one at a time, refused in a sentence, and without a file left where that is wished."""

from __future__ import annotations

import fcntl
import threading
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from logradar.core.errors import StateError
from logradar.core.locks import claimed


def test_a_claim_is_refused_while_another_one_holds(tmp_path: Path):
    with claimed(tmp_path), pytest.raises(StateError, match="Another process works in"), claimed(tmp_path):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["lock"]
    with claimed(tmp_path), claimed(tmp_path, "another", left=False):
        assert (tmp_path / "another").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["lock"]


def test_one_at_a_time_also_where_the_file_is_removed_each_time(tmp_path: Path):
    inside, together, held = [], [], []

    def work() -> None:
        for _ in range(300):
            with suppress(StateError), claimed(tmp_path, "x", left=False):
                inside.append(1)
                together.append(len(inside))
                held.append(1)
                inside.pop()

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert held and set(together) == {1}
    assert list(tmp_path.iterdir()) == []


def test_a_claim_on_a_file_that_its_last_owner_removes_is_one_on_the_next_file(tmp_path: Path, monkeypatch):
    """The owner ends between the moments in which the next one opens the file and locks it."""
    owner, lock = ExitStack(), fcntl.flock
    owner.enter_context(claimed(tmp_path, "x", left=False))

    def late(handle: int, how: int) -> None:
        owner.close()
        lock(handle, how)

    monkeypatch.setattr(fcntl, "flock", late)
    with claimed(tmp_path, "x", left=False):
        monkeypatch.undo()
        with pytest.raises(StateError), claimed(tmp_path, "x", left=False):
            pass
    assert list(tmp_path.iterdir()) == []
