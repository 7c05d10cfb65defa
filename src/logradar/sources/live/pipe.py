"""Pipe: bytes of standard input, or of any other stream, as they arrive."""

from __future__ import annotations

import select
from io import BufferedReader, RawIOBase, UnsupportedOperation
from typing import BinaryIO, Final, cast

STDIN: Final = "stdin"


class Pipe:
    """The bytes of a binary stream. It never is a new file."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream if isinstance(stream, BufferedReader) else BufferedReader(cast(RawIOBase, stream))
        self._buffered = True  # what `peek` has read already is not seen by `select`
        self.name, self.new_file = STDIN, False

    def peek(self, size: int) -> bytes:
        """The first bytes, as many as have arrived; waits for one."""
        return self._stream.peek(size)

    def ready(self, seconds: float | None) -> bool:
        """Whether there is something to read, or the end; waits ``seconds`` at most, for ever with None."""
        if self._buffered:
            self._buffered = False
            return True
        try:
            return bool(select.select([self._stream.fileno()], [], [], seconds)[0])
        except UnsupportedOperation:  # bytes in memory are always there
            return True

    def read(self, size: int) -> bytes:
        """At most ``size`` bytes; none at the end."""
        return self._stream.read1(size)
