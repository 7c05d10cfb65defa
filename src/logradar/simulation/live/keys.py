"""Keys: in a terminal, a letter begins a fault at once."""

from __future__ import annotations

import os
import select
import sys
import time
from types import TracebackType
from typing import Any, Final, Self

from logradar.simulation.faults import FAULTS

LETTERS: Final = dict(zip("abcdefghijklmnopqrstuvwxyz", FAULTS, strict=False))
QUIT: Final = "q"


class Keys:
    """A context manager in which `wait` gives the letters that are typed; without a terminal it only waits."""

    def __init__(self) -> None:
        self._terminal = sys.stdin is not None and sys.stdin.isatty()
        self._before: Any = None

    def __enter__(self) -> Self:
        if self._terminal:
            import termios
            import tty

            self._before = termios.tcgetattr(sys.stdin)
            tty.setcbreak(sys.stdin)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._before is not None:
            import termios

            termios.tcsetattr(sys.stdin, termios.TCSADRAIN, self._before)

    @property
    def help(self) -> str:
        """What the letters do; empty without a terminal."""
        if not self._terminal:
            return ""
        return "Keys: " + ", ".join(f"{letter} {name}" for letter, name in LETTERS.items()) + f"; {QUIT} ends."

    def wait(self, seconds: float) -> str:
        """Wait for so long, or for a letter; the letter, or an empty text."""
        if not self._terminal:
            time.sleep(seconds)
            return ""
        if not select.select([sys.stdin], [], [], seconds)[0]:
            return ""
        return os.read(sys.stdin.fileno(), 1).decode("ascii", "replace").lower()
