"""Files that are either whole or not there, and their checksums."""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from logradar.core.errors import InputError, LogRadarError


def require_writable(path: Path, *, folder: bool = False, kind: type[LogRadarError] = InputError) -> None:
    """An error of class ``kind`` where no file (or ``folder``) can be written at ``path``.

    It is asked before hours of work, not after. The folders above ``path`` are made where they are missing; ``path``
    itself is not touched.
    """
    another = "another folder" if folder else "another file"
    try:
        path.absolute().parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path.absolute().parent):
            pass
    except OSError as error:
        # mkdir says of a file in the place of a folder above that it exists, which helps nobody
        reason = "a file has the name of a folder above it" if isinstance(error, FileExistsError) else error.strerror
        raise kind(f"'{path}' cannot be written ({reason}); name {another}.") from None
    if not folder and path.is_dir():
        raise kind(f"'{path}' is a folder; name a file to write.")


@contextmanager
def named_as(draft: Path, path: Path) -> Iterator[None]:
    """An `OSError` that is about ``draft``, or a file in it, names ``path`` instead: the name that the user gave."""
    try:
        yield
    except OSError as error:
        if isinstance(error.filename, str | os.PathLike):
            error.filename = os.fspath(error.filename).replace(str(draft), str(path))
        if error.strerror is not None:  # Arrow writes the name of the file into the reason
            error.strerror = error.strerror.replace(str(draft), str(path))
        raise


@contextmanager
def draft_of(path: Path) -> Iterator[Path]:
    """A new, empty file beside ``path`` to write to; it takes the place of ``path`` when the block ends.

    Where the block raises, the draft is removed and ``path`` stays as it was. Names of drafts begin with a dot and end
    with ``.part``, so that no reader of a folder takes one for a log; an `OSError` names ``path``, not the draft.
    """
    draft = path.with_name(f".{path.name[:100]}-{secrets.token_hex(4)}.part")
    with named_as(draft, path):
        draft.open("xb").close()
        try:
            yield draft
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)


@contextmanager
def no_half_folder(folder: Path | None) -> Iterator[None]:
    """Where writing to ``folder`` fails because the system refuses it (a full disk), the folder is removed again.

    Only one that was not there before the block; its old content would be lost otherwise. None is no folder.
    """
    new = folder is not None and not folder.exists()
    try:
        yield
    except Exception as error:
        refused = isinstance(error, OSError) or isinstance(error.__context__, OSError)
        if folder is not None and new and refused:
            shutil.rmtree(folder, ignore_errors=True)
        raise


def write_whole(path: Path, content: bytes | str) -> Path:
    """Write a file whole or not at all, also where the machine stops meanwhile; returns ``path``.

    Text is written as UTF-8; what cannot be (half of a surrogate pair) becomes a question mark.
    """
    data = content.encode("utf-8", "replace") if isinstance(content, str) else content
    with draft_of(path) as draft, draft.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    return path


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's bytes, in hex. Raises `OSError` where it cannot be read.

    >>> _ = write_whole(Path("a.txt"), "abc")
    >>> sha256_of(Path("a.txt"))[:16]
    'ba7816bf8f01cfea'
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
