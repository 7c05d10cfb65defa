"""`logradar serve`: its words, its refusals, and that it starts, takes lines and ends cleanly."""

import json
import re
import signal
import subprocess
import sys
import time
import urllib.request

import pytest
from typer.testing import CliRunner

from logradar.cli import build
from logradar.core.errors import ConfigError
from logradar.serving.plan import service_settings
from logradar.serving.store.store import Store


def run(*words):
    return CliRunner().invoke(build(), ["serve", *words])


def refusal(*words):
    found = run(*words)
    assert isinstance(found.exception, ConfigError), found.output
    return str(found.exception)


def test_another_address_than_loopback_needs_keys(tmp_path):
    assert "--auth" in refusal("--home", str(tmp_path / "h"), "--host", "0.0.0.0", "--port", "0")


def test_a_bundle_that_is_not_there_is_named(tmp_path):
    assert "There is no bundle at" in refusal(str(tmp_path / "none"), "--home", str(tmp_path / "h"))


def test_a_wrong_setting_names_the_right_one(tmp_path):
    assert "snapshot_seconds" in refusal("--home", str(tmp_path / "h"), "snapshot_second=3")


def test_a_key_is_printed_once_and_only_its_hash_is_stored(tmp_path):
    found = run("--home", str(tmp_path / "h"), "--new-key", "grafana", "--scopes", "read")
    assert found.exit_code == 0, found.output
    text = re.search(r"lr_1_[0-9a-f]{64}", found.output)[0]
    with Store.open(f"sqlite:///{tmp_path / 'h' / 'store.db'}") as store:
        (key,) = store.keys()
        assert (key.name, tuple(key.scopes)) == ("grafana", ("read",))
    assert text.encode() not in b"".join(path.read_bytes() for path in (tmp_path / "h").glob("store.db*"))
    assert "There is no scope 'reed'" in refusal("--home", str(tmp_path / "h"), "--new-key", "x", "--scopes", "reed")


def test_words_are_bundles_services_and_settings(tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    words = [str(tmp_path / "one"), f"pay,cart*={tmp_path / 'two'}", "keep.days=3"]
    settings = service_settings(None, words, tmp_path / "one", {"home": tmp_path / "h"})
    assert [(one.name, one.services, one.shadow) for one in settings.bundles] == [
        ("one", (), False),
        ("two", ("pay", "cart*"), False),
        ("one-2", (), True),
    ]
    assert settings.keep.days == 3


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_takes_lines_and_ends_cleanly(tmp_path, number):
    command = [sys.executable, "-m", "logradar", "serve", "--home", str(tmp_path / "h"), "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        port = None
        while port is None:
            line = process.stdout.readline()
            assert line, process.stderr.read()
            found = re.search(r"http://127.0.0.1:(\d+)/dashboard", line)
            port = found and found[1]
        time.sleep(0.2)
        document = {"streams": [{"stream": {"app": "a"}, "values": [[str(time.time_ns()), "hello"]]}]}
        url = f"http://127.0.0.1:{port}/loki/api/v1/push"
        request = urllib.request.Request(url, json.dumps(document).encode(), {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=20) as answer:
            assert answer.status == 204
        process.send_signal(number)
        _, said = process.communicate(timeout=60)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 0, said
    assert "Traceback" not in said
    assert list((tmp_path / "h" / "wal").glob("*.wal"))
