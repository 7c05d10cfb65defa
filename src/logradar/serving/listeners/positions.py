"""Positions: a JSON file that says how far each followed file was read, always whole and never ahead of the sink."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from logradar.core.files import require_writable, write_whole
from logradar.core.progress import say

FORMAT: Final = 1


class Positions:
    """What is stored in the file ``path``; None: nothing is stored, and every start reads from the beginning.

    A file that is damaged, or of another version, counts as none, and a sentence says so: then lines are repeated, but
    none is lost. Raises `InputError` where the file cannot be written.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._known: dict[str, dict[str, Any]] = {}
        self._stored = ""
        if path is None:
            return
        require_writable(path)
        if path.exists():
            try:
                document = json.loads(path.read_text(encoding="utf-8"))
                if document["format"] != FORMAT:
                    raise ValueError("another version")
                self._known = {str(name): dict(one) for name, one in document["files"].items()}
            except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
                say(f"'{path}' does not say how far files were read; they are read from their start.")

    def get(self, name: str) -> dict[str, Any] | None:
        """The position of a file, None if it is not known."""
        return self._known.get(name)

    def forget(self, name: str) -> None:
        """A file is gone for ever."""
        self._known.pop(name, None)

    def store(self, positions: dict[str, dict[str, Any]]) -> None:
        """Write these positions and those of files that are not open now. Raises `OSError` where the disk is full."""
        self._known |= positions
        if self._path is None:
            return
        text = json.dumps({"format": FORMAT, "files": self._known})
        if text != self._stored:
            write_whole(self._path, text)
            self._stored = text
