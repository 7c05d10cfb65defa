"""The command line as a user calls it, in this process."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from logradar.cli import main
from logradar.core import progress


@dataclass
class Done:
    """What a call left: its exit code and what it printed."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict:
        return json.loads(self.out)


@pytest.fixture
def logradar(monkeypatch, capfdbinary) -> Callable[..., Done]:
    """Call `logradar` with these words; never raises what a user would not see."""

    def call(*words: object) -> Done:
        capfdbinary.readouterr()
        progress.quiet(False)
        monkeypatch.setattr(sys, "argv", ["logradar", *map(str, words)])
        with pytest.raises(SystemExit) as stopped:
            main()
        out, err = capfdbinary.readouterr()
        return Done(stopped.value.code or 0, out.decode(), err.decode())

    return call
