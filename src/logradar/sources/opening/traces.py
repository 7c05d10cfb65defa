"""Traces: lines that belong to the message before, because they continue the stack trace that began there.

Most of them show it by themselves (`BELOW`, `NO_START`): they are indented, or begin with ``Caused by:``. Others look
like ordinary text and are recognised by the line that began the trace: the exception that ends a Python traceback, the
calls in a Go trace. What the last such line was is remembered from block to block.
"""

from __future__ import annotations

from typing import Final

import polars as pl

_CHAINED: Final = (
    r"During handling of the above exception, another|The above exception was the direct cause of"  # Python
    r"|goroutine [0-9]+ \[|\[signal SIG"  # Go
    r"|(?:PHP )?Stack trace:$|#[0-9]+ |\[(?:previous exception|stacktrace)\]|Next [\w\\]+(?:Exception|Error)\b"  # PHP
    r"|stack backtrace:$|note: (?:run with|[sS]ome details)"  # Rust
)
# Beginnings of lines that belong to the message before, if nothing else shows it: stack traces and tracebacks.
BELOW: Final = (
    r"^(?:\s+(?:at |\.\.\. |File \x22|Suppressed:|Caused by:|---|thrown in |[0-9]+: )|Caused by: "
    rf"|Traceback \(most recent call last\)|{_CHAINED}|\t+\S|    +\S)"
)
# Lines that do not help to detect the format of a file.
NO_START: Final = (
    r"^(?:\s|Caused by:|Traceback \(|\.\.\. [0-9]|\x22?[\])}>]|</"
    rf"|[\w.$\\]+(?:Exception|Error|Throwable)\b|#+\s*$|[-=*]{{5,}}|{_CHAINED})"
)
_NAMED: Final = (
    r"^[A-Za-z_][\w.]*(?:: |:?$)"  # the exception that Python prints after the indented lines of a traceback
)
_DEEP: Final = r"^(?:\t|    )\s*\S"
_CALL: Final = r"^(?:created by \S|\.\.\.|[\w./*()\[\]{}~%·,…-]+\(.*\)$)"  # of Go: a function and its arguments
_BEGINS: Final = (("Traceback (most recent call last)", 1), ("goroutine ", 2))
_GOROUTINE: Final = r"^goroutine [0-9]+ \["


class Traces:
    """Says of the lines of one file which ones a trace before them explains, block after block."""

    def __init__(self) -> None:
        self._deep = 0  # number of the last line, if it is deeply indented
        self._kind = 0  # of the trace that the last line belongs to: 1 Python, 2 Go, 0 none

    def state(self) -> list[int]:
        """What is remembered of the lines so far."""
        return [self._deep, self._kind]

    def restore(self, state: list[int]) -> None:
        """Take over what `state` gave."""
        self._deep, self._kind = map(int, state)

    def mark(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Adds ``after``: whether a row (``line``, ``text``) continues a trace and could not tell that by itself."""
        text = rows["text"]
        deep = text.str.contains(_DEEP)
        before = pl.concat([pl.Series([self._deep]), deep.cast(pl.Int64) * rows["line"]])  # its line, or 0
        self._deep = int(before[-1])
        begins = [text.str.contains(words, literal=True) for words, _ in _BEGINS]
        if not self._kind and not any(found.any() for found in begins):
            return rows.with_columns(after=pl.lit(False))
        call = text.str.contains(_CALL)
        plain = ~text.str.contains(r"^\s") & ~call
        kind = (
            pl.when(begins[0]).then(1).when(text.str.contains(_GOROUTINE)).then(2).when(plain).then(0)
        )  # null for lines that begin and end nothing
        kinds = pl.concat([pl.Series([self._kind], dtype=pl.Int32), pl.select(kind.cast(pl.Int32)).to_series()])
        inside = kinds.forward_fill()
        self._kind = int(inside[-1])
        follows = (before[:-1] == rows["line"] - 1) & (before[:-1] > 0)
        python = (inside[:-1] == 1) & follows & text.str.contains(_NAMED)
        return rows.with_columns(after=python | ((inside[:-1] == 2) & call))
