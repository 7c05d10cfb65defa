"""One archive from mirrors that cut, lie, redirect, stall and never end; and files that a person placed."""

from __future__ import annotations

import hashlib
import json
import os
import socket
import threading
import time
from pathlib import Path

import pytest
from tests.sources.download.getting import BODY, ETAG, HALF, RIGHT, get, left
from tests.sources.download.mirror import Answer, Mirror

from logradar.core.errors import InputError
from logradar.sources.download.fetching import NoMirrorError


def test_a_file_comes_with_its_digest_and_leaves_nothing_else(mirror: Mirror, folder: Path):
    done = get(folder, mirror.gives(Answer(BODY)))
    assert (done.bytes, done.sha256, done.verified, done.resumed) == (len(BODY), RIGHT, True, 0)
    assert (folder / "a.zip").read_bytes() == BODY
    assert left(folder) == ["a.zip"]


def test_a_cut_connection_goes_on_where_it_ended(mirror: Mirror, folder: Path):
    done = get(folder, mirror.gives(Answer(BODY, etag=ETAG, cut=HALF), Answer(BODY, etag=ETAG)))
    assert (folder / "a.zip").read_bytes() == BODY and done.verified
    assert mirror.ranges == [None, f"bytes={HALF}-"]
    assert mirror.asked[1].if_range == ETAG
    assert [one.sent for one in mirror.asked] == [HALF, len(BODY) - HALF]


def test_many_cuts_are_no_failure_while_the_file_grows(mirror: Mirror, folder: Path):
    body = b"PK" + os.urandom(6 << 20)
    done = get(
        folder,
        mirror.gives(Answer(body, etag=ETAG, cut=(1 << 20) + 1)),
        sha256=hashlib.sha256(body).hexdigest(),
        tries=1,
    )
    assert done.bytes == len(body)
    assert len(mirror.asked) == 6
    assert sum(one.sent for one in mirror.asked) == len(body)


def test_a_call_goes_on_with_what_an_earlier_one_left(mirror: Mirror, folder: Path):
    url = mirror.gives(Answer(BODY, etag=ETAG, cut=HALF), Answer(status=503))
    with pytest.raises(InputError, match=r"a\.zip\.part' keeps the 1,000,000 bytes .* same command goes on"):
        get(folder, url)
    assert left(folder) == ["a.zip.part", "a.zip.part.json"]
    mirror.gives(Answer(BODY, etag=ETAG))
    done = get(folder, url)
    assert (done.resumed, done.verified) == (HALF, True)
    assert mirror.asked[-1].sent == len(BODY) - HALF
    assert left(folder) == ["a.zip"]


def test_a_server_that_ignores_range_is_read_from_the_start(mirror: Mirror, folder: Path):
    get(folder, mirror.gives(Answer(BODY, etag=ETAG, cut=HALF), Answer(BODY, etag=ETAG, ranges=False)))
    assert mirror.ranges == [None, f"bytes={HALF}-"]
    assert mirror.asked[1].sent == len(BODY)
    assert (folder / "a.zip").read_bytes() == BODY


def test_another_version_at_the_mirror_is_read_from_the_start(mirror: Mirror, folder: Path):
    """Also where no digest would tell that two halves do not belong together."""
    old = BODY[::-1]
    get(folder, mirror.gives(Answer(old, etag='"old"', cut=HALF), Answer(BODY, etag=ETAG)), sha256=None)
    assert (folder / "a.zip").read_bytes() == BODY
    assert mirror.asked[1].if_range == '"old"'


def test_a_server_that_ignores_if_range_is_found_out_by_its_etag(mirror: Mirror, folder: Path):
    changed = Answer(BODY, etag=ETAG, if_range=False)
    get(folder, mirror.gives(Answer(BODY[::-1], etag='"old"', cut=HALF), changed), sha256=None)
    assert mirror.ranges == [None, f"bytes={HALF}-", None]
    assert (folder / "a.zip").read_bytes() == BODY


