"""A mirror for each test, and progress as it was."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.sources.download.mirror import Mirror, running

from logradar.core import progress


@pytest.fixture
def mirror() -> Iterator[Mirror]:
    progress.quiet(False)
    with running() as started:
        yield started


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "out"
