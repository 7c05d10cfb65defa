"""Programs that people use send to the listener: every line arrives once, with its level and service."""

import asyncio
import contextlib
import json
import logging
import logging.handlers
import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from kept_arrivals import Kept, until

from logradar.serving.listeners.syslog import SyslogListener

RSYSLOGD = shutil.which("rsyslogd") or shutil.which("rsyslogd", path="/usr/sbin")
LOGGER = shutil.which("logger")
SYSLOG_NG = sorted(Path(os.environ.get("LOGRADAR_SYSLOG_NG", "")).glob("*.deb"))  # its packages
LINES = 200


def with_listener(test):
    """Run ``test(ports, kept)`` while a listener appends to a sink; what that has in the end."""

    async def run():
        kept = Kept()
        listener = SyslogListener(kept)
        await listener.start()
        try:
            await test(listener.ports, kept)
        finally:
            await listener.stop()
        return kept

    return asyncio.run(run())


@contextlib.contextmanager
def program(command, **given):
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **given)
    try:
        yield child
    finally:
        child.send_signal(signal.SIGTERM)
        try:
            child.communicate(timeout=20)
        except subprocess.TimeoutExpired:
            child.kill()
            child.communicate()


@pytest.mark.parametrize("kind", ["tcp", "udp"])
@pytest.mark.parametrize("ident", ["", "shop: "])
def test_python_syslog_handler(kind, ident):
    below = "\nTraceback" if kind == "udp" else ""  # by TCP it does not escape a line feed, which ends a message

    async def test(ports, kept):
        def send():
            sort = socket.SOCK_STREAM if kind == "tcp" else socket.SOCK_DGRAM
            handler = logging.handlers.SysLogHandler(("127.0.0.1", ports[kind]), socktype=sort)
            handler.ident = ident
            log = logging.Logger("shop.payments")
            log.addHandler(handler)
            for number in range(LINES):
                log.error("order %d failed%s", number, below)
            log.warning("low stock")
            handler.close()

        await asyncio.to_thread(send)
        await kept.holds(LINES + 1)

    kept = with_listener(test)
    *errors, last = kept.arrivals
    assert [arrival.body for arrival in errors] == [f"order {number} failed{below}" for number in range(LINES)]
    assert {arrival.level for arrival in errors} == {17}
    assert (last.body, last.level) == ("low stock", 13)
    assert {arrival.service for arrival in kept.arrivals} == {"shop" if ident else None}


@pytest.mark.skipif(not LOGGER, reason="logger of util-linux is not here")
@pytest.mark.parametrize("words", [["-T", "--rfc5424"], ["-T", "--rfc3164"], ["-T", "--octet-count"], ["-d"]])
def test_logger_of_util_linux(words):
    async def test(ports, kept):
        port = ports["udp" if words == ["-d"] else "tcp"]
        data = ["--sd-id", "trace@32473", "--sd-param", 'trace_id="5b8efff7"'] if "--rfc5424" in words else []
        command = [LOGGER, "-n", "127.0.0.1", "-P", str(port), "-t", "shop", "-p", "user.warning", *words, *data]
        done = await asyncio.create_subprocess_exec(*command, stdin=subprocess.PIPE)
        await done.communicate("".join(f"line {number} ü\n" for number in range(50)).encode())
        assert done.returncode == 0
        await kept.holds(50)

    kept = with_listener(test)
    assert sorted(kept.bodies) == sorted(f"line {number} ü" for number in range(50))
    assert {(arrival.level, arrival.service) for arrival in kept.arrivals} == {(13, "shop")}
    if "--rfc5424" in words:
        assert {arrival.session_key for arrival in kept.arrivals} == {"5b8efff7"}


