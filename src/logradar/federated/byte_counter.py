"""A byte counter: passes a TCP connection on and counts what goes through, both ways, framing included."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from typing import Final, Self

_PIECE: Final = 1 << 16
_LOOPBACK: Final = "127.0.0.1"


class ByteCounter:
    """Listens on a free port of loopback and passes everything on to ``port``; ``up`` and ``down`` count bytes.

    Up is what those that connect send. It counts what TCP carries: not the headers of its packets.
    """

    def __init__(self, port: int) -> None:
        self._target = port
        self.up = self.down = 0
        self._lock = threading.Lock()
        self._listener = socket.create_server((_LOOPBACK, 0))
        self.port: int = self._listener.getsockname()[1]
        self._open: set[socket.socket] = set()
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()
        for one in list(self._open):
            one.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:  # it was closed
                return
            try:
                far = socket.create_connection((_LOOPBACK, self._target))
            except OSError:
                near.close()
                continue
            self._open |= {near, far}
            for source, sink, upward in ((near, far, True), (far, near, False)):
                threading.Thread(target=self._pass_on, args=(source, sink, upward), daemon=True).start()

    def _pass_on(self, source: socket.socket, sink: socket.socket, upward: bool) -> None:
        try:
            while piece := source.recv(_PIECE):
                with self._lock:
                    self.up += len(piece) * upward
                    self.down += len(piece) * (not upward)
                sink.sendall(piece)
        except OSError:  # one side is gone
            pass
        finally:
            self._open -= {source, sink}
            for one in (source, sink):
                with suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)
                one.close()
