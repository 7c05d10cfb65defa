"""A mirror on this machine that misbehaves as told: a real HTTP server in a thread, on loopback."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Answer:
    """How one request is answered. Without anything else: the whole body, or the range that was asked for."""

    body: bytes = b""
    status: int = 200
    etag: str | None = None
    modified: str | None = None
    cut: int | None = None  # bytes of the body after which the connection ends
    ranges: bool = True  # whether Range is heard
    if_range: bool = True  # whether If-Range is heard
    length: str | None = "right"  # Content-Length: None for none, or any text
    content_range: str | None = None  # another Content-Range than the right one
    chunked: bool = False
    endless: bool = False  # the body again and again
    slow: tuple[int, float] | None = None  # so many bytes, then so many seconds
    headers: dict[str, str] = field(default_factory=dict)
    raw: bytes | None = None  # instead of all of this


@dataclass
class Asked:
    """One request as it came, and how many bytes of a body it was answered with."""

    path: str
    range: str | None
    if_range: str | None
    sent: int = 0


class Mirror:
    """Answers by path; of several answers each is given once, and the last one from then on."""

    def __init__(self) -> None:
        self.answers: dict[str, list[Answer]] = {}
        self.asked: list[Asked] = []
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.server.daemon_threads = True

    def url(self, path: str = "/a.zip") -> str:
        return f"http://127.0.0.1:{self.server.server_port}{path}"

    def gives(self, *answers: Answer, path: str = "/a.zip") -> str:
        self.answers[path] = list(answers)
        return self.url(path)

    @property
    def ranges(self) -> list[str | None]:
        return [one.range for one in self.asked]

    def _handler(mirror) -> type[BaseHTTPRequestHandler]:  # noqa: N805 `self` is that of the handler
        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *args: object) -> None:
                pass

            def do_GET(self) -> None:
                note = Asked(self.path, self.headers["Range"], self.headers["If-Range"])
                mirror.asked.append(note)
                listed = mirror.answers.get(self.path.partition("?")[0], [Answer(status=404)])
                answer = listed.pop(0) if len(listed) > 1 else listed[0]
                with suppress(OSError):  # the client has gone
                    reply(self, answer, note)
                self.close_connection = True

        return Handler


def reply(handler: BaseHTTPRequestHandler, answer: Answer, note: Asked) -> None:
    if answer.raw is not None:
        handler.wfile.write(answer.raw)
        return
    body, status, total = answer.body, answer.status, len(answer.body)
    headers = dict(answer.headers)
    same = note.if_range in (None, answer.etag, answer.modified) or not answer.if_range
    if status == 200 and answer.ranges and note.range and same:
        begin = int(re.fullmatch(r"bytes=(\d+)-", note.range)[1])
        if begin >= total:
            body, status, headers["Content-Range"] = b"", 416, f"bytes */{total}"
        else:
            body, status = body[begin:], 206
            headers["Content-Range"] = answer.content_range or f"bytes {begin}-{total - 1}/{total}"
    handler.send_response(status)
    marks = {"ETag": answer.etag, "Last-Modified": answer.modified}
    headers |= {name: value for name, value in marks.items() if value}
    if answer.chunked:
        headers["Transfer-Encoding"] = "chunked"
    elif answer.length and not answer.endless:
        headers["Content-Length"] = str(len(body)) if answer.length == "right" else answer.length
    for name, value in headers.items():
        handler.send_header(name, value)
    handler.end_headers()
    for piece in pieces(body, answer):
        handler.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece) if answer.chunked else piece)
        note.sent += len(piece)
    if answer.chunked and answer.cut is None:
        handler.wfile.write(b"0\r\n\r\n")


def pieces(body: bytes, answer: Answer) -> Iterator[bytes]:
    while answer.endless:
        yield body
    body = body if answer.cut is None else body[: answer.cut]
    size, pause = answer.slow or (1 << 16, 0)
    for begin in range(0, len(body), size):
        yield body[begin : begin + size]
        time.sleep(pause)


@contextmanager
def running() -> Iterator[Mirror]:
    mirror = Mirror()
    thread = threading.Thread(target=mirror.server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield mirror
    finally:
        mirror.server.shutdown()
        mirror.server.server_close()
        thread.join()