@pytest.mark.skipif(not RSYSLOGD, reason="rsyslogd is not here")
@pytest.mark.parametrize(
    ("framing", "template"),
    [("octet-counted", "RSYSLOG_SyslogProtocol23Format"), ("traditional", "RSYSLOG_ForwardFormat")],
)
def test_rsyslog_forwards_a_file(tmp_path, framing, template):
    log = tmp_path / "shop.log"
    log.write_text("".join(f"order {number} paid für {number}\n" for number in range(LINES)))
    config = tmp_path / "rsyslog.conf"

    async def test(ports, kept):
        config.write_text(
            f'global(workDirectory="{tmp_path}")\nmodule(load="imfile")\n'
            f'input(type="imfile" file="{log}" tag="shop:" severity="warning" facility="local3")\n'
            f'action(type="omfwd" target="127.0.0.1" port="{ports["tcp"]}" protocol="tcp" template="{template}" '
            f'TCP_Framing="{framing}")\n'
        )
        with program([RSYSLOGD, "-n", "-f", str(config), "-i", str(tmp_path / "pid")]):
            await kept.holds(LINES)
            with log.open("a") as file:
                file.write("".join(f"later {number}\n" for number in range(LINES)))
            await kept.holds(2 * LINES)

    kept = with_listener(test)
    ours = [arrival for arrival in kept.arrivals if arrival.service == "shop"]
    expected = [f"order {number} paid für {number}" for number in range(LINES)] + [f"later {n}" for n in range(LINES)]
    assert [arrival.body for arrival in ours] == expected
    assert {(arrival.level, json.loads(arrival.attributes)["syslog.facility"]) for arrival in ours} == {(13, "local3")}
    assert all(arrival.timestamp for arrival in ours)


@pytest.fixture(scope="module")
def syslog_ng(tmp_path_factory) -> tuple[Path, dict[str, str]]:
    """The program from the Debian package, unpacked, and the environment in which it starts."""
    if not SYSLOG_NG or not shutil.which("dpkg"):
        pytest.skip("no Debian package of syslog-ng is here")
    folder = tmp_path_factory.mktemp("syslog-ng")
    for package in SYSLOG_NG:
        subprocess.run(["dpkg", "-x", str(package), str(folder)], check=True)
    libraries = [str(path.parent) for path in folder.rglob("*.so*")]
    environment = {**os.environ, "LD_LIBRARY_PATH": ":".join(dict.fromkeys(libraries))}
    program_ = next(folder.rglob("sbin/syslog-ng"))
    modules = next(folder.rglob("libaffile.so")).parent
    config = folder / "check.conf"
    config.write_text('@version: 3.38\ndestination d { network("127.0.0.1"); };\n')
    command = [program_, "--syntax-only", "-f", config, "--module-path", modules, "--no-caps"]
    done = subprocess.run([str(word) for word in command], env=environment, capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"syslog-ng does not start here, a library is missing: {done.stderr.strip()[:200]}")
    return program_, environment


@pytest.mark.slow
@pytest.mark.parametrize("driver", ["syslog", "network"])
def test_syslog_ng_forwards_a_file(syslog_ng, tmp_path, driver):
    path, environment = syslog_ng
    modules = next(path.parents[1].rglob("libaffile.so")).parent
    log = tmp_path / "shop.log"
    log.write_text("".join(f"order {number} paid\n" for number in range(LINES)))
    config = tmp_path / "syslog-ng.conf"

    async def test(ports, kept):
        config.write_text(
            "@version: 3.38\n"
            f'source s {{ file("{log}" flags(no-parse) program-override("shop") default-priority(warning)); }};\n'
            f'destination d {{ {driver}("127.0.0.1" transport("tcp") port({ports["tcp"]})); }};\n'
            "log { source(s); destination(d); };\n"
        )
        command = [
            *(path, "-F", "-f", config, "-R", tmp_path / "persist", "-p", tmp_path / "pid", "-c", tmp_path / "ctl"),
            *("--module-path", modules, "--no-caps"),
        ]
        with program([str(word) for word in command], env=environment):
            await kept.holds(LINES)

    kept = with_listener(test)
    assert kept.bodies == [f"order {number} paid" for number in range(LINES)]
    assert {(arrival.service, arrival.level) for arrival in kept.arrivals} == {("shop", 13)}


def test_netcat_style_lines_without_a_header():
    async def test(ports, kept):
        code = (
            "import socket, sys; s = socket.create_connection(('127.0.0.1', int(sys.argv[1]))); "
            "s.sendall(sys.stdin.buffer.read())"
        )
        sender = await asyncio.create_subprocess_exec(
            sys.executable, "-c", code, str(ports["tcp"]), stdin=subprocess.PIPE
        )
        await sender.communicate(b"2026-03-02 08:00:00,123 INFO shop paid\n\tat Shop.pay\nno end")
        await until(lambda: len(kept.arrivals) == 3)

    kept = with_listener(test)
    assert kept.bodies == ["2026-03-02 08:00:00,123 INFO shop paid", "\tat Shop.pay", "no end"]
    assert {arrival.stream for arrival in kept.arrivals} == {"syslog:127.0.0.1"}
