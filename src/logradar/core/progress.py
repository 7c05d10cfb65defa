"""Progress on stderr: a bar with rate and remaining time in a terminal, plain lines elsewhere.

Nothing is shown for work that ends within two seconds. `quiet` turns all progress off.
"""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Any, Self

from logradar.core.filenames import plain, readable
from logradar.core.interrupts import heed

SHOW_AFTER = 2.0  # seconds
LINE_EVERY = 10.0  # seconds between two plain lines
_state = {"quiet": False}


def quiet(on: bool = True) -> None:
    """Turn progress off from now on (or on again, with False)."""
    _state["quiet"] = on


def say(text: str) -> None:
    """Print one line for people on stderr, unless progress is turned off."""
    if not _state["quiet"]:
        print(plain(text), file=sys.stderr, flush=True)


class Progress:
    """A context manager that shows how much of a piece of work is done.

    >>> with Progress("reading", total=2, unit="lines") as bar:
    ...     bar.advance(2)
    """

    def __init__(self, title: str, total: float | None = None, unit: str = "") -> None:
        self.title, self.total, self.unit = title, total, unit
        self.done = self.done_before = 0.0  # `done_before` was done by an earlier run and does not count for the rate
        self.note = ""

    def __enter__(self) -> Self:
        self._began = self._shown = time.monotonic()
        self._printed: float | None = None  # amount in the last plain line
        self._bar: Any = None
        return self

    def advance(self, amount: float = 1, note: str = "") -> None:
        """Add ``amount`` to what is done; ``note`` (loss, file name) is shown after the figures.

        Raises `KeyboardInterrupt` where Ctrl-C was pressed and swallowed before (`heed`).
        """
        heed()
        self.done += amount
        self.note = readable(note) or self.note
        now = time.monotonic()
        if _state["quiet"] or now - self._began < SHOW_AFTER:
            return
        if sys.stderr.isatty():
            self._draw()
        elif now - self._shown >= LINE_EVERY:
            self._shown, self._printed = now, self.done
            print(self.line(), file=sys.stderr, flush=True)

    def line(self) -> str:
        """The progress as one plain line: title, done of total, rate, remaining time, note."""
        seconds = max(time.monotonic() - self._began, 1e-9)
        rate = (self.done - self.done_before) / seconds
        parts = [f"{self.title}: {_amount(self.done, self.unit)}"]
        if self.total:
            of = f"{_figure(self.done)} of {_amount(self.total, self.unit)}"
            parts = [f"{self.title}: {of} ({min(self.done / self.total, 1):.0%})"]
        parts.append(f"{_amount(rate, self.unit)}/s")
        if self.total and rate:
            parts.append(f"{clock((self.total - self.done) / rate)} left")
        return ", ".join(parts + [self.note] * bool(self.note))

    def _draw(self) -> None:
        if self._bar is None:
            self._bar = _rich_bar()
            self._bar.start()
            self._task = self._bar.add_task(self.title, total=self.total, rate="", note="")
        seconds = max(time.monotonic() - self._began, 1e-9)
        rate = f"{_amount((self.done - self.done_before) / seconds, self.unit)}/s"
        self._bar.update(self._task, completed=self.done, rate=rate, note=self.note)

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()
        elif kind is None and self._printed not in (None, self.done) and not _state["quiet"]:
            print(self.line(), file=sys.stderr, flush=True)


def _rich_bar() -> Any:
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    return Bar(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}% {task.fields[rate]} {task.fields[note]}", markup=False),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    )


def _figure(number: float) -> str:
    for limit, letter in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if abs(number) >= limit:
            return f"{number / (limit if letter != 'k' else 1e3):.1f} {letter}"
    return f"{number:,.0f}" if number >= 10 or number == int(number) else f"{number:.2f}"


def _amount(number: float, unit: str) -> str:
    """A figure with its unit: "1.5 GB", "12.3 k lines", "7 epochs"."""
    figure = _figure(number)
    close = not unit or (unit == "B" and figure[-1].isalpha())
    return figure + ("" if close else " ") + unit


def clock(seconds: float) -> str:
    """Seconds as ``m:ss`` or ``h:mm:ss``."""
    minutes, rest = divmod(int(max(seconds, 0)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
