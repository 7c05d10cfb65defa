"""``training.log``: one line of plain text for each event of a training, with its time."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Final

FILE: Final = "training.log"


class TrainingLog:
    """Appends lines to ``training.log`` in a run's folder; a resumed training continues the same file.

    When a line cannot be written (the disk is full), the log ends and the training continues.
    """

    def __init__(self, folder: Path | None, anew: bool) -> None:
        self._path = folder / FILE if folder is not None else None
        if self._path is not None and anew:
            self._path.unlink(missing_ok=True)

    def write(self, text: str) -> None:
        """Append one line, which begins with the time (UTC)."""
        if self._path is None:
            return
        try:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(f"{datetime.now(UTC).isoformat(timespec='seconds')} {text}\n")
        except OSError:
            self._path = None
