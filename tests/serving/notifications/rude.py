"""Receivers without manners, on loopback: they close, reset, say nothing, or never stop talking."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager


class Rude:
    """Accepts connections and treats them as ``manner`` says; ``visits`` counts them."""

    def __init__(self, manner: str) -> None:
        self.manner, self.visits, self.over = manner, 0, threading.Event()
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}/hook"
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def _accept(self) -> None:
        while True:
            try:
                visitor, _ = self._socket.accept()
            except OSError:
                return
            self.visits += 1
            threading.Thread(target=self._treat, args=(visitor,), daemon=True).start()

    def _treat(self, visitor: socket.socket) -> None:
        with contextlib.suppress(OSError), visitor:
            if self.manner == "close":
                return
            heard = visitor.recv(1 << 16)
            if self.manner == "reset":
                visitor.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            elif self.manner == "echo":
                visitor.sendall(heard)
            elif self.manner == "silent":
                self.over.wait(60)
            elif self.manner == "garbage":
                visitor.sendall(b"\x00\x01 this is no HTTP\r\n\r\n")
            elif self.manner == "talkative":  # a header that never ends, a byte at a time
                visitor.sendall(b"HTTP/1.1 200 OK\r\nX: ")
                while not self.over.is_set():
                    visitor.sendall(b"x")
                    time.sleep(0.01)

    def close(self) -> None:
        self.over.set()
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


@contextmanager
def rude(manner: str) -> Iterator[Rude]:
    """A receiver with this manner."""
    one = Rude(manner)
    try:
        yield one
    finally:
        one.close()
