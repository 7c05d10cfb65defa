"""The shop that runs by the wall clock: every record arrives once, faults are named, nothing is unaccounted for."""

from __future__ import annotations

import asyncio
import gzip
import json
import os
import pty
import re
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from logradar.core.errors import ConfigError
from logradar.serving.arrivals import Arrival
from logradar.serving.ingest import loki, otlp
from logradar.serving.ingest.limits import Limits
from logradar.serving.listeners.syslog import SyslogListener
from logradar.simulation.faults import FAULTS
from logradar.simulation.live.keys import LETTERS, QUIT
from logradar.simulation.live.run import simulate_live
from logradar.sources.simulated import FILES

SHORT = {"seconds": 1.0, "speed": 60.0}


class Receiver(ThreadingHTTPServer):
    """Takes what is posted; ``answers`` are statuses, with their headers, that are given before 200."""

    daemon_threads = True

    def __init__(self, answers=(), always=None):
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers, self.always = list(answers), always
        self.arrivals: list[Arrival] = []
        self.headers: list[dict[str, str]] = []
        self.times: list[float] = []

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = gzip.decompress(self.rfile.read(int(self.headers["Content-Length"])))
        server = self.server
        server.times.append(time.monotonic())
        server.headers.append(dict(self.headers))
        status, extra = server.always or (server.answers.pop(0) if server.answers else (200, {}))
        if status == 0:  # the connection breaks without an answer
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        if status == 200:
            module = {"/v1/logs": otlp, "/loki/api/v1/push": loki}[self.path]
            server.arrivals += module.decode(body, {}, Limits()).arrivals
        answer = b"{}" if status == 200 else b"not now"
        self.send_response(status)
        for name, value in extra.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *words):
        pass


@contextmanager
def receiving(*answers, always=None):
    server = Receiver(answers, always)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def check(result, arrivals, began, said):
    """Every record once, with its time, service, logger and trace; faults are named in what was printed."""
    assert result.sent == result.acknowledged == len(arrivals) > 300
    assert result.refused == 0
    assert {arrival.service for arrival in arrivals} == set(FILES)
    assert all(arrival.component.startswith(f"{arrival.service}.") for arrival in arrivals)
    assert {5, 9, 13, 17} >= {arrival.level for arrival in arrivals} >= {5, 9}
    assert all(re.fullmatch("[0-9a-f]{32}", arrival.session_key) for arrival in arrivals)
    for arrival in arrivals:
        assert began - 1 <= arrival.timestamp / 1e6 <= time.time() + 1
    lines = [(arrival.session_key, arrival.body) for arrival in arrivals]
    begins = Counter(key for key, body in lines if re.match("request [A-Z]+ /", body))
    assert begins and set(begins.values()) == {1}
    assert result.labels and set(result.labels.values()) == {"silent_drop"}
    assert set(result.labels) <= {key for key, _ in lines}
    for trace, fault in result.labels.items():
        assert any(f"session {trace} was changed by {fault}." in text for text in said)
    assert any("fault silent_drop begins" in text for text in said)


@pytest.mark.parametrize("encoding", ["json", "protobuf", "loki"])
def test_by_http_every_record_arrives_once(encoding, monkeypatch):
    monkeypatch.setenv("LOGRADAR_KEY", "secret-key")
    said, began = [], time.time()
    broken = [(0, {}), (503, {"Retry-After": "0"}), (429, {})]
    with receiving((200, {}), *broken) as server:
        to = server.url if encoding != "loki" else f"loki+{server.url}"
        given = {} if encoding == "loki" else {"encoding": encoding}
        result = simulate_live(to=to, fault=("silent_drop@0.1+30",), say=said.append, **SHORT, **given)
        check(result, server.arrivals, began, said)
        assert result.retries >= 2
        assert {headers["Authorization"] for headers in server.headers} == {"Bearer secret-key"}
        assert any("the records are offered again" in text for text in said)
    assert result.sentence().startswith(f"Sent {result.sent:,} records to {to} in ")


@pytest.mark.parametrize("kind", ["tcp", "udp"])
def test_by_syslog_every_record_arrives_once(kind):
    class Kept:
        def __init__(self):
            self.arrivals = []

        async def append(self, arrivals):
            self.arrivals += arrivals

    said, began = [], time.time()

    async def run():
        kept = Kept()
        listener = SyslogListener(kept)
        await listener.start()
        to = f"syslog+{kind}://127.0.0.1:{listener.ports[kind]}"
        given = {"to": to, "fault": ("silent_drop@0.1+30",), "say": said.append}
        result = await asyncio.to_thread(simulate_live, **given, **SHORT)
        async with asyncio.timeout(60):
            while len(kept.arrivals) < result.sent:
                await asyncio.sleep(0.02)
        await listener.stop()
        return result, kept.arrivals

    result, arrivals = asyncio.run(run())
    check(result, arrivals, began, said)