@pytest.mark.parametrize("mark", [{}, {"etag": 'W/"one"'}])
def test_without_a_mark_only_a_digest_allows_to_go_on(mirror: Mirror, folder: Path, mark: dict[str, str]):
    answers = [Answer(BODY, cut=HALF, **mark), Answer(BODY, **mark)]
    get(folder, mirror.gives(*answers), sha256=None)
    assert mirror.ranges == [None, None]
    (folder / "a.zip").unlink()
    get(folder, mirror.gives(*answers))
    assert mirror.ranges[2:] == [None, f"bytes={HALF}-"]
    assert mirror.asked[3].if_range is None


def test_a_date_is_a_mark_too(mirror: Mirror, folder: Path):
    date = "Sun, 01 Oct 2023 10:00:00 GMT"
    get(folder, mirror.gives(Answer(BODY, modified=date, cut=HALF), Answer(BODY, modified=date)), sha256=None)
    assert mirror.asked[1].if_range == date


@pytest.mark.parametrize(
    "wrong", ["bytes 0-9/2048002", "bytes 1000000-2048001/9999999", "bytes 1000000-9/2048002", "x"]
)
def test_a_range_that_was_not_asked_for_is_not_added(mirror: Mirror, folder: Path, wrong: str):
    answers = [Answer(BODY, etag=ETAG, cut=HALF), Answer(BODY, etag=ETAG, content_range=wrong), Answer(BODY)]
    get(folder, mirror.gives(*answers))
    assert mirror.ranges == [None, f"bytes={HALF}-", None]
    assert (folder / "a.zip").read_bytes() == BODY


def test_a_part_that_was_damaged_costs_one_more_try(mirror: Mirror, folder: Path):
    url = mirror.gives(Answer(BODY, etag=ETAG, cut=HALF), Answer(status=503))
    with pytest.raises(InputError):
        get(folder, url)
    (folder / "a.zip.part").write_bytes(b"\0" * HALF)
    mirror.asked.clear()
    mirror.gives(Answer(BODY, etag=ETAG))
    assert get(folder, url).verified
    assert mirror.ranges == [f"bytes={HALF}-", None]


@pytest.mark.parametrize("note", [b"", b"{", b"[]", b'{"url": "x", "etag": "\\"a\\r\\nX: y\\""}', b"\xff" * 99])
def test_a_note_that_cannot_be_read_means_from_the_start(mirror: Mirror, folder: Path, note: bytes):
    folder.mkdir()
    (folder / "a.zip.part").write_bytes(BODY[:HALF])
    (folder / "a.zip.part.json").write_bytes(note)
    get(folder, mirror.gives(Answer(BODY)))
    assert mirror.ranges == [None]


def test_what_is_whole_already_is_not_asked_for_again(mirror: Mirror, folder: Path):
    folder.mkdir()
    url = mirror.gives(Answer(status=404))
    (folder / "a.zip.part").write_bytes(BODY)
    (folder / "a.zip.part.json").write_text(json.dumps({"url": url, "total": len(BODY)}))
    assert get(folder, url).verified
    assert mirror.asked == []


def test_a_length_that_is_too_long_ends_with_the_digest_or_with_416(mirror: Mirror, folder: Path):
    long = Answer(BODY, etag=ETAG, length=str(len(BODY) + 10))
    assert get(folder, mirror.gives(long)).verified
    (folder / "a.zip").unlink()
    assert get(folder, mirror.gives(long, Answer(BODY, etag=ETAG)), sha256=None).bytes == len(BODY)
    assert mirror.ranges[1:] == [None, f"bytes={len(BODY)}-"]


