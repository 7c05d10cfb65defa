"""Landing: segments of the log that are complete are copied to a folder, where an engine reads them.

A segment is there whole or not at all. One that could not be copied stays in the log until it is.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterable
from pathlib import Path

from logradar.core.files import draft_of
from logradar.core.progress import say


class Landing:
    """Copies segments to ``folder``, each log to a folder of its own; a segment is complete after ``seconds``."""

    def __init__(self, folder: Path, seconds: float) -> None:
        self.folder, self._seconds = folder, seconds
        self._begun = time.monotonic()
        self._landed: set[str] = set()
        self._problem = ""

    def is_due(self) -> bool:
        """Whether the segment that is written has been open for long enough."""
        return time.monotonic() - self._begun >= self._seconds

    def put(self, segments: Iterable[Path], identity: str) -> None:
        """Copy the complete ``segments`` of the log of that name that are not there yet, in their order."""
        self._begun = time.monotonic()
        segments = list(segments)
        self._landed &= {path.name for path in segments}
        for path in segments:
            if path.name in self._landed:
                continue
            place = self.folder / identity / path.name
            try:
                if not place.exists() or place.stat().st_size != path.stat().st_size:
                    place.parent.mkdir(parents=True, exist_ok=True)
                    with draft_of(place) as draft:
                        shutil.copyfile(path, draft)
            except OSError as error:
                self._say(f"A segment of the log cannot be copied to '{self.folder}' ({error.strerror or error}).")
                return
            self._landed.add(path.name)
        self._problem = ""

    def has(self, path: Path) -> bool:
        """Whether a segment may be deleted where it came from."""
        return path.name in self._landed

    def _say(self, sentence: str) -> None:
        if sentence != self._problem:
            say(f"{sentence} It stays where it is, and is copied with the next one.")
        self._problem = sentence
