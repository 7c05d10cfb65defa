"""Interrupts: a Ctrl-C that some library swallowed is heard at the next step.

Python raises `KeyboardInterrupt` wherever the program is at that moment. Where that is inside a callback of compiled
code, the exception is printed or dropped, and a training goes on to its end. So the signal is remembered too.
"""

from __future__ import annotations

import signal
from types import FrameType

_asked = {"stop": False}


def listen() -> None:
    """Remember Ctrl-C from now on; it still raises `KeyboardInterrupt` at once. For the main thread only."""
    _asked["stop"] = False
    signal.signal(signal.SIGINT, _interrupt)


def heed() -> None:
    """Raise `KeyboardInterrupt` where Ctrl-C was pressed and something swallowed it."""
    if _asked["stop"]:
        raise KeyboardInterrupt


def _interrupt(number: int, frame: FrameType | None) -> None:
    _asked["stop"] = True
    raise KeyboardInterrupt
