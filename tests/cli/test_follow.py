"""`detect --follow FILE`: equal to a pipe, through rotation and with a state; with a webhook and redaction."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.alerting.webhook_receiver import Receiver, receiver
from tests.cli.conftest import Done
from tests.cli.test_growing_input import LOGRADAR
from tests.scoring.test_stream import session, write

from logradar.model.settings import run_settings
from logradar.pipeline.train import train

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals end it")
BAD = ("accepted", "the bank does not answer to bob@example.com", "asked the bank", "answered")


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("follow")
    write(folder / "train.log", [line for number in range(400) for line in session(number)])
    settings = ["input.session_key=request=([0-9]+)", "sessions.idle_seconds=8"]
    train(str(folder / "train.log"), folder / "bundle", run_settings(None, settings))
    return folder / "bundle"


def add(path: Path, *numbers: int, bad: tuple[int, ...] = ()) -> list[str]:
    lines = [line for number in numbers for line in session(number, *([BAD] if number in bad else []))]
    with path.open("a") as file:
        file.write("\n".join(lines) + "\n")
    return lines


def followed(bundle: Path, log: Path, *options: object) -> subprocess.Popen:
    command = [LOGRADAR, "detect", str(bundle), "--follow", str(log), "--json", *map(str, options)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def until_told(server: Receiver, session_id: str) -> None:
    """Until an alert of this session, the last one that was written, has come to the webhook: so it was read."""
    with server.arrived:
        assert server.arrived.wait_for(lambda: any(session_id in body.decode() for _, body in server.requests), 120)


def ended(process: subprocess.Popen) -> dict[str, Any]:
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0 and "Traceback" not in err, err
    return json.loads(out)


def piped(bundle: Path, lines: list[str]) -> dict[str, Any]:
    command = [LOGRADAR, "detect", str(bundle), "-", "--json"]
    done = subprocess.run(command, input="\n".join(lines) + "\n", capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def without_places(document: dict[str, Any]) -> dict[str, Any]:
    """A document without the names of files and the numbers of lines, which a pipe does not know."""
    text = json.dumps(document)
    found = json.loads(text)
    for one in [*found["alerts"], *found["incidents"]]:
        for line in one["evidence"] if isinstance(one["evidence"], list) else [one["evidence"]]:
            line["source"] = line["line"] = None
    return found


def test_a_file_that_is_rotated_gives_what_a_pipe_gives(bundle: Path, tmp_path: Path) -> None:
    log = tmp_path / "app.log"
    lines = add(log, *range(500, 520), bad=(510, 519))
    with receiver() as server, followed(bundle, log, "--from-start", "--webhook", server.url) as process:
        until_told(server, "000519")
        lines += add(log, 520, 521, bad=(521,))
        old = log.rename(tmp_path / "app.log.1")
        lines += add(old, 522)  # its writer has not noticed yet
        lines += add(log, *range(523, 530), bad=(525, 529))
        until_told(server, "000529")
        (tmp_path / "app.log.2").write_bytes(log.read_bytes())  # copied and emptied
        os.truncate(log, 0)
        lines += add(log, 530, 531, bad=(531,))
        until_told(server, "000531")
        found = ended(process)
    assert found.pop("webhook")["failed"] == 0
    assert without_places(found) == without_places(piped(bundle, lines))
    assert {line["source"] for alert in found["alerts"] for line in alert["evidence"]} == {"app.log"}
    by_session = {alert["session_id"]: alert["evidence"][0]["line"] for alert in found["alerts"]}
    assert by_session == {"000510": 42, "000519": 78, "000521": 86, "000525": 10, "000529": 26, "000531": 6}


@pytest.mark.slow
def test_a_state_goes_on_where_the_last_call_ended(bundle: Path, tmp_path: Path) -> None:
    log, state = tmp_path / "app.log", tmp_path / "state"
    lines = add(log, *range(500, 520), bad=(519,))
    found = []
    with receiver() as server:
        options = ["--state", state, "--webhook", server.url]
        with followed(bundle, log, "--from-start", *options) as process:
            until_told(server, "000519")
            found.append(ended(process))
        old = log.rename(tmp_path / "app.log.1")
        lines += add(old, 520)
        lines += add(log, 521, 522, bad=(522,))
        with followed(bundle, log, *options) as process:
            until_told(server, "000522")
            found.append(ended(process))
    assert [one["records"] for one in found] == [80, len(lines)]
    ids = {alert["alert_id"] for one in found for alert in one["alerts"]}
    assert ids == {alert["alert_id"] for alert in piped(bundle, lines)["alerts"]} and len(ids) == 2
    done = subprocess.run(
        [LOGRADAR, "detect", str(bundle), "-", "--state", str(state)],
        input="x\n", capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2 and "made by following a file" in done.stderr


def test_a_webhook_gets_what_is_found_masked(bundle: Path, tmp_path: Path) -> None:
    log = tmp_path / "app.log"
    add(log, *range(500, 520), bad=(519,))
    with receiver() as server, followed(bundle, log, "--webhook", server.url, "-q") as process:
        until_told(server, "000519")
        found = ended(process)
    shown = [alert for document in server.documents for alert in document["alerts"]]
    assert {alert["alert_id"] for alert in shown} == {alert["alert_id"] for alert in found["alerts"]}
    told = [one for document in server.documents for one in document["incidents"]]
    assert {one["incident_id"] for one in told} == {one["incident_id"] for one in found["incidents"]} != set()
    sent = b"".join(body for _, body in server.requests).decode()
    assert "<EMAIL>" in sent and "bob@example.com" not in sent
    assert "bob@example.com" in json.dumps(found), "what stays here is not masked unless it is asked for"
    assert found["webhook"]["failed"] == found["webhook"]["dropped"] == 0 < found["webhook"]["delivered"]


def test_a_dead_webhook_changes_nothing_of_the_result(
    logradar: Callable[..., Done], bundle: Path, tmp_path: Path
) -> None:
    log = tmp_path / "app.log"
    add(log, *range(500, 520), bad=(511,))
    plain = logradar("detect", bundle, log, "--json")
    done = logradar("detect", bundle, log, "--json", "--webhook", "http://127.0.0.1:9/")
    assert plain.code == done.code == 0
    found = done.json
    sent = found.pop("webhook")
    assert found == plain.json and sent["delivered"] == 0 and sent["dropped"] + sent["failed"] > 0
    assert "does not accept documents" in done.err or "not (" in done.err


@pytest.mark.parametrize("name", ["a.json", "a.csv", "a.html"])
def test_redacted_files_and_prints_hold_no_address(
    logradar: Callable[..., Done], bundle: Path, tmp_path: Path, name: str
) -> None:
    log = tmp_path / "app.log"
    add(log, *range(500, 520), bad=(511,))
    for options, masked in ((["--redact"], True), ([], False)):
        files = ["-o", str(tmp_path / name), "--incidents", str(tmp_path / "i.csv")]
        done = logradar("detect", bundle, log, *files, *options)
        assert done.code == 0, done.err
        for text in (done.out, (tmp_path / name).read_text(), (tmp_path / "i.csv").read_text()):
            assert ("bob@example.com" in text) is not masked
            if name != "a.html":
                assert ("<EMAIL>" in text) is masked


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--follow", "{log}", "{log}"], "--follow names the input"),
        ([], "There is no input"),
        (["{log}", "--from-start"], "--from-start is about a file that is followed"),
        (["--follow", "{log}.none"], "There is no file"),
        (["--follow", "{folder}"], "is no file that can be followed"),
        (["--follow", "{log}", "-o", "{folder}/log.json", "--webhook", "ftp://x/"], "begins with http"),
        (["--follow", "{json}", "-o", "{json}"], "is read as input"),
        (["--follow", "{log}", "--since", "2026-01-01"], "is not a set of files"),
        (["{log}", "-o", "{folder}/r.json", "--format", "radar-json", "--redact"], "leave out --redact"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(
    logradar: Callable[..., Done], bundle: Path, tmp_path: Path, words: list[str], said: str
) -> None:
    log = tmp_path / "app.log"
    add(log, 500)
    add(tmp_path / "log.json", 500)
    named = [word.format(log=log, folder=tmp_path, json=tmp_path / "log.json") for word in words]
    done = logradar("detect", bundle, *named)
    assert done.code == 2 and said in done.err and "Traceback" not in done.err, done.err