def test_retry_after_is_heeded():
    with receiving((429, {"Retry-After": "1"})) as server:
        result = simulate_live(to=server.url, say=lambda text: None, **SHORT)
        assert result.refused == 0 and result.retries == 1
        assert server.times[1] - server.times[0] >= 1.0


@pytest.mark.parametrize("status", [400, 401, 503])
def test_what_is_refused_is_counted(status):
    with receiving(always=(status, {})) as server:
        result = simulate_live(to=server.url, say=lambda text: None, patience=0.3, **SHORT)
        assert (result.acknowledged, result.refused) == (0, result.sent)
        assert result.sent > 300
        assert (result.retries > 0) == (status == 503)


def test_nobody_listens():
    said = []
    with socket.socket() as plain:
        plain.bind(("127.0.0.1", 0))
        port = plain.getsockname()[1]
        for to in (f"http://127.0.0.1:{port}", f"syslog+tcp://127.0.0.1:{port}"):
            result = simulate_live(to=to, say=said.append, patience=0.2, **SHORT)
            assert result.acknowledged + result.refused == result.sent > 0
            assert result.acknowledged == 0
    assert any("refused; the records are offered again" in text.lower() for text in said)


@pytest.mark.slow
def test_a_receiver_that_stops_reading_ends_with_the_patience():
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        to = f"syslog+tcp://127.0.0.1:{server.getsockname()[1]}"
        result = simulate_live(to=to, say=lambda text: None, patience=0.2, seconds=0.5, speed=400.0)
        assert result.acknowledged + result.refused == result.sent


def test_the_shop_lives_by_the_wall_clock():
    began = time.monotonic()
    with receiving() as server:
        slow = simulate_live(to=server.url, seconds=1.0, speed=5.0, say=lambda text: None)
        assert time.monotonic() - began >= 1.0
        fast = simulate_live(to=server.url, seconds=1.0, speed=100.0, say=lambda text: None)
        assert fast.sent > 3 * slow.sent
        first = [arrival.session_key for arrival in server.arrivals[: slow.sent]]
        second = [arrival.session_key for arrival in server.arrivals[slow.sent :]]
        assert not set(first) & set(second)  # the same seed, but other requests


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"to": "ftp://host"}, "begins with 'ftp'"),
        ({"to": "localhost:4318"}, "known are|did you mean"),
        ({"to": "http://user:secret@host"}, "LOGRADAR_KEY"),
        ({"to": "http://host:port"}, "this is no URL"),
        ({"to": "syslog+tcp://host"}, "name the port of syslog"),
        ({"to": "http://h", "fault": ("disk_full",)}, "NAME@SECONDS"),
        ({"to": "http://h", "fault": ("disk_ful@3",)}, "did you mean 'disk_full'"),
        ({"to": "http://h", "fault": ("disk_full@3+0",)}, "more than 0"),
        ({"to": "http://h", "speed": 0}, "'speed' is 0"),
    ],
)
def test_mistakes_are_sentences(given, said):
    with pytest.raises(ConfigError, match=said):
        simulate_live(**given)


def test_every_fault_has_a_letter():
    assert set(LETTERS.values()) == set(FAULTS)
    assert QUIT not in LETTERS


def command(*words):
    return [sys.executable, "-c", "from logradar.cli import main; main()", "simulate", "--live", *words]


def test_keys_in_a_terminal_begin_faults_and_end_it():
    letter = next(letter for letter, name in LETTERS.items() if name == "silent_drop")
    with receiving() as server:
        parent, terminal = pty.openpty()
        words = ("--to", server.url, "--speed", "60", "--json")
        child = subprocess.Popen(command(*words), stdin=terminal, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        os.close(terminal)
        try:
            seen = b""
            while b"q ends." not in seen:
                seen += os.read(child.stderr.fileno(), 4096)
            os.write(parent, letter.encode())
            while b"was changed by silent_drop" not in seen:
                assert select.select([child.stderr], [], [], 60)[0]
                seen += os.read(child.stderr.fileno(), 4096)
            os.write(parent, QUIT.encode())
            out, _ = child.communicate(timeout=60)
        finally:
            child.kill()
            child.communicate()
            os.close(parent)
        document = json.loads(out)
        assert child.returncode == 0
        assert document["sent"] == document["acknowledged"] == len(server.arrivals)
        assert [one["fault"] for one in document["began"]] == ["silent_drop"]


def test_ctrl_c_ends_with_a_summary():
    with receiving() as server:
        words = command("--to", server.url, "--speed", "60", "--fault", "silent_drop@0")
        child = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        try:
            seen = b""
            while b"was changed by" not in seen:
                assert select.select([child.stderr], [], [], 60)[0]
                seen += os.read(child.stderr.fileno(), 4096)
            child.send_signal(signal.SIGINT)
            out, _ = child.communicate(timeout=60)
        finally:
            child.kill()
            child.communicate()
        assert child.returncode == 0
        sent = len(server.arrivals)
        assert f"Sent {sent:,} records to {server.url}" in out.decode()
        assert f"{sent:,} acknowledged, 0 refused." in out.decode()