@pytest.mark.parametrize("length", ["1000", "-5", "many", "0"])
def test_another_wrong_length_is_no_file(mirror: Mirror, folder: Path, length: str):
    url = mirror.gives(Answer(BODY, length=length))
    if length in ("-5", "many"):  # as good as none
        assert get(folder, url).verified
        return
    with pytest.raises(InputError, match="could not be downloaded"):
        get(folder, url)
    assert left(folder) == []


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_without_a_length(mirror: Mirror, folder: Path, chunked: bool):
    plain, cut = Answer(BODY, length=None, chunked=chunked), Answer(BODY, length=None, chunked=chunked, cut=HALF)
    assert get(folder, mirror.gives(cut, plain)).verified
    assert mirror.ranges == [None, None]


def test_an_endless_body_ends_at_its_bound(mirror: Mirror, folder: Path):
    with pytest.raises(InputError, match="more than the 3,000,000 bytes that `size` allows"):
        get(folder, mirror.gives(Answer(BODY, endless=True)), size=3_000_000)
    assert len(mirror.asked) == 1
    assert left(folder) == []


def test_a_length_above_the_bound_is_not_read(mirror: Mirror, folder: Path):
    with pytest.raises(InputError, match="sends 2,048,002 bytes, and `size` allows 1,000"):
        get(folder, mirror.gives(Answer(BODY, slow=(1, 9))), size=1000)


def test_wrong_bytes_keep_nothing_and_say_what_to_do(mirror: Mirror, folder: Path):
    wrong = b"PK wrong"
    with pytest.raises(InputError) as told:
        get(folder, mirror.gives(Answer(wrong)))
    for word in (RIGHT, hashlib.sha256(wrong).hexdigest(), "archives.a.urls", "archives.a.sha256", "by hand"):
        assert word in str(told.value)
    assert len(mirror.asked) == 1
    assert left(folder) == []


def test_wrong_bytes_of_one_mirror_lead_to_the_next(mirror: Mirror, folder: Path, capfd):
    done = get(folder, mirror.gives(Answer(b"PK wrong"), path="/w"), mirror.gives(Answer(BODY)))
    assert done.verified
    assert "the next mirror is tried" in capfd.readouterr().err


def test_without_a_digest_a_page_is_no_archive(mirror: Mirror, folder: Path):
    with pytest.raises(InputError, match=r"no \.zip file"):
        get(folder, mirror.gives(Answer(b"<html>Please log in</html>")), sha256=None)
    done = get(folder, mirror.gives(Answer(BODY)), sha256=None)
    assert (done.sha256, done.verified) == (RIGHT, False)


@pytest.mark.parametrize(("status", "asked"), [(404, 1), (403, 1), (204, 1), (206, 1), (304, 1), (503, 3), (429, 3)])
def test_a_mirror_that_has_it_not_leads_to_the_next(mirror: Mirror, folder: Path, status: int, asked: int):
    assert get(folder, mirror.gives(Answer(status=status), path="/no"), mirror.gives(Answer(BODY))).verified
    assert [one.path for one in mirror.asked] == ["/no"] * asked + ["/a.zip"]


def test_another_mirror_goes_on_where_the_first_one_ended(mirror: Mirror, folder: Path):
    first = mirror.gives(Answer(BODY, etag='"x"', cut=HALF), Answer(status=410), path="/first")
    assert get(folder, first, mirror.gives(Answer(BODY, etag=ETAG))).verified
    assert (mirror.asked[-1].range, mirror.asked[-1].if_range) == (f"bytes={HALF}-", None)


def test_retry_after_is_heard(mirror: Mirror, folder: Path, capfd):
    began = time.monotonic()
    get(folder, mirror.gives(Answer(status=503, headers={"Retry-After": "1"}), Answer(BODY)))
    assert time.monotonic() - began >= 1
    assert "status 503; tried again in 1 s" in capfd.readouterr().err


def test_redirects_are_followed_with_the_range(mirror: Mirror, folder: Path):
    url = mirror.gives(Answer(status=302, headers={"Location": "/b?x=1"}), path="/r")
    mirror.gives(Answer(BODY, etag=ETAG, cut=HALF), Answer(BODY, etag=ETAG), path="/b")
    assert get(folder, url).verified
    assert [one.path for one in mirror.asked] == ["/r", "/b?x=1"] * 2
    assert mirror.asked[3].range == f"bytes={HALF}-"


