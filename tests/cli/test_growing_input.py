"""`tail -f log | logradar detect BUNDLE -`: alerts as they happen, a clean end, and a state for the next call."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from queue import Empty, Queue

import pytest
from tests.scoring.test_stream import session, write

from logradar.model.settings import run_settings
from logradar.pipeline.train import train

pytestmark = pytest.mark.skipif(os.name != "posix", reason="pipes are read by select")
LOGRADAR = str(Path(sys.executable).with_name("logradar"))
BAD = ("accepted", "the bank does not answer", "asked the bank", "answered")


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("growing")
    write(folder / "train.log", [line for number in range(400) for line in session(number)])
    settings = ["input.session_key=request=([0-9]+)", "sessions.idle_seconds=8"]
    train(str(folder / "train.log"), folder / "bundle", run_settings(None, settings))
    return folder / "bundle"


class Running:
    """`logradar detect BUNDLE -` with pipes; its lines of stdout as they come."""

    def __init__(self, bundle: Path, *options: str) -> None:
        command = [LOGRADAR, "detect", str(bundle), "-", *options]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True)
        self._lines: Queue[str] = Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        for line in self.process.stdout:
            self._lines.put(line)

    def send(self, lines: list[str]) -> None:
        self.process.stdin.write("\n".join(lines) + "\n")
        self.process.stdin.flush()

    def line(self, seconds: float = 60) -> str:
        return self._lines.get(timeout=seconds)

    def rest(self) -> str:
        """What else it prints until it ends."""
        self.process.wait(timeout=60)
        time.sleep(0.2)
        found = []
        while True:
            try:
                found.append(self._lines.get_nowait())
            except Empty:
                return "".join(found)


def test_an_alert_is_printed_while_the_input_is_open_and_ctrl_c_ends_cleanly(bundle: Path) -> None:
    running = Running(bundle)
    with running.process:
        running.send([line for number in range(500, 510) for line in session(number)])
        running.send(session(510, BAD)[:2])
        running.send(session(510, BAD)[2:])
        first = running.line()
        assert running.process.poll() is None, "it is still waiting for lines"
        assert "000510" in first and "the bank does not answer" in first
        running.process.send_signal(signal.SIGINT)
        rest = running.rest()
        assert running.process.returncode == 0
        assert "1 alert in 11 sessions (44 records" in rest
        assert "Traceback" not in running.process.stderr.read()


def test_a_state_goes_on_in_the_next_call(bundle: Path, tmp_path: Path) -> None:
    state, lines = tmp_path / "state", session(500, BAD) + session(501)
    documents = []
    for part in (lines[:3], lines[3:], session(502)):
        done = subprocess.run(
            [LOGRADAR, "detect", str(bundle), "-", "--json", "--state", str(state)],
            input="\n".join(part) + "\n",
            capture_output=True,
            text=True,
            check=True,
        )
        documents.append(json.loads(done.stdout))
    assert [len(document["alerts"]) for document in documents] == [0, 1, 0]
    assert documents[1]["alerts"][0]["session_id"] == "000500"
    assert [document["records"] for document in documents] == [3, 8, 12]
    whole = subprocess.run(
        [LOGRADAR, "detect", str(bundle), str(write(tmp_path / "a.log", lines)), "--json"],
        capture_output=True,
        text=True,
        check=True,
    )
    ids = [alert["alert_id"] for alert in json.loads(whole.stdout)["alerts"]]
    assert ids == [alert["alert_id"] for alert in documents[1]["alerts"]]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["{log}", "--state", "{state}"], "--state is for lines that arrive on stdin"),
        (["-", "--state", "{bundle}"], "holds no state of a stream"),
    ],
)
def test_a_state_in_the_wrong_place_is_one_sentence(
    bundle: Path, tmp_path: Path, arguments: list[str], sentence: str
) -> None:
    log = write(tmp_path / "a.log", session(500))
    named = [one.format(log=log, state=tmp_path / "s", bundle=bundle) for one in arguments]
    done = subprocess.run(
        [LOGRADAR, "detect", str(bundle), *named],
        input=log.read_text(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert sentence in done.stderr and "Traceback" not in done.stderr


def test_nothing_on_stdin_is_one_sentence(bundle: Path) -> None:
    done = subprocess.run(
        [LOGRADAR, "detect", str(bundle), "-"],
        input="", capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2 and "no log records" in done.stderr
