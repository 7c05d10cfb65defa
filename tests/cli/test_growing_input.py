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


@pytest.mark.slow
def test_a_state_goes_on_in_the_next_call(bundle: Path, tmp_path: Path) -> None:
    state, lines = tmp_path / "state", session(500, BAD) + session(501)
    documents = []
    for part in (lines[:1], lines[1:3], lines[3:], session(502)):
        done = subprocess.run(
            [LOGRADAR, "detect", str(bundle), "-", "--json", "--state", str(state)],
            input="\n".join(part) + "\n",
            capture_output=True,
            text=True,
            check=True,
        )
        documents.append(json.loads(done.stdout))
    assert [len(document["alerts"]) for document in documents] == [0, 1, 1, 0]  # anomalous before it is over
    assert [document["records"] for document in documents] == [1, 3, 8, 12]
    assert [document["open_sessions"] for document in documents] == [1, 1, 1, 1]
    early, alert = documents[1]["alerts"][0], documents[2]["alerts"][0]
    assert alert["session_id"] == "000500" and alert["alert_id"] == early["alert_id"]
    assert {2, 3} <= {line["line"] for line in alert["evidence"]} <= {2, 3, 4}  # numbered on from the call before
    whole = subprocess.run(
        [LOGRADAR, "detect", str(bundle), str(write(tmp_path / "a.log", lines)), "--json"],
        capture_output=True,
        text=True,
        check=True,
    )
    ids = [alert["alert_id"] for alert in json.loads(whole.stdout)["alerts"]]
    assert ids == [alert["alert_id"] for alert in documents[2]["alerts"]]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["{log}", "--state", "{state}"], "--state is for lines of text that arrive on stdin"),
        (["-", "--state", "{bundle}"], "holds no state of a stream"),
        pytest.param(["-", "--state", "{bundle}/state"], "lies in a bundle", marks=pytest.mark.slow),
        pytest.param(["-", "--state", "{log}/state"], "cannot be written", marks=pytest.mark.slow),
        (["-", "-o", "{log}/alerts.json"], "cannot be written"),
        pytest.param(["-", "--session-key", "(["], "is not a regular expression", marks=pytest.mark.slow),
        (["-", "--since", "2026-01-01"], "Standard input is not a set of files"),
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


@pytest.mark.slow
def test_a_state_of_another_threshold_is_refused_and_stays(bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()  # an empty folder is as good as none
    command = [LOGRADAR, "detect", str(bundle), "-", "--state", str(tmp_path / "state")]
    lines = "\n".join(session(500)) + "\n"
    subprocess.run(command, input=lines, capture_output=True, text=True, check=True)
    before = (tmp_path / "state" / "state.json").read_bytes()
    for more in (["--threshold", "123"], ["-o", str(tmp_path / "state" / "state.json" / "alerts.json")]):
        done = subprocess.run([*command, *more], input=lines, capture_output=True, text=True, check=False)
        assert done.returncode == 2 and "Traceback" not in done.stderr
        assert (tmp_path / "state" / "state.json").read_bytes() == before


def test_what_is_no_text_is_refused_on_stdin_as_in_a_file(bundle: Path) -> None:
    data = Path(sys.executable).resolve().read_bytes()[:100_000]
    done = subprocess.run([LOGRADAR, "detect", str(bundle), "-"], input=data, capture_output=True, check=False)
    assert done.returncode == 2 and b"is binary" in done.stderr
    closed = f"{LOGRADAR} detect {bundle} - <&-"
    done = subprocess.run(["bash", "-c", closed], capture_output=True, check=False)
    assert done.returncode == 2 and b"Traceback" not in done.stderr
