"""Downloads that do not come to their end: several at once, a full disk, Ctrl-C; and those through a proxy."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from tests.sources.download.getting import BODY, ETAG, HALF, get, left
from tests.sources.download.mirror import Answer, Mirror, running

from logradar.core.errors import StateError
from logradar.sources.download.fetching import Fetched


def test_two_downloads_at_once(mirror: Mirror, folder: Path):
    url, results = mirror.gives(Answer(BODY, slow=(400_000, 0.05))), list[object]()

    def one() -> None:
        try:
            results.append(get(folder, url))
        except StateError as error:
            results.append(error)

    threads = [threading.Thread(target=one) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [type(one) for one in results].count(Fetched) >= 1
    assert all("Another process works in" in str(one) for one in results if isinstance(one, StateError))
    assert len(mirror.asked) == 1
    assert (folder / "a.zip").read_bytes() == BODY
    assert left(folder) == ["a.zip"]


COMMAND = "import sys; from pathlib import Path; from tests.sources.download.getting import get; "
GET = COMMAND + "get(Path(sys.argv[1]), *sys.argv[2:])"


def test_a_full_disk_keeps_what_fits_and_goes_on(mirror: Mirror, folder: Path):
    """A limit on the size of files stands for the full disk: both end in an error of `write`."""
    url = mirror.gives(Answer(BODY, etag=ETAG))
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (1000000, 1000000)); "
    done = subprocess.run([sys.executable, "-c", limit + GET, str(folder), url], capture_output=True, text=True)
    assert re.search(r"OSError: \[Errno 27\] File too large: '.*a\.zip\.part'", done.stderr)
    assert (folder / "a.zip.part").stat().st_size == HALF
    assert get(folder, url).resumed == HALF
    assert mirror.ranges == [None, f"bytes={HALF}-"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_call_leaves_a_part_to_go_on_with(mirror: Mirror, folder: Path, number: signal.Signals):
    url = mirror.gives(Answer(BODY, etag=ETAG, slow=(HALF, 60)))
    with subprocess.Popen([sys.executable, "-c", GET, str(folder), url], stderr=subprocess.DEVNULL) as call:
        part, until = folder / "a.zip.part", time.monotonic() + 20
        while not (part.exists() and part.stat().st_size == HALF):
            assert time.monotonic() < until and call.poll() is None
            time.sleep(0.01)
        call.send_signal(number)
    assert not (folder / "a.zip").exists()
    mirror.gives(Answer(BODY, etag=ETAG))
    done = get(folder, url)
    assert (done.resumed, done.verified) == (HALF, True)
    assert mirror.asked[-1].sent == len(BODY) - HALF
    assert left(folder) == ["a.zip"]


def test_proxies_are_not_asked_for_this_machine(mirror: Mirror, folder: Path, monkeypatch: pytest.MonkeyPatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    assert get(folder, mirror.gives(Answer(BODY))).verified


def test_other_machines_are_asked_through_the_proxy(mirror: Mirror, folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("http_proxy", mirror.url(""))
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    mirror.gives(Answer(BODY), path="http://mirror.example/a.zip")
    assert get(folder, "http://mirror.example/a.zip", allow_http=True).verified


def test_two_mirrors_on_two_servers(mirror: Mirror, folder: Path):
    with running() as other:
        first = mirror.gives(Answer(BODY, etag=ETAG, cut=HALF), Answer(status=500))
        assert get(folder, first, other.gives(Answer(BODY, etag=ETAG, cut=10), Answer(BODY))).verified
        assert other.ranges == [f"bytes={HALF}-", f"bytes={HALF + 10}-"]
