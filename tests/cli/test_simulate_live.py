"""Options of `logradar simulate` that belong to one kind of simulation are mistakes with the other."""

from __future__ import annotations

import re

import pytest


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "with -o, or send the logs"),
        (("--live",), "Say where the logs go"),
        (("--live", "--to", "http://h", "-o", "x"), "leave out -o"),
        (("--live", "--to", "http://h", "--size", "1MB"), "leave out -o"),
        (("--live", "--to", "http://h", "--faults", "none"), "in place of --faults"),
        (("--live", "--to", "http://h", "--speed", "-1"), "'speed' is -1"),
        (("--live", "--to", "http://h", "--fault", "nothing@1"), "no fault 'nothing'"),
        (("--live", "--to", "http://h", "encoding=xml"), "'encoding' is 'xml'"),
        (("-o", "x", "--speed", "2"), "add --live"),
        (("-o", "x", "--fault", "disk_full@3"), "add --live"),
    ],
)
def test_mistakes_are_sentences(logradar, tmp_path, monkeypatch, words, said):
    monkeypatch.chdir(tmp_path)
    done = logradar("simulate", *words)
    assert done.code == 2
    assert re.search(said, " ".join(done.err.split())), done.err
    assert not list(tmp_path.iterdir())
