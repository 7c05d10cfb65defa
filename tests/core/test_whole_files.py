"""A file is whole or not there; an old one stays until the new one is whole."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from logradar.core.errors import InputError, StateError
from logradar.core.files import draft_of, require_writable, sha256_of, write_whole


def test_text_and_bytes_replace_what_was_there(tmp_path):
    path = tmp_path / "a.json"
    assert write_whole(path, "größer\n") == path
    assert path.read_bytes() == "größer\n".encode()
    write_whole(path, b"\x00\xff")
    assert path.read_bytes() == b"\x00\xff"
    write_whole(path, "half \udc80")
    assert path.read_text() == "half ?"
    assert [file.name for file in tmp_path.iterdir()] == ["a.json"]


def test_a_failure_leaves_the_old_file_and_no_draft(tmp_path):
    path = write_whole(tmp_path / "a.bin", b"old")
    with pytest.raises(ZeroDivisionError), draft_of(path) as draft:
        draft.write_bytes(b"half of the new")
        assert path.read_bytes() == b"old"
        assert draft.name.startswith(".")
        raise ZeroDivisionError
    assert path.read_bytes() == b"old"
    assert [file.name for file in tmp_path.iterdir()] == ["a.bin"]
    with pytest.raises(FileNotFoundError) as caught:
        write_whole(tmp_path / "no folder" / "a", "x")
    assert caught.value.filename == str(tmp_path / "no folder" / "a")  # and not the draft


def test_a_place_that_cannot_be_written_is_a_sentence(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("file").write_text("x")
    with pytest.raises(InputError, match=r"^'file/deep/a' cannot be written \(.*\); name another file"):
        require_writable(Path("file/deep/a"))
    with pytest.raises(StateError, match=r"^'file/a' cannot be written \(.*\); name another folder"):
        require_writable(Path("file/a"), folder=True, kind=StateError)
    with pytest.raises(InputError, match="is a folder; name a file"):
        require_writable(tmp_path)
    require_writable(Path("new/deep/a"))
    require_writable(Path("new"), folder=True)
    assert [path.name for path in Path("new/deep").iterdir()] == []


def test_two_writers_at_once_do_not_mix(tmp_path):
    path = tmp_path / "a"
    with draft_of(path) as one, draft_of(path) as two:
        assert one != two
        one.write_bytes(b"one")
        two.write_bytes(b"two")
    assert path.read_bytes() == b"one"  # the block that ended last


def test_new_files_have_the_rights_that_others_have(tmp_path):
    old = os.umask(0o027)
    try:
        (tmp_path / "usual").write_text("x")
        write_whole(tmp_path / "whole", "x")
    finally:
        os.umask(old)
    assert (tmp_path / "whole").stat().st_mode == (tmp_path / "usual").stat().st_mode


def test_checksum(tmp_path):
    data = os.urandom(3_000_000)
    assert sha256_of(write_whole(tmp_path / "a", data)) == hashlib.sha256(data).hexdigest()
    with pytest.raises(OSError):
        sha256_of(tmp_path / "none")
