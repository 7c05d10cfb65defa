"""A running Alertmanager of Debian."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.serving.notifications.rows import until

PROGRAM = shutil.which("prometheus-alertmanager") or shutil.which("alertmanager")


class Manager:
    """Asks it by its API v2."""

    def __init__(self, url: str) -> None:
        self.url = url

    def alerts(self, *, tests: bool = False) -> list[dict[str, Any]]:
        """Alerts that are not over, by incident; or else those of tests by a person, which last an hour here."""
        with urllib.request.urlopen(f"{self.url}/api/v2/alerts") as answer:
            found = sorted(json.load(answer), key=lambda one: one["labels"]["incident_id"])
        return [one for one in found if one["labels"]["incident_id"].startswith("test-") == tests]

    def ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/-/ready") as answer:
                return answer.status == 200
        except OSError:
            return False


@contextmanager
def running_manager(folder: Path) -> Iterator[Manager]:
    """An Alertmanager with its files in ``folder``; it tells nobody. Skips the test where the program is missing."""
    if PROGRAM is None:
        pytest.skip("no Alertmanager here: Debian's package is prometheus-alertmanager")
    (folder / "config.yml").write_text("route: {receiver: nobody}\nreceivers: [{name: nobody}]\n")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    command = [PROGRAM, f"--config.file={folder}/config.yml", f"--storage.path={folder}/data"]
    command += [f"--web.listen-address={address}", "--cluster.listen-address="]
    with (folder / "log").open("wb") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        try:
            found = Manager(f"http://{address}")
            until(lambda: found.ready() or process.poll() is not None)
            assert process.poll() is None, (folder / "log").read_text()
            yield found
        finally:
            process.terminate()
