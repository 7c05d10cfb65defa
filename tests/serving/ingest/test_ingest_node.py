"""Real loggers of Node.js against a real server: every line arrives once, with level, service and trace id.

npm installs them once, into the folder that LOGRADAR_TEST_NODE names, or into the cache of pytest.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from tests.conftest import ROOT
from tests.serving.ingest.ingest_server import serving

HERE = Path(__file__).parent / "node_clients"
WORDS = ["a started", 'b with "quotes" and \\ and tab\t', "c größer € 漢字 🙂", "d last"]
NUMBERS = [5, 9, 13, 17]
pytestmark = pytest.mark.xdist_group("node")  # one installs, all use it
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


@pytest.fixture(scope="module")
def clients() -> Path:
    """A folder with the scripts beside the packages that they need."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if not node or not npm:
        pytest.skip("node or npm is not installed here")
    folder = Path(os.environ.get("LOGRADAR_TEST_NODE") or ROOT / ".pytest_cache" / "node_clients")
    folder.mkdir(parents=True, exist_ok=True)
    wanted = (HERE / "package.json").read_text()
    done = folder / "installed.json"
    if not done.exists() or done.read_text() != wanted:
        shutil.copy(HERE / "package.json", folder)
        command = [npm, "install", "--no-audit", "--no-fund", "--ignore-scripts", "--silent", "--fetch-retries=0"]
        try:
            subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=180)
        except (subprocess.SubprocessError, OSError) as error:
            pytest.skip(f"npm cannot install the loggers here: {error}")
        done.write_text(wanted)
    for script in HERE.glob("*.cjs"):
        shutil.copy(script, folder)
    return folder


def sent(folder: Path, script: str, form: str) -> list:
    with serving() as server:
        command = ["node", f"{script}.cjs", server.url, form, TRACE, *WORDS]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        assert done.stderr == ""
        arrivals = server.wait(len(WORDS))
        assert sum(kept for _, kept, _, _ in server.counts) == len(WORDS)
        return arrivals


@pytest.mark.parametrize("form", ["protobuf", "json"])
def test_pino_opentelemetry_transport(clients, form):
    arrivals = sent(clients, "pino_opentelemetry", form)
    assert [(one.body, one.level) for one in arrivals] == list(zip(WORDS, NUMBERS, strict=True))
    assert {(one.stream, one.service, one.component, one.session_key) for one in arrivals} == {
        ("otlp:checkout/h1", "checkout", "shop.node", TRACE)
    }
    assert all(one.timestamp > 1_700_000_000_000_000 and "00f067aa0ba902b7" in one.attributes for one in arrivals)


def test_pino_loki(clients):
    arrivals = sorted(sent(clients, "pino_loki", "json"), key=lambda one: json.loads(one.body)["msg"])
    assert [(json.loads(one.body)["msg"], one.level) for one in arrivals] == list(zip(WORDS, NUMBERS, strict=True))
    assert {(one.service, one.session_key) for one in arrivals} == {("checkout", TRACE)}
    assert all(one.timestamp > 1_700_000_000_000_000 for one in arrivals)


@pytest.mark.parametrize("form", ["protobuf", "json"])
def test_winston_loki(clients, form):
    arrivals = sent(clients, "winston_loki", form)
    assert [(one.body, one.level) for one in arrivals] == list(zip(WORDS, NUMBERS, strict=True))
    assert {(one.stream, one.service, one.session_key) for one in arrivals} == {
        ('loki:{app="checkout"}', "checkout", TRACE)
    }
    assert all(one.timestamp > 1_700_000_000_000_000 for one in arrivals)
