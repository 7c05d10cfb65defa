"""A disk that is full: senders are asked to wait, readers are not, and it goes on by itself once there is space."""

import json
import shutil
import subprocess
import time
from pathlib import Path

import pytest
from tests.serving.process import Process
from tests.serving.senders import HTTP, document, wait_for

pytestmark = pytest.mark.slow
MOUNTED = 'mount -t tmpfs -o size="$1" none "$0" && shift && exec "$@"'


class SmallDisk:
    """A file system of its own for one process, which ends with it; ``path`` is where others see it."""

    def __init__(self, folder, size):
        folder.mkdir()
        self.folder, self.path = folder, None
        self.before = ("unshare", "-Urm", "sh", "-c", MOUNTED, str(folder), size)
        tried = subprocess.run([*self.before, "true"], capture_output=True) if shutil.which("unshare") else None
        if tried is None or tried.returncode:
            pytest.skip("a small file system cannot be mounted here: user namespaces are not allowed")

    def of(self, service):
        self.path = Path(f"/proc/{service.process.pid}/root{self.folder}")

    def fill(self):
        with (self.path / "filler").open("ab", buffering=0) as file:
            for size in (1 << 20, 1 << 12, 1):
                try:
                    while True:
                        file.write(bytes(size))
                except OSError:
                    pass

    def free(self):
        (self.path / "filler").unlink()


def send(service, lines, protocol="loki"):
    path, body, kind = document(protocol, "hdfs", lines)
    status, headers, said = service.request("POST", path, body.encode(), kind)
    assert status in (200, 204) or (status == 503 and int(headers["Retry-After"]) >= 1), (status, said)
    return status != 503


def assert_readable(service, incidents):
    for path in (
        "/dashboard",
        "/dashboard/lines",
        "/dashboard/service",
        "/api/v1/services",
        "/api/v1/lines?text=block",
    ):
        assert service.ask("GET", path)[0] == 200, path
    assert len(service.every("incidents")) == incidents
    assert service.figure("logradar_records_total") >= 0 and service.ask("GET", "/livez")[0] == 200


def assert_found(service, found, sent):
    assert service.ask("POST", "/api/v1/flush")[0] == 200
    assert {one["alert_id"] for one in service.every("alerts")} == set(found.alerts["alert_id"].to_pylist())
    assert {one["incident_id"] for one in service.every("incidents")} == set(found.incidents["incident_id"].to_pylist())
    assert service.counted() == service.records() == sent


def test_the_disk_of_the_service_is_full_for_a_while(world, tmp_path):
    folder, lines, found = world
    disk = SmallDisk(tmp_path / "small", "32m")
    home = disk.folder / "home"
    settings = ("snapshot_seconds=0.5", "reserve_mb=1")
    service = Process(home, folder / "bundle", *settings, before=disk.before, errors=tmp_path / "serve.err")
    try:
        disk.of(service)
        half = len(lines) // 2
        assert send(service, lines[:half])
        service.settled(half)
        incidents = len(service.every("incidents"))
        disk.fill()
        sent = half
        while send(service, lines[sent : sent + 5]):  # until it looks at the disk again, or cannot write
            sent += 5
        assert sent < len(lines)
        for protocol in HTTP:
            assert not send(service, lines[sent : sent + 5], protocol)
        assert "ingest" in service.parts()
        assert_readable(service, incidents)
        time.sleep(2)  # snapshots are due all the time, and cannot be written
        assert not send(service, lines[sent : sent + 5])
        assert_readable(service, incidents)
        disk.free()
        wait_for(lambda: send(service, lines[sent : sent + 5]))
        assert send(service, lines[sent + 5 :])
        wait_for(lambda: not service.parts())
        assert_found(service, found, len(lines))
        assert service.stop() == 0
    finally:
        service.kill()
    assert "Traceback" not in service.said()


def test_the_disk_of_the_store_is_full_while_lines_are_taken(world, tmp_path):
    """Lines go on into the write-ahead log; what they bring is found once the store can be written again."""
    folder, lines, found = world
    disk = SmallDisk(tmp_path / "store", "16m")
    settings = (f"database=sqlite:///{disk.folder}/store.db", "snapshot_seconds=0.5")
    service = Process(tmp_path / "home", folder / "bundle", *settings, before=disk.before)
    try:
        disk.of(service)
        half = len(lines) // 2
        assert send(service, lines[:half])
        service.settled(half)
        incidents = len(service.every("incidents"))
        disk.fill()
        for start in range(half, len(lines), 200):
            assert send(service, lines[start : start + 200])
        wait_for(lambda: "detection" in service.parts())
        assert "ingest" not in service.parts()
        assert_readable(service, incidents)
        answer = json.loads(service.ask("GET", "/readyz")[1])
        assert not answer["ready"]
        disk.free()
        wait_for(lambda: not service.parts())
        assert_found(service, found, len(lines))
        assert service.stop() == 0
    finally:
        service.kill()
    assert "Traceback" not in service.said()
