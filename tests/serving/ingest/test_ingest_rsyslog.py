"""A real rsyslogd sends what it gets by its Elasticsearch output: every line arrives once, with its level."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from pathlib import Path

import pytest
from tests.serving.ingest.ingest_server import serving

RSYSLOGD = shutil.which("rsyslogd") or shutil.which("rsyslogd", path="/usr/sbin:/sbin")
CONFIG = """
global(workDirectory="{folder}")
module(load="imtcp")
module(load="omelasticsearch")
template(name="ecs" type="list" option.jsonf="on") {{
  property(outname="@timestamp" name="timereported" dateFormat="rfc3339" format="jsonf")
  property(outname="host.name" name="hostname" format="jsonf")
  property(outname="log.level" name="syslogseverity-text" format="jsonf")
  property(outname="service.name" name="programname" format="jsonf")
  property(outname="message" name="msg" format="jsonf")
}}
input(type="imtcp" address="127.0.0.1" port="0" listenPortFileName="{folder}/port")
action(type="omelasticsearch" server="127.0.0.1" serverport="{port}" searchIndex="system" searchType=""
       bulkmode="on" action.resumeRetryCount="-1" {more})
"""


def rsyslog(folder: Path, port: int, more: str) -> subprocess.Popen[bytes]:
    """The daemon as a child of this process, with nothing of the machine's own configuration."""
    (folder / "rsyslog.conf").write_text(CONFIG.format(folder=folder, port=port, more=more))
    command = [RSYSLOGD, "-n", "-f", str(folder / "rsyslog.conf"), "-i", str(folder / "pid")]
    with (folder / "errors").open("wb") as errors:
        return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=errors)


@pytest.mark.parametrize(("template", "more"), [("ecs", 'template="ecs"'), ("its own", "")])
def test_rsyslog(tmp_path, template, more):
    if RSYSLOGD is None or not list(Path("/usr/lib").glob("*/rsyslog/omelasticsearch.so")):
        pytest.skip("rsyslogd with omelasticsearch is not installed here")
    lines = [f'line {place:03} with "quotes" and \\ and é' for place in range(120)]
    with serving() as server:
        daemon = rsyslog(tmp_path, server.port, more)
        try:
            until = time.monotonic() + 30
            while not (tmp_path / "port").exists() or not (tmp_path / "port").read_text().strip():
                assert daemon.poll() is None and time.monotonic() < until, (tmp_path / "errors").read_text()
                time.sleep(0.02)
            with socket.create_connection(("127.0.0.1", int((tmp_path / "port").read_text()))) as sender:
                for place, line in enumerate(lines):
                    severity = (7, 6, 4, 3)[place % 4]
                    text = f"<{16 * 8 + severity}>1 2026-03-01T12:00:00.{place:06}Z host1 checkout 17 - - {line}\n"
                    sender.sendall(text.encode())
            arrivals = server.wait(len(lines))
        finally:
            daemon.terminate()
            daemon.wait()
    assert [one.body.strip() for one in arrivals] == lines
    assert [one.level for one in arrivals] == [(5, 9, 13, 17)[place % 4] for place in range(len(lines))]
    assert [one.timestamp % 1_000_000 for one in arrivals] == list(range(len(lines)))
    if template == "ecs":
        assert {(one.stream, one.service) for one in arrivals} == {("elasticsearch:system/checkout/host1", "checkout")}
    else:
        assert {one.stream for one in arrivals} == {"elasticsearch:system/host1"}
