"""Real lines of 16 systems to mine."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture(params=["contents", "raw lines"])
def lines_of(request, data_dir: Path) -> Callable[[str], list[str]]:
    """The 2,000 lines of a loghub system: once their contents, once as they stand in the file."""

    def read(system: str) -> list[str]:
        folder = data_dir / "loghub_2k" / system
        if request.param == "contents":
            with (folder / f"{system}_2k.log_structured.csv").open(newline="") as file:
                return [row["Content"] for row in csv.DictReader(file)]
        content = (folder / f"{system}_2k.log").read_bytes().decode(errors="replace")
        return content.rstrip("\n").split("\n")

    return read
