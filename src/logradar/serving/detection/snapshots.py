"""Snapshots: the whole state of detection, with the position in the log up to which it has read."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from logradar import __version__
from logradar.core.bundle import verify, writing
from logradar.core.errors import BundleError, StateError
from logradar.core.progress import say

FORMAT: Final = 1
KEPT: Final = 2  # snapshots; the older one is there in case the newer one is damaged
_NAME: Final = "state.json"


class Snapshots:
    """The snapshots in ``folder``, each a folder named by its position."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def save(self, position: int, values: dict[str, Any], tables: dict[str, pa.Table]) -> int:
        """Write a snapshot, whole or not at all; returns the oldest position that a restart may need."""
        about = {"kind": "service state", "state": FORMAT, "logradar": __version__, "position": position}
        with writing(self._folder / f"{position:020d}", about) as draft:
            (draft / _NAME).write_text(json.dumps(values))
            for name, table in tables.items():
                pq.write_table(table, draft / f"{name}.parquet", compression="zstd")
        known = self._positions()
        for old in known[:-KEPT]:
            shutil.rmtree(self._path(old))
        return known[-KEPT:][0]

    def load(self) -> tuple[int, dict[str, Any], dict[str, pa.Table]] | None:
        """The newest snapshot that is whole; None where there is none. Damaged ones are passed over with a sentence.

        Raises `StateError` where there are snapshots and none can be read.
        """
        known = self._positions()
        for position in reversed(known):
            path = self._path(position)
            try:
                about = verify(path)
                if about.get("state") != FORMAT:
                    raise StateError(f"The state in '{path}' was written by another version of LogRadar.")
                values = json.loads((path / _NAME).read_text())
                tables = {file.stem: pq.read_table(file) for file in sorted(path.glob("*.parquet"))}
            except (BundleError, OSError, ValueError, pa.ArrowInvalid) as error:
                say(f"The snapshot at position {position:,} cannot be read ({error}); the one before it is used.")
                continue
            return position, values, tables
        if known:
            raise StateError(f"No snapshot in '{self._folder}' can be read; move the folder away to start anew.")
        return None

    def _path(self, position: int) -> Path:
        return self._folder / f"{position:020d}"

    def _positions(self) -> list[int]:
        return sorted(int(path.name) for path in self._folder.iterdir() if path.is_dir() and path.name.isdecimal())