@pytest.mark.parametrize(
    ("location", "why"),
    [
        ("/r", "more than 5 times"),
        ("http://example.org/a.zip", "not https"),
        ("file:///etc/passwd", "does not begin with https"),
        ("http://u:p@127.0.0.1/a.zip", "holds a login"),
        ("http://[::1", "no URL"),
        ("https:///a.zip", "no host"),
    ],
)
def test_redirects_that_are_not_followed(mirror: Mirror, folder: Path, location: str, why: str):
    url = mirror.gives(Answer(status=302, headers={"Location": location}), path="/r")
    with pytest.raises(InputError, match=why):
        get(folder, url)
    assert len(mirror.asked) == (6 if location == "/r" else 1)


@pytest.mark.parametrize("pause", ["head", "body", "never"])
def test_a_server_that_stalls_is_left(mirror: Mirror, folder: Path, pause: str):
    answer = Answer(BODY, slow=(HALF, 30)) if pause == "body" else Answer(raw=b"")
    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes connections, says nothing
        url = mirror.gives(answer) if pause == "body" else f"http://127.0.0.1:{silent.getsockname()[1]}/a.zip"
        if pause == "head":
            threading.Thread(target=_drip, args=(silent,), daemon=True).start()
        began = time.monotonic()
        with pytest.raises(InputError, match=r"nothing came for 0\.3 s"):
            get(folder, url, timeout=0.3, tries=1)
        assert time.monotonic() - began < 3


def _drip(server: socket.socket) -> None:
    """A status line and then a header that never ends, a letter at a time."""
    connection, _ = server.accept()
    with connection:
        try:
            connection.sendall(b"HTTP/1.1 200 OK\r\nX: ")
            for _ in range(100):
                connection.sendall(b"y")
                time.sleep(0.1)
        except OSError:
            return


def test_a_server_that_drips_is_left(mirror: Mirror, folder: Path):
    with pytest.raises(InputError, match=r"only \d+ bytes came in 0 s"):
        get(folder, mirror.gives(Answer(BODY, slow=(1, 0.05))), timeout=0.4, slowest=1000, tries=1)


@pytest.mark.parametrize(
    "raw", [b"SSH-2.0-OpenSSH_9.6\r\n", b"", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", b"\0" * 99]
)
def test_what_is_no_reply_is_a_sentence(mirror: Mirror, folder: Path, raw: bytes):
    with pytest.raises(InputError):
        get(folder, mirror.gives(Answer(raw=raw)))


def test_nobody_answers(folder: Path):
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}/a.zip"
    with pytest.raises(NoMirrorError, match="refused") as told:
        get(folder, url)
    assert not told.value.offline


def test_a_file_placed_by_hand_is_taken_without_a_request(mirror: Mirror, folder: Path):
    folder.mkdir()
    (folder / "a.zip").write_bytes(BODY)
    done = get(folder, mirror.gives(Answer(BODY)))
    assert (done.mirror, done.verified) == (None, True)
    assert mirror.asked == []


def test_a_wrong_file_placed_by_hand_stays_and_is_an_error_with_a_way_out(mirror: Mirror, folder: Path):
    folder.mkdir()
    (folder / "a.zip").write_bytes(b"mine")
    with pytest.raises(InputError, match=rf"is there, but its SHA-256 is .* {RIGHT} is expected\. Delete the file"):
        get(folder, mirror.gives(Answer(BODY)))
    assert (folder / "a.zip").read_bytes() == b"mine"
    assert mirror.asked == []
    (folder / "a.zip").unlink()
    (folder / "a.zip").mkdir()
    with pytest.raises(InputError, match="no file"):
        get(folder, mirror.url())
