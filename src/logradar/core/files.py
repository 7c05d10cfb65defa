"""Files that are either whole or not there, and their checksums."""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def draft_of(path: Path) -> Iterator[Path]:
    """A new, empty file beside ``path`` to write to; it takes the place of ``path`` when the block ends.

    Where the block raises, the draft is removed and ``path`` stays as it was. Names of drafts begin with a dot and end
    with ``.part``, so that no reader of a folder takes one for a log.
    """
    draft = path.with_name(f".{path.name[:100]}-{secrets.token_hex(4)}.part")
    draft.open("xb").close()
    try:
        yield draft
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


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
